package config

import (
	"errors"
	"fmt"
	"time"

	"watchkeeper/api"
	"watchkeeper/api/yamlfile"
)

func routesOf(field *[]api.RouteInput) records[api.RouteInput] {
	return records[api.RouteInput]{
		field: field,
		name:  func(r api.RouteInput) string { return r.Name },
		parts: func(r *api.RouteInput) map[string]part {
			return map[string]part{
				"name": intoText(&r.Name), "match": intoMatchers(&r.Match), "to": intoList(&r.To), "continue": intoSwitch(&r.Continue),
				"after": intoSeconds(&r.After), "repeat": intoSeconds(&r.Repeat), "hours": intoHours(&r.Hours),
			}
		},
		check: func(r api.RouteInput) error { return r.Validate() },
		key:   "name",
		id:    func(r api.RouteInput) string { return r.Name },
	}
}

func maintenanceOf(field *[]api.MaintenanceInput) records[api.MaintenanceInput] {
	return records[api.MaintenanceInput]{
		field: field,
		name:  func(m api.MaintenanceInput) string { return m.Name },
		parts: func(m *api.MaintenanceInput) map[string]part {
			return map[string]part{
				"name": intoText(&m.Name), "match": intoMatchers(&m.Match), "comment": intoText(&m.Comment),
				"starts_at": intoTime(&m.StartsAt), "ends_at": intoTime(&m.EndsAt),
				"cron": intoText(&m.Cron), "duration": intoSeconds(&m.Duration), "zone": intoZone(&m.Zone),
			}
		},
		check: func(m api.MaintenanceInput) error { return m.Validate() },
		key:   "name",
		id:    func(m api.MaintenanceInput) string { return m.Name },
	}
}

func templatesOf(field *[]Template) records[Template] {
	return records[Template]{
		field: field,
		name:  func(t Template) string { return string(t.Kind) },
		parts: func(t *Template) map[string]part {
			return map[string]part{"kind": intoText(&t.Kind), "title": intoText(&t.Title), "body": intoText(&t.Body)}
		},
		check: checkTemplate,
		key:   "kind",
		id:    func(t Template) string { return string(t.Kind) },
	}
}

// checkTemplate leaves what stands in the templates to the channels.
func checkTemplate(t Template) error {
	if !t.Kind.Valid() {
		return errors.New("kind must be one of " + joined(api.ChannelKinds))
	}
	return nil
}

// intoMatchers reads a list of texts or a single one.
func intoMatchers(field *api.Matchers) part {
	return func(n yamlfile.Node) error {
		texts, err := textsOrOne(n)
		if err != nil {
			return err
		}
		*field, err = api.ParseMatchers(texts...)
		return err
	}
}

func intoList(field *[]string) part {
	return func(n yamlfile.Node) (err error) {
		*field, err = textsOrOne(n)
		return err
	}
}

func textsOrOne(n yamlfile.Node) ([]string, error) {
	if n.Kind == yamlfile.Text {
		return []string{n.Text}, nil
	}
	return textsIn(n)
}

func intoSwitch(field *bool) part {
	return func(n yamlfile.Node) error {
		if err := n.Expect(yamlfile.Text); err != nil || n.Kind == yamlfile.None {
			return err
		}
		return switchOf(field).set(n.Text)
	}
}

func intoSeconds(field *api.Seconds) part {
	return func(n yamlfile.Node) error {
		text, err := textIn(n)
		if err != nil || text == "" {
			return err
		}
		d, err := api.ParseDuration(text)
		if err == nil && d%time.Second != 0 {
			err = errors.New("must be whole seconds")
		}
		*field = api.Seconds(d / time.Second)
		return err
	}
}

func intoTime(field *api.Time) part {
	return func(n yamlfile.Node) error {
		text, err := textIn(n)
		if err != nil || text == "" {
			return err
		}
		*field, err = api.ParseTime(text)
		return err
	}
}

func intoZone(field *string) part {
	return func(n yamlfile.Node) error {
		text, err := textIn(n)
		if err != nil || text == "" {
			return err
		}
		var zone *time.Location
		*field = text
		return zoneOf(&zone).set(text)
	}
}

func intoHours(field **api.Hours) part {
	return func(n yamlfile.Node) error {
		if n.Kind == yamlfile.None {
			return nil
		}
		var h api.Hours
		faults := fill(n, map[string]part{
			"days": intoText(&h.Days), "from": intoText(&h.From), "to": intoText(&h.To), "zone": intoZone(&h.Zone),
		})
		*field = &h
		if len(faults) > 0 {
			f := faults[0]
			if len(f.path) > 0 {
				return fmt.Errorf("%s %s", f.path[1:], f.message)
			}
			return errors.New(f.message)
		}
		return nil
	}
}
