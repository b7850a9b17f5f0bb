package manifest

import (
	"maps"
	"slices"
	"strings"
	"time"

	"watchkeeper/api"
	"watchkeeper/api/schedule"
)

// check finds what breaks a rule that holds on every server.
func (m *Manifest) check() (faults []Fault) {
	each(&faults, m.Channels, strings.ToLower, checkChannel, func(in *api.ChannelInput) string { return in.Name })
	each(&faults, m.Services, nil, checkService, serviceName)
	each(&faults, m.Routes, nil, checkRoute, func(in *api.RouteInput) string { return in.Name })
	each(&faults, m.Maintenance, nil, checkMaintenance, func(in *api.MaintenanceInput) string { return in.Name })
	if len(faults) == 0 {
		faults = m.circles()
	}
	return faults
}

func serviceName(in *api.ServiceInput) string {
	if in.Name == nil {
		return ""
	}
	return *in.Name
}

// each checks every item of a list, and that no two have the same name; fold makes names of what is the same name.
func each[T any](faults *[]Fault, items []Item[T], fold func(string) string, check func(*Item[T]) api.Fields, name func(*T) string) {
	first := map[string]int{}
	for i := range items {
		item := &items[i]
		for _, f := range check(item) {
			*faults = append(*faults, item.fault(f.Location, "%s", f.Message))
		}
		key := name(&item.Value)
		if fold != nil {
			key = fold(key)
		}
		if other, taken := first[key]; taken && key != "" {
			*faults = append(*faults, item.fault("name", "is the same as that in line %d", items[other].Line("name")))
			continue
		}
		first[key] = i
	}
}

func checkChannel(item *Item[api.ChannelInput]) api.Fields {
	f := api.Fields(fieldsOf(item.Value.Validate()))
	for _, name := range slices.Sorted(maps.Keys(item.Value.Settings)) {
		path := "settings." + name
		if _, elsewhere := item.Secrets[path]; !elsewhere && item.Value.Settings[name] == Masked {
			f.Add(path, "%s", notShown)
		}
	}
	return f
}

// notShown is said of a secret that somebody has copied from where it is not shown.
const notShown = "must be the secret, or {env: NAME} or {file: PATH} for where it is to be had: " + Masked + " stands for one that was not shown"

func checkService(item *Item[api.ServiceInput]) api.Fields {
	in := item.Value
	if in.Probe != nil { // a secret that is elsewhere is judged as if it were right
		probe := *in.Probe
		eachText(&probe, func(path, text string) string {
			if _, elsewhere := item.Secrets[path]; !elsewhere {
				return text
			}
			if path == "probe.url" || path == "probe.proxy" {
				return "https://example.org/"
			}
			return "secret"
		})
		in.Probe = &probe
	}
	settings := in.Apply(api.ServiceSettings{})
	f := api.Fields(fieldsOf(settings.Validate()))
	if in.NextIn != nil && *in.NextIn == 0 && settings.Cron == "" && settings.Probe == nil {
		f.Add("next_in", "must be at least 1 second, or be left out where pulses say it")
	}
	checkCron(&f, "cron", settings.Cron, "time_zone", settings.TimeZone)
	checkChannelNames(&f, "alerts", settings.Alerts)
	return f
}

func checkRoute(item *Item[api.RouteInput]) api.Fields {
	in := &item.Value
	f := api.Fields(fieldsOf(in.Validate()))
	if in.Hours != nil && in.Hours.Zone != "" {
		checkZone(&f, "hours.zone", in.Hours.Zone)
	}
	checkChannelNames(&f, "to", in.To)
	return f
}

func checkMaintenance(item *Item[api.MaintenanceInput]) api.Fields {
	in := &item.Value
	f := api.Fields(fieldsOf(in.Validate()))
	checkCron(&f, "cron", in.Cron, "zone", in.Zone)
	return f
}

func checkCron(f *api.Fields, at, cron, zoneAt, zone string) {
	if zone != "" && !checkZone(f, zoneAt, zone) || cron == "" {
		return
	}
	if _, err := schedule.Parse(cron, zone); err != nil {
		f.Add(at, "%s", err)
	}
}

func checkZone(f *api.Fields, at, zone string) bool {
	if _, err := schedule.LoadZone(zone); err != nil {
		f.Add(at, "%s", err)
		return false
	}
	if zone == time.Local.String() {
		f.Add(at, "must be the same zone on every server: write it as Area/City, such as Europe/Paris, or UTC")
		return false
	}
	return true
}

// checkChannelNames finds targets that name no channel; whether it exists is for the server's side to say.
func checkChannelNames(f *api.Fields, at string, targets []string) {
	if slices.ContainsFunc(targets, func(t string) bool { return api.ParseTarget(t).Channel == "" }) {
		f.Add(at, "a target must begin with a channel, as in mail:me@example.org")
	}
}

// circles finds services of the file that stand in front of themselves.
func (m *Manifest) circles() []Fault {
	_, circle := m.ancestorsFirst()
	if circle < 0 {
		return nil
	}
	return []Fault{m.Services[circle].fault("parents", "must not make a circle: this service would stand in front of itself")}
}

// ancestorsFirst gives the indexes of the services in an order in which each comes behind those of the file that stand
// in front of it, otherwise in that of the file; or the index of one that is in a circle, else -1. In that order no
// change makes a circle that the whole file does not make.
func (m *Manifest) ancestorsFirst() (order []int, circle int) {
	const (
		fresh = iota
		entered
		done
	)
	byName := make(map[string]int, len(m.Services))
	for i := range m.Services {
		byName[serviceName(&m.Services[i].Value)] = i
	}
	state := make([]int, len(m.Services))
	circle = -1
	type visit struct {
		at    int
		above []string
	}
	for root := range m.Services {
		// With a stack of its own: a file may chain all its services.
		stack := []visit{{at: root}}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if state[top.at] == fresh {
				state[top.at] = entered
				settings := m.Services[top.at].Value.Apply(api.ServiceSettings{})
				top.above = settings.Ancestry()
			}
			if state[top.at] == done || len(top.above) == 0 {
				if state[top.at] != done {
					state[top.at] = done
					order = append(order, top.at)
				}
				stack = stack[:len(stack)-1]
				continue
			}
			next, known := byName[top.above[0]]
			top.above = top.above[1:]
			switch {
			case !known || state[next] == done:
			case state[next] == entered:
				return nil, next
			default:
				stack = append(stack, visit{at: next})
			}
		}
	}
	return order, circle
}
