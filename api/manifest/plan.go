package manifest

import (
	"fmt"
	"slices"
	"strings"

	"watchkeeper/api"
	"watchkeeper/api/yamlfile"
)

// Server is what a server has.
type Server struct {
	Channels    []api.Channel
	Services    []api.ServiceView
	Routes      []api.Route
	Maintenance []api.Maintenance
}

// Options is how a manifest is applied.
type Options struct {
	// Name is what things that are made are marked with. Only what carries it is pruned.
	Name  string
	Prune Pruning
	Adopt Adoption
	// Secrets says whether those that the server has are kept; it never shows them, so that they cannot be compared.
	Secrets Secrecy
	// Resolve gives the text of a secret.
	Resolve func(Source) (string, error)
}

// Pruning says what becomes of things that were made by this manifest before and are no longer in it.
type Pruning string

// Adoption says what becomes of the mark of things that are in the manifest and were made otherwise.
type Adoption string

// Secrecy says what becomes of secrets that the server has.
type Secrecy string

// The choices; the first of each is the usual one.
const (
	KeepGone   Pruning = "keep"
	DeleteGone Pruning = "delete"

	LeaveMark Adoption = "leave" // whoever made it keeps it
	TakeMark  Adoption = "take"  // it counts as made by this manifest from now on

	KeepSecrets Secrecy = "keep"
	SendSecrets Secrecy = "send"
)

// Action is what a step does.
type Action string

// The actions.
const (
	ActionCreate Action = "create"
	ActionUpdate Action = "update"
	ActionDelete Action = "delete"
)

// Reason says why a step is there, or why a thing is left alone that the file does not have.
type Reason string

// The reasons.
const (
	ReasonMissing Reason = "missing"       // the server does not have it
	ReasonDiffers Reason = "differs"       // the server has it otherwise
	ReasonGone    Reason = "gone"          // this manifest made it and no longer has it
	ReasonOther   Reason = "made_by_other" // left: something else made it
	ReasonKept    Reason = "not_pruned"    // left: this manifest made it, and nobody asked to prune
)

// Change is a member that a step changes. A secret is shown as Masked.
type Change struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// Step is one request to a server.
type Step struct {
	Action  Action   `json:"action"`
	Kind    Kind     `json:"kind"`
	Name    string   `json:"name"`
	Reason  Reason   `json:"reason"`
	Changes []Change `json:"changes,omitempty"` // of an update, in the order of the fields
	Line    int      `json:"line,omitempty"`    // of the file; none for what is deleted
	ID      string   `json:"-"`                 // on the server; none for what is created

	// What is sent: one of them, none for what is deleted.
	Channel     *api.ChannelInput     `json:"-"`
	Service     *api.ServiceInput     `json:"-"`
	Route       *api.RouteInput       `json:"-"`
	Maintenance *api.MaintenanceInput `json:"-"`
}

// Left is a thing of the server that the file does not have and that stays.
type Left struct {
	Kind   Kind   `json:"kind"`
	Name   string `json:"name"`
	Reason Reason `json:"reason"`
}

// Plan is what has to be done so that a server has what a manifest asks for.
type Plan struct {
	Steps     []Step `json:"steps"`
	Unchanged int    `json:"unchanged"`
	Left      []Left `json:"left"`
	// Unseen is how many secrets of the manifest were not compared, because the server has one and does not show it.
	Unseen int `json:"secrets_not_compared"`
}

// Count gives how many steps have an action.
func (p *Plan) Count(a Action) (n int) {
	for i := range p.Steps {
		if p.Steps[i].Action == a {
			n++
		}
	}
	return n
}

// Plan compares a manifest with a server. Its error is an *Error with the line of everything by which the server would
// refuse a step, as far as that can be known before. Applied in their order, no step needs one that comes later; a second
// plan after them has none.
func (m *Manifest) Plan(on Server, o Options) (*Plan, error) {
	p := planner{Options: o, manifest: m, server: on, plan: &Plan{Steps: []Step{}, Left: []Left{}}}
	p.channels()
	p.services()
	p.routes()
	p.maintenance()
	p.targets()
	slices.Reverse(p.deletes) // what names a channel goes before the channel
	p.plan.Steps = append(p.plan.Steps, p.deletes...)
	if err := faultError(p.faults); err != nil {
		return nil, err
	}
	return p.plan, nil
}

type planner struct {
	Options
	manifest *Manifest
	server   Server
	plan     *Plan
	deletes  []Step
	sent     []targeted
	faults   []Fault
}

// present is a thing that a server has, as far as a plan needs to know.
type present struct {
	name, id, source, managedBy string
	form                        node // as it would stand in a file
}

// wanted is a thing that a file has.
type wanted struct {
	name    string
	form    node
	secrets map[string]Source
	fault   func(path, format string, args ...any) Fault
	line    int
}

// sourceFile is where things come from that the configuration file of the server has.
const sourceFile = "file"

