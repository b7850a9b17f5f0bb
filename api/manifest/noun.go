package manifest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"watchkeeper/api"
	"watchkeeper/api/schedule"
	"watchkeeper/api/yamlfile"
)

// formOf gives a value of package api as it stands in a file.
func formOf(v any) node {
	n, _ := encode(reflect.ValueOf(v), "", nil)
	return n
}

func channelInput(c *api.Channel) api.ChannelInput {
	return api.ChannelInput{Name: c.Name, Kind: c.Kind, Settings: c.Settings}
}

func (p *planner) channels() {
	var all []present
	shown := map[string]map[string]string{}
	for i := range p.server.Channels {
		c := &p.server.Channels[i]
		shown[c.Name] = c.Settings
		all = append(all, present{name: c.Name, id: c.Name, source: c.Source, managedBy: c.ManagedBy, form: formOf(channelInput(c))})
	}
	in := map[string]bool{}
	for i := range p.manifest.Channels {
		item := &p.manifest.Channels[i]
		in[item.Value.Name] = true
		have := find(all, item.Value.Name)
		if have == nil {
			for _, other := range all {
				if strings.EqualFold(other.name, item.Value.Name) {
					p.faults = append(p.faults, item.fault("name", "is that of the channel %s of the server, but for capitals", other.name))
				}
			}
		}
		sent := item.Value
		before := shown[sent.Name]
		sent.Settings = maps.Clone(item.Value.Settings)
		for name, text := range sent.Settings {
			sent.Settings[name] = p.seen(text, item.Secrets["settings."+name], before[name])
		}
		s := p.step(KindChannel, wanted{sent.Name, formOf(sent), item.Secrets, item.fault, item.line}, have)
		if s == nil {
			continue
		}
		sent.Settings = map[string]string{}
		if sent.Kind != kindBefore(p.server.Channels, sent.Name) {
			before = nil // another kind begins without the secrets of the former
		}
		for _, name := range slices.Sorted(maps.Keys(item.Value.Settings)) {
			path := "settings." + name
			text, err := p.secret(item.Value.Settings[name], item.Secrets[path], before[name])
			if err != nil {
				p.faults = append(p.faults, item.fault(path, "%s", err))
			}
			sent.Settings[name] = text
		}
		for name, text := range before {
			if _, named := sent.Settings[name]; !named && text == Masked {
				sent.Settings[name] = Masked // a file without the secret of a channel leaves it alone
			}
		}
		sent.ManagedBy = p.mark(have)
		s.Channel = &sent
	}
	p.others(KindChannel, all, in)
}

func kindBefore(channels []api.Channel, name string) api.ChannelKind {
	for i := range channels {
		if channels[i].Name == name {
			return channels[i].Kind
		}
	}
	return ""
}

// serviceInput gives what people decided about a service, without what is at its default.
func serviceInput(s *api.ServiceSettings) api.ServiceInput {
	in := api.ServiceInput{Name: &s.Name, Grace: &s.Grace}
	if s.Slug != api.Slugify(s.Name) {
		in.Slug = &s.Slug
	}
	in.Description = given(&s.Description)
	in.Host = given(&s.Host)
	in.NextIn = given(&s.NextIn)
	in.Cron = given(&s.Cron)
	in.TimeZone = given(&s.TimeZone)
	in.MaxRun = given(&s.MaxRun)
	in.MinRun = given(&s.MinRun)
	in.FinishWithin = given(&s.FinishWithin)
	in.ManualResume = given(&s.ManualResume)
	if bare := (api.ServiceSettings{Probe: s.Probe}); s.FailsToDown() != bare.FailsToDown() {
		in.FailuresToAlert = &s.FailuresToAlert
	}
	if s.Probe != nil {
		probe := leanProbe(s.Probe.ProbeSettings)
		in.Probe = &probe
	}
	in.Tags = givenList(&s.Tags)
	in.Alerts = givenList(&s.Alerts)
	in.Parents = givenList(&s.Parents)
	return in
}

// leanProbe gives the settings of a probe without what is at its default.
func leanProbe(p api.ProbeSettings) api.ProbeSettings {
	full := p.WithDefaults()
	lean := full
	for _, drop := range []func(*api.ProbeSettings){
		func(p *api.ProbeSettings) { p.Interval = 0 },
		func(p *api.ProbeSettings) { p.Timeout = 0 },
		func(p *api.ProbeSettings) { p.Method = "" },
		func(p *api.ProbeSettings) { p.Statuses = nil },
		func(p *api.ProbeSettings) { p.Redirects = "" },
		func(p *api.ProbeSettings) { p.CertificateDays = nil },
		func(p *api.ProbeSettings) { p.Record = "" },
	} {
		less := lean
		if drop(&less); reflect.DeepEqual(less.WithDefaults(), full) {
			lean = less
		}
	}
	return lean
}

