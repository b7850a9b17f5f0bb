package manifest

import (
	"maps"
	"slices"
	"strings"

	"watchkeeper/api"
)

// Omitted is a secret that an export leaves out, and the variable by which it can be given when the file is applied.
type Omitted struct {
	Kind     Kind
	Name     string
	Path     string
	Variable string
}

// Of gives what a server has as a manifest: applied to the same server it changes nothing. What comes from the
// configuration file of the server is left out, for it is changed there, and so are secrets.
func Of(on Server) (*Manifest, []Omitted) {
	x := exporter{names: variables{}}
	m := &Manifest{}
	for i := range on.Channels {
		if c := &on.Channels[i]; c.Source != sourceFile {
			m.Channels = append(m.Channels, Item[api.ChannelInput]{Value: channelInput(c), Secrets: x.secrets(KindChannel, c.Name, "settings.", c.Settings)})
		}
	}
	for i := range on.Services {
		if fromFile(&on.Services[i]) {
			continue
		}
		s := serviceSettings(&on.Services[i])
		item := Item[api.ServiceInput]{Value: serviceInput(&s)}
		if probe := item.Value.Probe; probe != nil {
			texts := map[string]string{}
			eachText(probe, func(path, text string) string { texts[path] = text; return text })
			item.Secrets = x.secrets(KindService, s.Name, "", texts)
		}
		m.Services = append(m.Services, item)
	}
	for i := range on.Routes {
		if r := on.Routes[i]; r.Source != sourceFile {
			r.Position, r.ManagedBy = 0, ""
			m.Routes = append(m.Routes, Item[api.RouteInput]{Value: r.RouteInput})
		}
	}
	for i := range on.Maintenance {
		if w := on.Maintenance[i]; w.Source != sourceFile {
			w.ManagedBy = ""
			m.Maintenance = append(m.Maintenance, Item[api.MaintenanceInput]{Value: w.MaintenanceInput})
		}
	}
	slices.SortFunc(m.Services, func(a, b Item[api.ServiceInput]) int { return strings.Compare(*a.Value.Name, *b.Value.Name) })
	return m, x.omitted
}

type exporter struct {
	names   variables
	omitted []Omitted
}

// secrets gives a source for each text that is masked.
func (x *exporter) secrets(k Kind, name, prefix string, texts map[string]string) map[string]Source {
	var sources map[string]Source
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		if !strings.Contains(texts[key], Masked) {
			continue
		}
		if sources == nil {
			sources = map[string]Source{}
		}
		variable := x.names.name(name, strings.TrimPrefix(key, "probe."))
		sources[prefix+key] = Source{Env: variable}
		x.omitted = append(x.omitted, Omitted{k, name, prefix + key, variable})
	}
	return sources
}