// step compares what is wanted with what is there, which may be nothing, and adds the step that makes one of the other.
// It gives nil where nothing is to be done. more are changes beside those of the members.
func (p *planner) step(k Kind, want wanted, have *present, more ...Change) *Step {
	s := Step{Action: ActionCreate, Kind: k, Name: want.name, Reason: ReasonMissing, Line: want.line}
	if have != nil {
		if have.source == sourceFile {
			p.faults = append(p.faults, want.fault("name", "is that of a %s in the configuration file of the server, where it is changed", k))
			return nil
		}
		s.Action, s.Reason, s.ID = ActionUpdate, ReasonDiffers, have.id
		s.Changes = append(p.compare(k, have.form, want), more...)
		if p.Adopt == TakeMark && have.managedBy != p.Name {
			s.Changes = append(s.Changes, Change{"managed_by", have.managedBy, p.Name})
		}
		if len(s.Changes) == 0 {
			p.plan.Unchanged++
			return nil
		}
	}
	p.plan.Steps = append(p.plan.Steps, s)
	return &p.plan.Steps[len(p.plan.Steps)-1]
}

// mark gives what a thing is marked with after a step.
func (p *planner) mark(have *present) string {
	if have == nil || p.Adopt == TakeMark {
		return p.Name
	}
	return have.managedBy
}

// others plans what becomes of the things that the file does not have.
func (p *planner) others(k Kind, all []present, in map[string]bool) {
	for _, have := range all {
		if in[have.name] || have.source == sourceFile {
			continue
		}
		switch {
		case have.managedBy != p.Name || p.Name == "":
			p.plan.Left = append(p.plan.Left, Left{k, have.name, ReasonOther})
		case p.Prune != DeleteGone:
			p.plan.Left = append(p.plan.Left, Left{k, have.name, ReasonKept})
		default:
			p.deletes = append(p.deletes, Step{Action: ActionDelete, Kind: k, Name: have.name, ID: have.id, Reason: ReasonGone})
		}
	}
}

// compare gives the members in which two forms of a thing differ.
func (p *planner) compare(k Kind, have node, want wanted) []Change {
	hides := hidden(k)
	from, to := leaves(have), leaves(want.form)
	var changes []Change
	for _, path := range union(from, to) {
		old, oldOK := from.text[path]
		is, isOK := to.text[path]
		unseen := hides(path) && strings.Contains(old, Masked)
		switch {
		case unseen && !isOK && k == KindChannel: // a file without the secret of a channel leaves it alone
		case unseen && isOK && p.Secrets == KeepSecrets && mayBe(old, is):
			p.plan.Unseen++
		case !unseen && old == is && oldOK == isOK:
		default:
			if _, elsewhere := want.secrets[path]; isOK && hides(path) && (unseen || !oldOK || elsewhere) {
				is = Masked
			}
			changes = append(changes, Change{path, old, is})
		}
	}
	return changes
}

// mayBe reports whether a text may be the one that is shown with parts of it masked.
func mayBe(shown, text string) bool {
	if text == Masked {
		return true
	}
	parts := strings.Split(shown, Masked)
	rest, ok := strings.CutPrefix(text, parts[0])
	for _, part := range parts[1 : len(parts)-1] {
		if !ok {
			return false
		}
		_, rest, ok = strings.Cut(rest, part)
	}
	return ok && strings.HasSuffix(rest, parts[len(parts)-1])
}

// flat is the members of a form by their paths.
type flat struct {
	order []string
	text  map[string]string
}

func leaves(n node) flat {
	f := flat{text: map[string]string{}}
	f.add("", n)
	return f
}

func (f *flat) add(path string, n node) {
	if n.kind == yamlfile.Map && !isSource(n) {
		for _, p := range n.pairs {
			f.add(join(path, p.key), p.value)
		}
		return
	}
	f.order = append(f.order, path)
	f.text[path] = shownValue(n)
}

// shownValue gives a value as people read it.
func shownValue(n node) string {
	switch n.kind {
	case yamlfile.List:
		parts := make([]string, len(n.items))
		for i, item := range n.items {
			parts[i] = shownValue(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case yamlfile.Map:
		return Masked // the source of a secret
	}
	return n.text
}

// union gives the paths of both in an order in which neither loses its own, as far as that can be.
func union(a, b flat) []string {
	paths := slices.Clone(a.order)
	at := 0
	for _, path := range b.order {
		if i := slices.Index(paths, path); i >= 0 {
			at = i + 1
			continue
		}
		paths = slices.Insert(paths, at, path)
		at++
	}
	return paths
}

// secret gives what is sent for a text that may be one: have is what the server shows of the one that it has.
func (p *planner) secret(want string, source Source, have string) (string, error) {
	if strings.Contains(have, Masked) && p.Secrets == KeepSecrets && mayBe(have, want) {
		return have, nil // a server takes what it has shown for what it has
	}
	if source == (Source{}) {
		return want, nil
	}
	text, err := p.Resolve(source)
	if err != nil {
		return "", fmt.Errorf("must be given: %w", err)
	}
	return text, nil
}

// seen gives the text of a secret that can be compared, because the server shows what it has; else what was wanted. That
// it cannot be had is for secret to say.
func (p *planner) seen(want string, source Source, have string) string {
	if source == (Source{}) || have == "" || strings.Contains(have, Masked) {
		return want
	}
	if text, err := p.Resolve(source); err == nil {
		return text
	}
	return want
}

// find gives the thing with a name, nil where there is none.
func find(all []present, name string) *present {
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}
