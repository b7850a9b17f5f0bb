package manifest

import (
	"fmt"
	"reflect"
	"strings"

	"watchkeeper/api"
)

// Kind is a kind of thing that a manifest holds.
type Kind string

// The kinds, in the order in which they are applied: services and routes name channels.
const (
	KindChannel     Kind = "channel"
	KindService     Kind = "service"
	KindRoute       Kind = "route"
	KindMaintenance Kind = "maintenance"
)

// Kinds is every kind, in the order in which they are applied.
var Kinds = []Kind{KindChannel, KindService, KindRoute, KindMaintenance}

// section names the list of a kind in a file.
func (k Kind) section() string {
	if k == KindMaintenance {
		return string(k)
	}
	return string(k) + "s"
}

// MaxServices is how many services one file may hold.
const MaxServices = 100_000

// Manifest is what a file holds. Routes are asked in the order of their list.
type Manifest struct {
	Channels    []Item[api.ChannelInput]
	Services    []Item[api.ServiceInput]
	Routes      []Item[api.RouteInput]
	Maintenance []Item[api.MaintenanceInput]
}

// Item is one thing, and where it stands in its file.
type Item[T any] struct {
	// Value is as the file has it: what is left out is nil or zero, and where Secrets has the path of a text, the text is
	// Masked. ManagedBy and Position are never set.
	Value T
	// Secrets is where texts are to be had that are not in the file, by their path, such as settings.url.
	Secrets map[string]Source

	at    string // such as services[3]
	line  int    // 0 for what is not from a file
	lines map[string]int
}

// Line gives the line of a member by its path, or that of what it is in; 0 for what is not from a file.
func (i *Item[T]) Line(path string) int {
	for path != "" {
		if line := i.lines[path]; line > 0 {
			return line
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			break
		}
		path = path[:cut]
	}
	return i.line
}

// fault makes a fault of a member.
func (i *Item[T]) fault(path, format string, args ...any) Fault {
	return Fault{Line: i.Line(path), At: join(i.at, path), Message: fmt.Sprintf(format, args...)}
}

// Parse reads a file and checks everything in it that can be judged without a server. Its error is an *Error with the
// line of everything that is wrong.
func Parse(text []byte) (*Manifest, error) {
	root, faults := read(text)
	if len(faults) > 0 {
		return nil, faultError(faults)
	}
	p := reader{m: &Manifest{}}
	p.document(root)
	if len(p.faults) == 0 {
		p.faults = p.m.check()
	}
	if err := faultError(p.faults); err != nil {
		return nil, err
	}
	return p.m, nil
}

type reader struct {
	m      *Manifest
	faults []Fault
}

func (p *reader) document(root node) {
	if root.kind == kindNone {
		return // an empty file is one that asks for nothing
	}
	if root.kind != kindMap {
		p.fail(root.line, "", "must be a map of "+sections())
		return
	}
	for _, pair := range root.pairs {
		switch pair.key {
		case KindChannel.section():
			p.m.Channels = section[api.ChannelInput](p, KindChannel, pair.value)
		case KindService.section():
			p.m.Services = section[api.ServiceInput](p, KindService, pair.value)
		case KindRoute.section():
			p.m.Routes = section[api.RouteInput](p, KindRoute, pair.value)
		case KindMaintenance.section():
			p.m.Maintenance = section[api.MaintenanceInput](p, KindMaintenance, pair.value)
		default:
			p.fail(pair.line, shown(pair.key), "is not known, a file has "+sections())
		}
	}
}

func sections() string {
	names := make([]string, len(Kinds))
	for i, k := range Kinds {
		names[i] = k.section()
	}
	return strings.Join(names, ", ")
}

func (p *reader) fail(line int, at, message string) {
	p.faults = append(p.faults, Fault{Line: line, At: at, Message: message})
}

// most is how many things of a kind a file may hold.
func most(k Kind) int {
	switch k {
	case KindRoute:
		return api.MaxRoutes
	case KindService:
		return MaxServices
	}
	return api.MaxMaintenance
}

func section[T any](p *reader, k Kind, n node) []Item[T] {
	switch {
	case n.kind == kindNone:
		return nil
	case n.kind != kindList:
		p.fail(n.line, k.section(), fmt.Sprintf("must be %s, not %s", kindList, n.kind))
		return nil
	case len(n.items) > most(k):
		p.fail(n.line, k.section(), fmt.Sprintf("must be at most %d", most(k)))
		return nil
	}
	items := make([]Item[T], len(n.items))
	for i, from := range n.items {
		item := &items[i]
		item.at, item.line = fmt.Sprintf("%s[%d]", k.section(), i), from.line
		d := decoder{lines: map[string]int{}, secrets: map[string]Source{}, hides: hidden(k)}
		if from.kind == kindNone {
			d.fail(from, "", "must not be empty")
		}
		d.decode(from, "", reflect.ValueOf(&item.Value).Elem())
		item.lines = d.lines
		if len(d.secrets) > 0 {
			item.Secrets = d.secrets
		}
		for _, f := range d.faults {
			f.At = join(item.at, f.At)
			p.faults = append(p.faults, f)
		}
	}
	return items
}
