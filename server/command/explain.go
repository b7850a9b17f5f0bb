package command

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func (r *run) routeExplainCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "explain NAME", Short: "Say who is told of a service, when, and why not", Args: arguments("NAME"),
		Long: `Say who would be told if the service went down now, or of its open incident: when, by which route, and why not. It is
decided as for real, a day ahead, as things and rules are now. Nothing is sent.`,
		Example: "watchkeeper route explain nightly-backup",
	}
	m := r.remoteFlags(c)
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		return question[api.Explanation]{ask: func(ctx context.Context, server *client.Client) (api.Explanation, error) {
			return server.ExplainRoute(ctx, args[0])
		}, print: printExplanation}.put(m, c)
	})
	return c
}

func printExplanation(p *page, e api.Explanation) {
	p.line("%s is %s. %s", e.Service, string(e.State), map[bool]string{
		true: "If it went down now:", false: "Of incident " + e.Incident + ":",
	}[e.Incident == ""])
	for _, text := range []string{e.Note, e.Warning} {
		if text != "" {
			p.line("%s", text)
		}
	}
	p.line("")
	t := p.table("AT", "WHAT", "TO", "ROUTE", "STATE", "WHY")
	for i := range e.Telling {
		f := &e.Telling[i]
		to := f.Channel
		if f.Target != "" {
			to += ":" + f.Target
		}
		t.row(p.clock.stamp(f.At), string(f.About), to, cmp.Or(f.Route, "its own"), foreseen(e.Now, f), f.Reason)
	}
	t.end("Nobody would be told.")
}

// foreseen says what would become of a message; one that waits goes out then.
func foreseen(now api.Time, f *api.Foreseen) string {
	if f.State != api.DeliveryWaiting {
		return string(f.State)
	}
	if f.At <= now {
		return "now"
	}
	return "then"
}
