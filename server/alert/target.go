package alert

import (
	"context"
	netmail "net/mail"
	"slices"
	"strings"
	"time"

	"watchkeeper/api"
)

// CheckTarget says whether alerts can go to a target such as "mail:me@example.org" or the name of a channel. Its error is
// of KindInvalid: it lists what exists, or says what is wrong with the address. A kind that is not set up yet may be
// named all the same.
func (c *Channels) CheckTarget(target string) error {
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	t := api.ParseTarget(target)
	d, m := c.findFresh(ctx, t.Channel)
	switch {
	case m == nil:
		return api.Errorf(api.KindInvalid, "%s", d.missing(t.Channel))
	case m.sender == nil && m.example == nil:
		return api.Errorf(api.KindInvalid, "%s cannot be used: %s", m.Name, m.fault)
	}
	judge := m.sender
	if judge == nil {
		judge = m.example
	}
	if err := judge.ValidateTarget(t.Address); err != nil {
		return api.Errorf(api.KindInvalid, "%s: the address %s", m.Name, textOf(err))
	}
	return nil
}

// lookTime is how long a look for a channel that is not known may take.
const lookTime = 5 * time.Second

func refusedByPattern(kind api.ChannelKind) string {
	return "the setting alerts.targets does not allow this " + string(kind) + " address"
}

// allowed reports whether a pulse may name an address of a kind.
func allowed(patterns map[api.ChannelKind][]string, kind api.ChannelKind, address string) bool {
	if len(patterns[kind]) == 0 {
		return true
	}
	addresses := []string{address}
	if kind == api.ChannelMail {
		// Each by itself, without its name: a pattern for the end of one must not let another pass in front of it.
		list, err := netmail.ParseAddressList(address)
		if err != nil {
			return false
		}
		addresses = addresses[:0]
		for _, a := range list {
			addresses = append(addresses, a.Address)
		}
	}
	return !slices.ContainsFunc(addresses, func(address string) bool { return !matches(patterns[kind], kind, address) })
}

func matches(patterns []string, kind api.ChannelKind, address string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if kind == api.ChannelMail {
			return api.MatchName(strings.ToLower(pattern), strings.ToLower(address))
		}
		return api.MatchName(pattern, address)
	})
}

// ParseRoute reads targets such as "mail:me@example.org" or the names of channels; empty ones and repetitions are left
// out. Whether they lead anywhere is for CheckRoute to say, because a channel may be made later.
func ParseRoute(texts []string) ([]api.Target, error) {
	var route []api.Target
	for _, text := range texts {
		t := api.ParseTarget(text)
		switch {
		case t == api.Target{}:
			continue
		case t.Channel == "":
			return nil, api.Errorf(api.KindInvalid, "a target must begin with a channel, as in mail:me@example.org")
		}
		if !slices.Contains(route, t) {
			route = append(route, t)
		}
	}
	return route, nil
}

// CheckRoute says what keeps the default route from telling anybody, one line each, for the log of the start. Call it
// after Load.
func (c *Channels) CheckRoute(route []api.Target) []string {
	if len(route) == 0 {
		return []string{noRoute}
	}
	var lines []string
	for _, t := range route {
		if j := c.current.Load().judge(t); j.fitness != fit {
			lines = append(lines, "the default route: "+j.why)
		}
	}
	return lines
}

const noRoute = "no default route is set, so alerts that name nobody else fail; set WATCHKEEPER_DEFAULT_ROUTE, for example to mail:me@example.org"
