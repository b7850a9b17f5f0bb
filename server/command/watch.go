package command

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

// leastWatch is how often a server may be asked again and again.
const leastWatch = time.Second

// watchFlag lets a command that prints how things stand print it anew every few seconds.
func (m *remote) watchFlag(c *cobra.Command) {
	m.watch = durationFlag(c.Flags(), "watch", "print it anew every `duration`, until Ctrl-C")
	c.Flags().Lookup("watch").NoOptDefVal = "2s"
}

// show asks a server for something and prints it, again and again where --watch was given. A server that is away for a
// while is waited for once it has answered.
func (m *remote) show(c *cobra.Command, do func(context.Context, *client.Client) error) error {
	if m.watch == nil || !m.watch.given {
		return m.ask(c, do)
	}
	if m.watch.value < leastWatch {
		return wrongUsage("--watch must be at least 1s")
	}
	ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	c.SetContext(ctx)
	return m.ask(c, func(ctx context.Context, server *client.Client) error {
		for seen := false; ; {
			m.answers = nil
			err := do(ctx, server)
			switch {
			case ctx.Err() != nil:
				return nil // that is how it ends
			case err != nil && (!seen || api.KindOf(err) != api.KindUnavailable):
				return err
			case err != nil:
				m.run.say("watchkeeper: %v; trying again", err)
			}
			seen = true
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(m.watch.value):
			}
		}
	})
}

// clearScreen begins what is printed anew where a terminal shows it.
func (m *remote) clearScreen(p *page) {
	if m.watch == nil || !m.watch.given || m.asJSON {
		return
	}
	if f, is := m.run.Out.(*os.File); is && isTerminal(f) {
		_, _ = p.out.WriteString("\x1b[H\x1b[2J") // flush gives the error
	}
}
