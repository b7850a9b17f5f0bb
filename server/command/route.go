package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func (r *run) routeCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "route", Short: "List, add, explain and delete routes",
		Long: `List, add and delete routes: who is told of what no service names targets of its own for. The first that matches is
taken, and those behind it while each one taken says --continue; what none matches goes to the default route.`,
	}, r.routeListCommand(), r.routeExplainCommand(), r.routeAddCommand(), r.routeDeleteCommand())
}

func (r *run) routeListCommand() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List routes in the order in which they are asked", Args: arguments()}
	m := r.remoteFlags(c)
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		return listing[api.Route]{list: (*client.Client).Routes, print: printRoutes}.put(m, c)
	})
	return c
}

func printRoutes(p *page, list []api.Route) {
	t := p.table("NAME", "FROM", "MATCHES", "TO", "HOW")
	for i := range list {
		route := &list[i]
		t.row(route.Name, route.Source, matchOf(route.Match), joined(route.To), howOf(&route.RouteInput))
	}
	t.end("There are none. What no service names targets of its own for goes to the default route.")
}

// howOf says how the targets of a route are told.
func howOf(r *api.RouteInput) string {
	var parts []string
	if r.After > 0 {
		parts = append(parts, "after "+length(r.After))
	}
	if r.Repeat > 0 {
		parts = append(parts, "every "+length(r.Repeat))
	}
	if h := r.Hours; h != nil {
		parts = append(parts, strings.Join(strings.Fields(h.Days+" "+h.From+"-"+h.To+" "+h.Zone), " "))
	}
	if r.Continue {
		parts = append(parts, "and on")
	}
	if len(parts) == 0 {
		return "at once"
	}
	return strings.Join(parts, ", ")
}

func (r *run) routeAddCommand() *cobra.Command {
	var in api.RouteInput
	var match matchValue
	hours, replace := "", false
	c := &cobra.Command{
		Use: "add NAME --to TARGETS", Short: "Add a route", Args: arguments("NAME"),
		Example: `watchkeeper route add prod --match 'tag="prod"' --to mail:ops@example.org --repeat 1h
watchkeeper route add boss --match 'level="critical"' --to pushover:KEY --after 15m --hours 'mon-fri 08:00-18:00 Europe/Paris'`,
	}
	m := r.remoteFlags(c)
	f := c.Flags()
	matchFlag(f, &match)
	f.StringArrayVar(&in.To, "to", nil, "a `target`: mail:ADDRESS, pushover:KEY, webhook:URL or the name of a channel; may be repeated")
	f.IntVar(&in.Position, "position", 0, "its `place`, 1 being the first; the end unless given")
	after := durationFlag(f, "after", "tell them only so long after the opening, if nobody is at it and it is not over by then")
	repeat := durationFlag(f, "repeat", "remind them so often while it is open and nobody is at it")
	f.StringVar(&hours, "hours", "", "only in these `hours`: days, from-to and a zone, as in 'mon-fri 08:00-18:00 Europe/Paris'")
	f.BoolVar(&in.Continue, "continue", false, "look at the routes behind it too")
	f.BoolVar(&replace, "replace", false, "replace the route that has this name")
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		in.Name, in.Match = args[0], match.matchers
		for flag, into := range map[*durationValue]*api.Seconds{after: &in.After, repeat: &in.Repeat} {
			if s := flag.seconds(); s != nil {
				*into = *s
			}
		}
		var err error
		if in.Hours, err = hoursOf(hours); err != nil {
			return err
		}
		return question[api.Route]{ask: func(ctx context.Context, server *client.Client) (api.Route, error) {
			if replace {
				return server.PutRoute(ctx, in.Name, in)
			}
			return server.CreateRoute(ctx, in)
		}, print: func(p *page, route api.Route) {
			p.line("%s is there, as number %d of those made here", route.Name, route.Position)
		}}.put(m, c)
	})
	return c
}

// hoursOf reads hours in one text: days and zone may be left out.
func hoursOf(text string) (*api.Hours, error) {
	if text == "" {
		return nil, nil
	}
	var h api.Hours
	for _, word := range strings.Fields(text) {
		from, to, span := strings.Cut(word, "-")
		switch {
		case span && strings.Contains(from, ":") && h.From == "":
			h.From, h.To = from, to
		case h.From == "" && h.Days == "":
			h.Days = word
		case h.From != "" && h.Zone == "":
			h.Zone = word
		default:
			return nil, wrongUsage("--hours %s: must be days, from-to and a zone, as in 'mon-fri 08:00-18:00 Europe/Paris'", text)
		}
	}
	if h.From == "" {
		return nil, wrongUsage("--hours %s: from-to is missing, as in 08:00-18:00", text)
	}
	return &h, nil
}

func (r *run) routeDeleteCommand() *cobra.Command {
	c := &cobra.Command{Use: "delete NAME", Short: "Delete a route", Args: arguments("NAME")}
	m := r.remoteFlags(c)
	m.completes(c, routeNames())
	sure := consentFlag(c.Flags())
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		return m.ask(c, func(ctx context.Context, server *client.Client) error {
			route, err := server.Route(ctx, args[0])
			if err != nil {
				return err
			}
			if err := r.confirm(fmt.Sprintf("Delete the route %s to %s?", route.Name, joined(route.To)), sure); err != nil {
				return err
			}
			if err := server.DeleteRoute(ctx, route.ID); err != nil {
				return err
			}
			return m.print(func(p *page) { p.line("deleted %s", route.Name) })
		})
	})
	return c
}
