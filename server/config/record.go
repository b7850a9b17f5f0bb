package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"watchkeeper/api"
	"watchkeeper/api/yamlfile"
)

// errFileOnly answers a text for a setting that needs the structure of a file.
var errFileOnly = errors.New("must be set in the file")

// records is a list of things with named parts, which only the file can hold.
type records[T any] struct {
	field *[]T
	name  func(T) string // as lists of settings show it
	parts func(*T) map[string]part
	check func(T) error // judges one by itself

	key string         // of the part that no two have alike; empty where they may
	id  func(T) string // the value of that part, as it is compared
}

// part reads the value of one key into a record.
type part func(yamlfile.Node) error

func (r records[T]) set(string) error { return errFileOnly }

func (r records[T]) String() string {
	names := make([]string, 0, len(*r.field))
	for _, record := range *r.field {
		names = append(names, r.name(record))
	}
	return strings.Join(names, ", ")
}

func (r records[T]) decode(n yamlfile.Node) []fault {
	items, err := itemsIn(n)
	if err != nil {
		return []fault{{line: n.Line, message: err.Error()}}
	}
	var read []T
	var faults []fault
	for i, item := range items {
		var record T
		found := fill(item, r.parts(&record))
		read = append(read, record)
		if err := r.checkLast(read); err != nil && len(found) == 0 {
			found = append(found, fault{line: item.Line, message: err.Error()})
		}
		for _, f := range found {
			faults = append(faults, fault{line: f.line, path: fmt.Sprintf("[%d]", i) + f.path, message: f.message})
		}
	}
	*r.field = read
	return faults
}

func (r records[T]) checkAll() error {
	for i := range *r.field {
		if err := r.checkLast((*r.field)[:i+1]); err != nil {
			return fmt.Errorf("must be valid, number %d is not: %w", i+1, err)
		}
	}
	return nil
}

// checkLast judges the last one, knowing those before.
func (r records[T]) checkLast(all []T) error {
	last, before := all[len(all)-1], all[:len(all)-1]
	if err := r.check(last); err != nil {
		return reason(err)
	}
	if r.key != "" && slices.ContainsFunc(before, func(other T) bool { return r.id(other) == r.id(last) }) {
		return fmt.Errorf("%s must not be the same as that of another: %s", r.key, r.id(last))
	}
	return nil
}

// fill hands every value of a map to the part of its key.
func fill(n yamlfile.Node, parts map[string]part) []fault {
	pairs, err := pairsIn(n)
	if err != nil {
		return []fault{{line: n.Line, message: err.Error()}}
	}
	var faults []fault
	for _, p := range pairs {
		into, ok := parts[p.Key]
		if !ok {
			faults = append(faults, fault{line: p.Line, path: "." + p.Key, message: unknownKey(p.Key, keysOf(parts))})
			continue
		}
		if err := into(p.Value); err != nil {
			faults = append(faults, fault{line: p.Line, path: "." + p.Key, message: err.Error()})
		}
	}
	return faults
}

func intoText[T ~string](field *T) part {
	return func(n yamlfile.Node) error {
		text, err := textIn(n)
		*field = T(text)
		return err
	}
}

func intoTexts(field *map[string]string) part {
	return func(n yamlfile.Node) error {
		pairs, err := pairsIn(n)
		*field = map[string]string{}
		for _, p := range pairs {
			text, wrong := textIn(p.Value)
			if wrong != nil {
				err = fmt.Errorf("must hold single values, %s is %s", p.Key, p.Value.Kind)
			}
			(*field)[p.Key] = text
		}
		return err
	}
}

func channelsOf(field *[]api.ChannelInput) records[api.ChannelInput] {
	return records[api.ChannelInput]{
		field: field,
		name:  func(c api.ChannelInput) string { return fmt.Sprintf("%s (%s)", c.Name, c.Kind) },
		parts: func(c *api.ChannelInput) map[string]part {
			return map[string]part{"name": intoText(&c.Name), "kind": intoText(&c.Kind), "settings": intoTexts(&c.Settings)}
		},
		check: func(c api.ChannelInput) error { return c.Validate() },
		key:   "name",
		id:    func(c api.ChannelInput) string { return strings.ToLower(c.Name) },
	}
}

func presetsOf(field *[]EventsPreset) records[EventsPreset] {
	return records[EventsPreset]{
		field: field,
		name:  func(p EventsPreset) string { return p.Name },
		parts: func(p *EventsPreset) map[string]part {
			return map[string]part{"name": intoText(&p.Name), "service": intoText(&p.Service), "message": intoText(&p.Message)}
		},
		check: checkPreset,
	}
}

func checkPreset(p EventsPreset) error {
	if strings.TrimSpace(p.Name) == "" {
		return errors.New("name must not be empty")
	}
	_, inService := api.CompilePattern("service", p.Service)
	_, inMessage := api.CompilePattern("message", p.Message)
	return errors.Join(inService, inMessage)
}

// reason gives what an error of package api says about the first field, without the words for a request.
func reason(err error) error {
	var wrong *api.Error
	if errors.As(err, &wrong) && len(wrong.Fields) > 0 {
		f := wrong.Fields[0]
		return errors.New(strings.TrimPrefix(f.Location, "body.") + " " + f.Message)
	}
	return err
}
