package command

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func (r *run) maintenanceCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "maintenance", Short: "Add, list and end times of maintenance",
		Long: "Add, list and end times of maintenance, once or again and again: nobody is told in them of what they match.",
	}, r.maintenanceAddCommand(), r.maintenanceListCommand(), r.maintenanceEndCommand())
}

func (r *run) maintenanceAddCommand() *cobra.Command {
	var in api.MaintenanceInput
	var match matchValue
	from, until := momentValue{now: r.now, sign: 1}, momentValue{now: r.now, sign: 1}
	c := &cobra.Command{
		Use: "add NAME --match MATCHERS --comment TEXT", Short: "Plan maintenance", Args: arguments("NAME"),
		Long: `Plan maintenance: one window with --from and --until or --for, or windows that begin whenever --cron says and last --for
each.`,
		Example: `watchkeeper maintenance add move --match 'host="h1"' --from 2026-01-31T08:00:00Z --for 2h --comment 'new rack'
watchkeeper maintenance add backup --match 'tag="db"' --cron '0 3 * * 0' --for 2h --zone Europe/Paris --comment weekly`,
	}
	m := r.remoteFlags(c)
	f := c.Flags()
	matchFlag(f, &match)
	length := durationFlag(f, "for", "how long a window lasts, such as 2h")
	f.Var(&from, "from", "when a single window begins: a duration from now or a time such as 2026-01-31T08:00:00Z; now unless given")
	f.Var(&until, "until", "when it ends, in the same forms; instead of --for")
	f.StringVar(&in.Cron, "cron", "", "when windows begin, as a cron `expression` of five fields")
	f.StringVar(&in.Zone, "zone", "", "time `zone` of the expression; the server's unless given")
	f.StringVar(&in.Comment, "comment", "", "why")
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		in.Name, in.Match = args[0], match.matchers
		if err := windowOf(&in, window{from: from.value, until: until.value, length: length, now: api.TimeOf(r.now())}); err != nil {
			return err
		}
		return question[api.Maintenance]{ask: func(ctx context.Context, server *client.Client) (api.Maintenance, error) {
			return server.CreateMaintenance(ctx, in)
		}, print: func(p *page, made api.Maintenance) {
			p.line("%s is planned: %s", made.Name, windowsOf(p, made.Next))
		}}.put(m, c)
	})
	return c
}

// window is what a command line says of when maintenance is.
type window struct {
	from, until api.Time
	length      *durationValue
	now         api.Time
}

// windowOf fills in when maintenance is.
func windowOf(in *api.MaintenanceInput, w window) error {
	if in.Cron != "" {
		if w.from != 0 || w.until != 0 {
			return wrongUsage("--cron goes with --for, not with --from and --until")
		}
		if s := w.length.seconds(); s != nil {
			in.Duration = *s
		}
		return nil
	}
	in.StartsAt, in.EndsAt = cmp.Or(w.from, w.now), w.until
	switch {
	case w.until != 0 && w.length.given:
		return wrongUsage("either --until or --for must be given, not both")
	case w.length.given:
		in.EndsAt = in.StartsAt.Add(w.length.value)
	case w.until == 0:
		return wrongUsage("--until or --for is missing")
	}
	return nil
}

func windowsOf(p *page, windows []api.Window) string {
	var all []string
	for _, w := range windows {
		all = append(all, p.clock.stamp(w.From)+" to "+p.clock.stamp(w.To))
	}
	if len(all) == 0 {
		return "over"
	}
	return strings.Join(all, ", ")
}

func (r *run) maintenanceListCommand() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List times of maintenance and their next windows", Args: arguments()}
	m := r.remoteFlags(c)
	m.watchFlag(c)
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		return listing[api.Maintenance]{list: (*client.Client).Maintenances, print: printMaintenance}.put(m, c)
	})
	return c
}

func printMaintenance(p *page, list []api.Maintenance) {
	t := p.table("NAME", "OPEN", "FROM", "BY", "ID", "MATCHES", "WHY", "WINDOWS")
	for i := range list {
		m := &list[i]
		t.row(m.Name, cmp.Or(yes(m.Active), "no"), m.Source, cmp.Or(m.CreatedBy, "-"), m.ID, matchOf(m.Match), m.Comment, windowsOf(p, m.Next))
	}
	t.end("There is none.")
}

func (r *run) maintenanceEndCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "end ID", Short: "End maintenance, and what would follow of it", Args: arguments("ID"),
		Long: "End maintenance by its ID or name: a window that is open ends now, and none follows. It is removed.",
	}
	m := r.remoteFlags(c)
	m.completes(c, maintenanceNames())
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		return m.ask(c, func(ctx context.Context, server *client.Client) error {
			if err := server.DeleteMaintenance(ctx, args[0]); err != nil {
				return err
			}
			return m.print(func(p *page) { p.line("ended %s", args[0]) })
		})
	})
	return c
}
