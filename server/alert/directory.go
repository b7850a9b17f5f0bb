package alert

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
)

// directory is every channel and kind as they are at one moment. It is never changed, only replaced.
type directory struct {
	kinds    map[api.ChannelKind]*member
	channels map[string]*member
}

// member is a channel, or a kind that can be used without one.
type member struct {
	api.Channel                   // with the settings as they may be shown
	sealed      string            // what the settings were read from
	settings    map[string]string // as they are used
	sender      notify.Channel    // nil when it cannot be made
	fault       string            // then why, for people
	template    *notify.Template  // nil where messages are worded as built in
	warned      atomic.Bool       // that the template failed
	example     notify.Channel    // of a kind: judges addresses before the kind is set up
}

// fitness says whether alerts can go to a target.
type fitness string

const (
	fit     fitness = "fit"
	unfit   fitness = "unfit"   // the channel is known, and what it is given or how it is set up cannot work
	unknown fitness = "unknown" // there is no such channel, or it is not for everyone
)

// judgement is what the directory says of a target.
type judgement struct {
	target  api.Target // with the name as the channel is called
	lane    string
	fitness fitness
	why     string // unless fit: for people, without secrets
}

// find gives the channel or kind with a name; kinds are found in any case.
func (d *directory) find(name string) *member {
	if m := d.kinds[api.ChannelKind(strings.ToLower(name))]; m != nil {
		return m
	}
	return d.channels[name]
}

// resembling is find for what clients of old send, which finds channels in any case, too.
func (d *directory) resembling(name string) *member {
	if m := d.find(name); m != nil {
		return m
	}
	for _, key := range slices.Sorted(maps.Keys(d.channels)) {
		if strings.EqualFold(key, name) {
			return d.channels[key]
		}
	}
	return nil
}

// judge says whether alerts can go to a target.
func (d *directory) judge(t api.Target) judgement {
	m := d.find(t.Channel)
	if m == nil {
		return judgement{target: t, fitness: unknown, why: d.missing(t.Channel)}
	}
	t.Channel = m.Name
	j := judgement{target: t, lane: m.lane(t.Address), fitness: fit}
	switch {
	case m.sender == nil:
		j.fitness, j.why = unfit, m.Name+" cannot be used: "+m.fault
	default:
		if err := m.sender.ValidateTarget(t.Address); err != nil {
			j.fitness, j.why = unfit, m.Name+": the address "+textOf(err)
		}
	}
	return j
}

func (d *directory) missing(name string) string {
	return "there is no channel " + quoted(name) + ", only " + strings.Join(d.names(), ", ")
}

// names lists what a target may begin with.
func (d *directory) names() []string {
	var names []string
	for _, kind := range api.ChannelKinds {
		if d.kinds[kind] != nil {
			names = append(names, string(kind))
		}
	}
	return append(names, slices.Sorted(maps.Keys(d.channels))...)
}

// kindOf gives the kind of a channel or kind; none when there is no such channel.
func (d *directory) kindOf(name string) api.ChannelKind {
	if m := d.find(name); m != nil {
		return m.Kind
	}
	return ""
}

// isKind reports whether the member stands for a kind and not for a channel.
func (m *member) isKind() bool { return m.Name == string(m.Kind) }

// lane gives what is slow together: a channel, and where a kind leads to many places, each of them.
func (m *member) lane(address string) string {
	if !m.isKind() {
		return "channel " + m.Name
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
	case m.Kind == api.ChannelWebhook && u.Host != "":
		return m.Name + " " + api.CutText(strings.ToLower(u.Host), 200)
	case m.Kind == api.ChannelShoutrrr && u.Scheme != "":
		return m.Name + " " + api.CutText(u.Scheme, 50)
	}
	return m.Name
}

// quoted gives a name from outside as it may stand in a text.
func quoted(name string) string { return `"` + notify.Cut(notify.OneLine(name), 50) + `"` }

// textOf gives the text that people may read of an error of a channel: what it says of each field, or all of it.
func textOf(err error) string {
	p := api.ProblemOf(err)
	if len(p.Errors) == 0 {
		return p.Detail
	}
	texts := make([]string, len(p.Errors))
	for i, e := range p.Errors {
		texts[i] = strings.TrimPrefix(e.Location, "body.settings.") + " " + e.Message
	}
	return strings.Join(texts, "; ")
}