func given[T comparable](v *T) *T {
	var none T
	if *v == none {
		return nil
	}
	return v
}

func givenList[T any](v *[]T) *[]T {
	if len(*v) == 0 {
		return nil
	}
	return v
}

// serviceSettings gives the settings of a service as people decided them: the period of a service that is shown may be
// one that a pulse has stated.
func serviceSettings(v *api.ServiceView) api.ServiceSettings {
	s := v.ServiceSettings
	if v.SetNextIn != nil {
		s.NextIn = *v.SetNextIn
	}
	return s
}

// settle gives the settings that a server makes of what a file says, as far as that can be known here: it fills in the
// grace, and its own time zone, which stays where the service has one.
func settle(in *api.ServiceInput, have *api.ServiceSettings) api.ServiceSettings {
	s := in.Apply(api.ServiceSettings{})
	if s.Cron != "" && s.TimeZone == "" && have != nil {
		s.TimeZone = have.TimeZone
	}
	if in.Grace == nil {
		period := s.NextIn
		if s.Probe != nil {
			period = s.Probe.Interval
		}
		if cron, err := schedule.Parse(s.Cron, s.TimeZone); s.Cron != "" && err == nil {
			period = schedule.Period(cron)
		}
		s.Grace = api.DefaultGrace(period)
	}
	return s
}

func (p *planner) services() {
	all := make([]present, len(p.server.Services))
	byName := make(map[string]int, len(all))
	settings := make([]api.ServiceSettings, len(all))
	for i := range p.server.Services {
		v := &p.server.Services[i]
		settings[i] = serviceSettings(v)
		all[i] = present{name: v.Name, id: v.ID, managedBy: v.ManagedBy, form: formOf(serviceInput(&settings[i]))}
		if fromFile(v) {
			all[i].source = sourceFile
		}
		byName[v.Name] = i
	}
	in := map[string]bool{}
	order, _ := p.manifest.ancestorsFirst()
	for _, i := range order {
		item := &p.manifest.Services[i]
		name := *item.Value.Name
		in[name] = true
		var have *present
		var before *api.ServiceSettings
		if at, known := byName[name]; known {
			have, before = &all[at], &settings[at]
		}
		want := settle(&item.Value, before)
		s := p.step(KindService, wanted{name, formOf(p.seenProbe(item, serviceInput(&want), before)), item.Secrets, item.fault, item.line}, have)
		if s == nil {
			continue
		}
		sent := serviceInput(&want)
		if item.Value.Grace == nil {
			sent.Grace = nil // the server knows better
		}
		if sent.Probe != nil {
			p.probeSecrets(item, sent.Probe, before)
		}
		p.sent = append(p.sent, targeted{want.Alerts, "alerts", item.fault})
		mark := p.mark(have)
		sent.ManagedBy = &mark
		s.Service = &sent
	}
	p.others(KindService, all, in)
}

// fromFile reports whether the configuration file of the server has the probe of a service.
func fromFile(v *api.ServiceView) bool { return v.Probe != nil && v.Probe.FromFile }

// shownTexts gives what a server shows of the texts of a probe that may be secrets.
func shownTexts(before *api.ServiceSettings, of *api.ProbeSettings) map[string]string {
	shown := map[string]string{}
	if before != nil && before.Probe != nil && before.Probe.Kind == of.Kind {
		have := before.Probe.ProbeSettings
		eachText(&have, func(path, text string) string { shown[path] = text; return text })
	}
	return shown
}

// seenProbe puts in the secrets of a probe that can be compared.
func (p *planner) seenProbe(item *Item[api.ServiceInput], in api.ServiceInput, before *api.ServiceSettings) api.ServiceInput {
	if in.Probe == nil {
		return in
	}
	probe, shown := *in.Probe, shownTexts(before, in.Probe)
	eachText(&probe, func(path, text string) string { return p.seen(text, item.Secrets[path], shown[path]) })
	in.Probe = &probe
	return in
}

// probeSecrets puts in what is sent for the texts of a probe that may be secrets.
func (p *planner) probeSecrets(item *Item[api.ServiceInput], sent *api.ProbeSettings, before *api.ServiceSettings) {
	shown := shownTexts(before, sent)
	eachText(sent, func(path, text string) string {
		text, err := p.secret(text, item.Secrets[path], shown[path])
		if err != nil {
			p.faults = append(p.faults, item.fault(path, "%s", err))
		}
		return text
	})
}

