package command

import (
	"context"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func (r *run) silenceCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "silence", Short: "Add, list and end silences",
		Long: `Add, list and end silences. Nobody is told of what one matches until it ends; states and incidents go on, and what is
still wrong then and was never told is told.`,
	}, r.silenceAddCommand(), r.silenceListCommand(), r.silenceEndCommand())
}

func (r *run) silenceAddCommand() *cobra.Command {
	var in api.SilenceInput
	var match matchValue
	from, until := momentValue{now: r.now, sign: 1}, momentValue{now: r.now, sign: 1}
	c := &cobra.Command{
		Use: "add --match MATCHERS --for DURATION --comment TEXT", Short: "Silence what matches", Args: arguments(),
		Example: `watchkeeper silence add --match 'name="db1"' --for 2h --comment upgrade
watchkeeper silence add --match 'host="h1", level!="critical"' --from 8h --until 2026-02-01T18:00:00Z --comment 'new disk'`,
	}
	m := r.remoteFlags(c)
	f := c.Flags()
	matchFlag(f, &match)
	length := durationFlag(f, "for", "how long, such as 2h")
	f.Var(&from, "from", "when it begins: a duration from now or a time such as 2026-01-31T08:00:00Z; now unless given")
	f.Var(&until, "until", "when it ends, in the same forms; instead of --for")
	f.StringVar(&in.Comment, "comment", "", "why")
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		in.Match, in.StartsAt, in.EndsAt = match.matchers, from.value, until.value
		if s := length.seconds(); s != nil {
			in.For = *s
		}
		return question[api.Silence]{ask: func(ctx context.Context, server *client.Client) (api.Silence, error) {
			return server.CreateSilence(ctx, in)
		}, print: func(p *page, s api.Silence) {
			p.line("silenced until %s: %s", p.clock.full(s.EndsAt.Std()), s.Match.String())
			p.line("End it with: watchkeeper silence end %s", s.ID)
		}}.put(m, c)
	})
	return c
}

func (r *run) silenceListCommand() *cobra.Command {
	state, limit := "", 0
	c := &cobra.Command{Use: "list", Short: "List silences, those made last first", Args: arguments()}
	m := r.remoteFlags(c)
	m.watchFlag(c)
	f := c.Flags()
	f.StringVar(&state, "state", "", "only in this `state`: active, future, ended")
	f.IntVar(&limit, "limit", api.DefaultLimit, "at most so `many`; 0 means all")
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		return listing[api.Silence]{
			limit: limit, print: printSilences,
			list: func(server *client.Client) client.List[api.Silence] { return server.Silences(api.SilenceState(state)) },
		}.put(m, c)
	})
	return c
}

func printSilences(p *page, list []api.Silence) {
	t := p.table("STATE", "BEGINS", "ENDS", "BY", "ID", "MATCHES", "WHY")
	for i := range list {
		s := &list[i]
		state := api.SilenceEnded
		switch now := api.TimeOf(p.clock.now); {
		case s.Active:
			state = api.SilenceActive
		case s.StartsAt > now && s.EndsAt > now:
			state = api.SilenceFuture
		}
		t.row(string(state), p.clock.short(s.StartsAt), p.clock.short(s.EndsAt), s.CreatedBy, s.ID, matchOf(s.Match), s.Comment)
	}
	t.end("There are none.")
}

func (r *run) silenceEndCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "end ID", Short: "End a silence now", Args: arguments("ID"),
		Long: "End a silence now. It stays in the list, and ending it again changes nothing.",
	}
	m := r.remoteFlags(c)
	m.completes(c, silenceNames())
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		return m.ask(c, func(ctx context.Context, server *client.Client) error {
			if err := server.EndSilence(ctx, args[0]); err != nil {
				return err
			}
			return m.print(func(p *page) { p.line("ended %s", args[0]) })
		})
	})
	return c
}
