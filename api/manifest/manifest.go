package manifest

import (
	"fmt"
	"reflect"
	"strings"

	"watchkeeper/api"
	"watchkeeper/api/yamlfile"
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

// The limits of a file.
const (
	MaxSize     = 8 << 20 // bytes
	MaxServices = 100_000
)

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
	p := reader{m: &Manifest{}}
	p.read(text)
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

func (p *reader) read(text []byte) {
	if len(text) > MaxSize {
		p.fail(1, "", "the file is larger than 8 MiB")
		return
	}
	root, faults := yamlfile.Read(text)
	for _, f := range faults {
		p.fail(f.Line, "", f.Message)
	}
	if len(faults) == 0 {
		p.document(root)
	}
}

func (p *reader) document(root yamlfile.Node) {
	if root.Kind == yamlfile.None {
		return // an empty file is one that asks for nothing
	}
	if root.Kind != yamlfile.Map {
		p.fail(root.Line, "", "must be a map of "+sections())
		return
	}
	for _, pair := range root.Pairs {
		switch pair.Key {
		case KindChannel.section():
			p.m.Channels = section[api.ChannelInput](p, KindChannel, pair.Value)
		case KindService.section():
			p.m.Services = section[api.ServiceInput](p, KindService, pair.Value)
		case KindRoute.section():
			p.m.Routes = section[api.RouteInput](p, KindRoute, pair.Value)
		case KindMaintenance.section():
			p.m.Maintenance = section[api.MaintenanceInput](p, KindMaintenance, pair.Value)
		default:
			p.fail(pair.Line, yamlfile.Shown(pair.Key), "is not known, a file has "+sections())
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

func section[T any](p *reader, k Kind, n yamlfile.Node) []Item[T] {
	switch {
	case n.Kind == yamlfile.None:
		return nil
	case n.Kind != yamlfile.List:
		p.fail(n.Line, k.section(), fmt.Sprintf("must be %s, not %s", yamlfile.List, n.Kind))
		return nil
	case len(n.Items) > most(k):
		p.fail(n.Line, k.section(), fmt.Sprintf("must be at most %d", most(k)))
		return nil
	}
	items := make([]Item[T], len(n.Items))
	for i, from := range n.Items {
		item := &items[i]
		item.at, item.line = fmt.Sprintf("%s[%d]", k.section(), i), from.Line
		d := decoder{lines: map[string]int{}, secrets: map[string]Source{}, hides: hidden(k)}
		if from.Kind == yamlfile.None {
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
