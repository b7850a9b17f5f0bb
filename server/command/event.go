package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func (r *run) eventCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "event", Short: "List, follow and add events",
		Long: "List, follow and add events: what services say, and what Watchkeeper writes of every change of state.",
	}, r.eventListCommand(), r.eventTailCommand(), r.eventAddCommand())
}

// levelValue is a flag such as warning or 2.
type levelValue struct{ level *api.Level }

// Set reads the value.
func (l *levelValue) Set(text string) error {
	l.level = new(api.Level)
	return l.level.UnmarshalText([]byte(text))
}

// String gives no default.
func (l *levelValue) String() string { return "" }

// Type names the form in help texts.
func (l *levelValue) Type() string { return "level" }

const levelHelp = "debug, info, warning, error, critical or a number"

func eventFilterFlags(f *pflag.FlagSet, filter *client.EventFilter) *levelValue {
	level := &levelValue{}
	f.StringVar(&filter.Service, "service", "", "only of this `service`")
	f.StringVar(&filter.ServiceRE, "service-re", "", "only of services that match this regular `expression`")
	f.StringVar(&filter.Message, "message", "", "only with this `text` in the message")
	f.StringVar(&filter.MessageRE, "message-re", "", "only with a message that matches this regular `expression`")
	f.Var(level, "level", "only of at least this level: "+levelHelp)
	return level
}

func (r *run) eventListCommand() *cobra.Command {
	var filter client.EventFilter
	from, to := momentValue{now: r.now, sign: -1}, momentValue{now: r.now, sign: -1}
	limit := 0
	c := &cobra.Command{
		Use: "list", Short: "List events, the newest first", Args: arguments(),
		Example: "watchkeeper event list --service nightly-backup --level warning\nwatchkeeper event list --from 2h --message 'disk full'",
	}
	m := r.remoteFlags(c)
	level := eventFilterFlags(c.Flags(), &filter)
	c.Flags().Var(&from, "from", "only at or after: a duration back from now such as 2h, or a time such as 2026-01-31T08:00:00Z")
	c.Flags().Var(&to, "to", "only at or before, in the same forms")
	c.Flags().IntVar(&limit, "limit", api.DefaultLimit, "at most so `many`; 0 means all")
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		filter.Level, filter.From, filter.To = level.level, from.value, to.value
		return listing[api.Event]{
			limit: limit, print: printEvents,
			list: func(server *client.Client) client.List[api.Event] { return server.Events(filter) },
		}.put(m, c)
	})
	return c
}

func printEvents(p *page, list []api.Event) {
	t := p.table("TIME", "LEVEL", "SERVICE", "MESSAGE")
	for i := range list {
		e := &list[i]
		t.row(p.clock.short(e.Time), levelOf(e), e.Service, e.Message)
	}
	t.end("There are none.")
}

func levelOf(e *api.Event) string {
	if e.LevelText != "" {
		return e.LevelText
	}
	return e.Level.Name()
}

func (r *run) eventTailCommand() *cobra.Command {
	var filter client.EventFilter
	c := &cobra.Command{
		Use: "tail", Short: "Print events as they come, until Ctrl-C", Args: arguments(),
		Long: `Print events as they come, until Ctrl-C. A connection that breaks is made again, and nothing is left out meanwhile. With
--json each event is a line.`,
	}
	m := r.remoteFlags(c)
	level := eventFilterFlags(c.Flags(), &filter)
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		filter.Level = level.level
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
		defer stop()
		c.SetContext(ctx)
		return m.ask(c, func(ctx context.Context, server *client.Client) error { return m.tail(ctx, server, filter) })
	})
	return c
}

// tail follows events. Only a server that could be asked once is worth waiting for.
func (m *remote) tail(ctx context.Context, server *client.Client, filter client.EventFilter) error {
	if _, err := server.Events(filter).Page(ctx, client.Paging{Limit: 1}); err != nil {
		return err
	}
	follow := client.Follow{EventFilter: filter, Broken: func(cause error, wait time.Duration) {
		m.run.say("watchkeeper: %v; trying again in %s", cause, wait.Round(100*time.Millisecond))
	}}
	for e, err := range server.FollowEvents(ctx, follow) {
		if errors.Is(err, context.Canceled) {
			return nil // that is how it ends
		}
		if err != nil {
			return err
		}
		p := m.run.page()
		if m.asJSON {
			_, _ = p.out.Write(append(m.answers[len(m.answers)-1], '\n')) // flush gives the error
		} else {
			p.line("%s  %-8s  %s  %s", p.clock.stamp(e.Time), levelOf(&e.Event), shown(e.Service), shown(e.Message))
		}
		m.answers = nil
		if err := p.flush(); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) eventAddCommand() *cobra.Command {
	var in api.EventInput
	at := momentValue{now: r.now, sign: -1}
	level := levelValue{}
	c := &cobra.Command{
		Use: "add SERVICE MESSAGE", Short: "Add an event", Args: arguments("SERVICE", "MESSAGE"),
		Long:    "Add an event. A message of - is read from the standard input.",
		Example: "watchkeeper event add nightly-backup 'disk nearly full' --level warning --alert",
	}
	m := r.remoteFlags(c)
	f := c.Flags()
	f.Var(&level, "level", levelHelp+"; info unless given")
	f.Var(&at, "time", "when it happened: a time such as 2026-01-31T08:00:00Z, or a duration back from now; now unless given")
	f.BoolVar(&in.Alert, "alert", false, "tell the default route")
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		in.Service, in.Message, in.Level, in.Time = args[0], args[1], api.LevelInfo, at.value
		if level.level != nil {
			in.Level = *level.level
		}
		if in.Message == "-" {
			text, err := io.ReadAll(io.LimitReader(r.In, api.MaxEventMessage+1))
			if err != nil {
				return fmt.Errorf("reading the standard input: %w", err)
			}
			in.Message = strings.TrimRight(string(text), "\r\n")
		}
		return question[api.EventsAnswer]{ask: func(ctx context.Context, server *client.Client) (api.EventsAnswer, error) {
			return server.AddEvents(ctx, []api.EventInput{in}, "")
		}, print: func(p *page, answer api.EventsAnswer) {
			for _, id := range answer.IDs {
				p.line("stored as event %d", id)
			}
		}}.put(m, c)
	})
	return c
}