// eachText replaces the texts of a probe that may be secrets, those that are there.
func eachText(p *api.ProbeSettings, replace func(path, text string) string) {
	for _, f := range []struct {
		name string
		text *string
	}{{"url", &p.URL}, {"proxy", &p.Proxy}, {"body", &p.Body}} {
		if *f.text != "" {
			*f.text = replace("probe."+f.name, *f.text)
		}
	}
	p.Headers = maps.Clone(p.Headers)
	for _, name := range slices.Sorted(maps.Keys(p.Headers)) {
		p.Headers[name] = replace("probe.headers."+name, p.Headers[name])
	}
}

// routeForm gives a route as it stands in a file.
func routeForm(in api.RouteInput) node { return formOf(in) }

func (p *planner) routes() {
	var all []present
	var order []string // of those that a file may change, as the server asks them
	for i := range p.server.Routes {
		r := &p.server.Routes[i]
		all = append(all, present{name: r.Name, id: r.ID, source: r.Source, managedBy: r.ManagedBy, form: routeForm(r.RouteInput)})
		if r.Source != sourceFile {
			order = append(order, r.Name)
		}
	}
	in := map[string]bool{}
	for i := range p.manifest.Routes {
		in[p.manifest.Routes[i].Value.Name] = true
	}
	last := -1 // where the route before is
	for i := range p.manifest.Routes {
		item := &p.manifest.Routes[i]
		have := find(all, item.Value.Name)
		var position int
		var moved []Change
		order, position, moved = place(order, item.Value.Name, last, in)
		last = position - 1
		s := p.step(KindRoute, wanted{item.Value.Name, routeForm(item.Value), nil, item.fault, item.line}, have, moved...)
		if s == nil {
			continue
		}
		sent := item.Value
		p.sent = append(p.sent, targeted{sent.To, "to", item.fault})
		if sent.Match == nil {
			sent.Match = api.Matchers{}
		}
		if have == nil || len(moved) > 0 {
			sent.Position = position
		}
		sent.ManagedBy = p.mark(have)
		s.Route = &sent
	}
	p.others(KindRoute, all, in)
}

// place finds where a route of the file goes among those of the server, counted from 1: behind the one before it in the
// file, which is at an index, -1 for none. What is not in the file stays where it is, so that files of several people do
// not push one another aside.
func place(order []string, name string, behind int, in map[string]bool) (after []string, position int, moved []Change) {
	at := slices.Index(order, name)
	if at > behind {
		return order, at + 1, nil
	}
	to := behind + 1
	if at >= 0 { // what is behind it moves up
		order = slices.Delete(slices.Clone(order), at, at+1)
		to = behind
		moved = []Change{{"position", fmt.Sprint(at + 1), fmt.Sprint(to + 1)}}
	} else if behind < 0 { // the first of the file is asked before the others of the file
		if to = slices.IndexFunc(order, func(other string) bool { return in[other] }); to < 0 {
			to = len(order)
		}
	}
	return slices.Insert(slices.Clone(order), to, name), to + 1, moved
}

func (p *planner) maintenance() {
	var all []present
	for i := range p.server.Maintenance {
		m := &p.server.Maintenance[i]
		all = append(all, present{name: m.Name, id: m.ID, source: m.Source, managedBy: m.ManagedBy, form: formOf(m.MaintenanceInput)})
	}
	in := map[string]bool{}
	for i := range p.manifest.Maintenance {
		item := &p.manifest.Maintenance[i]
		in[item.Value.Name] = true
		have := find(all, item.Value.Name)
		s := p.step(KindMaintenance, wanted{item.Value.Name, formOf(item.Value), nil, item.fault, item.line}, have)
		if s == nil {
			continue
		}
		sent := item.Value
		sent.ManagedBy = p.mark(have)
		s.Maintenance = &sent
	}
	p.others(KindMaintenance, all, in)
}

// targeted is the targets of a step, which the server will look up.
type targeted struct {
	targets []string
	path    string
	fault   func(path, format string, args ...any) Fault
}

// targets finds targets of steps whose channel neither the file nor the server has, or that the plan deletes. What stays
// as it is may name a channel that is gone.
func (p *planner) targets() {
	known := map[string]bool{}
	for i := range p.server.Channels {
		known[p.server.Channels[i].Name] = true
	}
	for i := range p.deletes {
		if p.deletes[i].Kind == KindChannel {
			delete(known, p.deletes[i].Name)
		}
	}
	for i := range p.manifest.Channels {
		known[p.manifest.Channels[i].Value.Name] = true
	}
	for _, sent := range p.sent {
		for i, target := range sent.targets {
			channel := api.ParseTarget(target).Channel
			if !known[channel] && !api.ChannelKind(strings.ToLower(channel)).Valid() {
				p.faults = append(p.faults, sent.fault(fmt.Sprintf("%s[%d]", sent.path, i),
					"names the channel %q, which neither the file nor the server has", yamlfile.Shown(channel)))
			}
		}
	}
}
