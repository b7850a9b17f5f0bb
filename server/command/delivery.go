package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func (r *run) deliveryCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "delivery", Short: "List deliveries and try failed ones again",
		Long: "List deliveries and try failed ones again. Each is one message about one incident to one target.",
	}, r.deliveryListCommand(), r.deliveryRetryCommand())
}

func (r *run) deliveryListCommand() *cobra.Command {
	var filter client.DeliveryFilter
	state := ""
	limit := 0
	c := &cobra.Command{
		Use: "list", Short: "List deliveries, the newest first", Args: arguments(),
		Example: "watchkeeper delivery list --state failed",
	}
	m := r.remoteFlags(c)
	m.watchFlag(c)
	f := c.Flags()
	f.StringVar(&state, "state", "", "only in this `state`: waiting, held, sending, sent, failed, skipped")
	f.StringVar(&filter.Incident, "incident", "", "only of the incident with this `id`")
	f.StringVar(&filter.Channel, "channel", "", "only through this `channel`")
	f.IntVar(&limit, "limit", api.DefaultLimit, "at most so `many`; 0 means all")
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		filter.State = api.DeliveryState(state)
		return listing[api.Delivery]{
			limit: limit,
			list:  func(server *client.Client) client.List[api.Delivery] { return server.Deliveries(filter) },
			print: func(p *page, list []api.Delivery) { printDeliveries(p, list, "There are none.") },
		}.put(m, c)
	})
	return c
}

func printDeliveries(p *page, list []api.Delivery, otherwise string) {
	t := p.table("STATE", "ABOUT", "TO", "MADE", "SENT", "TRIES", "ID", "WHY") // the longest last
	for i := range list {
		d := &list[i]
		about := strings.TrimSpace(string(d.About) + " " + subjectOf(d.SubjectKind, d.Subject))
		t.row(string(d.State), about, targetOf(d), p.clock.short(d.CreatedAt), p.clock.short(d.SentAt), count(d.Attempts),
			d.ID, whyOf(d, p.clock))
	}
	t.end(otherwise)
}

// targetOf says where a delivery goes, as far as that may be shown.
func targetOf(d *api.Delivery) string {
	if d.Channel == "" {
		return "nobody"
	}
	return api.Target{Channel: d.Channel, Address: d.Target}.String()
}

// whyOf says why a delivery is as it is, and when one is tried again. What failed before it was sent is over.
func whyOf(d *api.Delivery, c clock) string {
	failed := d.LastError
	switch {
	case d.State == api.DeliverySent:
		failed = ""
	case d.State == api.DeliveryWaiting && failed != "" && d.NextAttempt != 0:
		failed += "; tried again at " + c.short(d.NextAttempt)
	}
	return cmp.Or(failed, plainly(d.Reason), "-")
}

// plainly gives a reason without what stands beside it in a table.
func plainly(reason string) string { return strings.TrimPrefix(reason, "held: ") }

// untoldFor says in one cell why nobody was told.
func untoldFor(reason string) string { return "nobody: " + plainly(reason) }

// triesOf says how often a delivery that is tried on was tried in vain.
func triesOf(d *api.Delivery) string {
	switch {
	case d.State != api.DeliveryWaiting || d.Attempts == 0:
		return ""
	case d.Attempts == 1:
		return ", tried once in vain"
	}
	return fmt.Sprintf(", tried %d times in vain", d.Attempts)
}

// told says in one cell who was told of an incident that opened.
func told(list []api.Delivery) string {
	var all []string
	for i := range list {
		if d := &list[i]; d.About != api.AboutRecovered {
			all = append(all, targetOf(d)+" ("+string(d.State)+triesOf(d)+")")
		}
	}
	if len(all) == 0 {
		return "nobody yet"
	}
	if untold := api.Untold(list); untold != "" {
		return untoldFor(untold)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}

func (r *run) deliveryRetryCommand() *cobra.Command {
	c := &cobra.Command{Use: "retry ID", Short: "Send a delivery that failed, or waits to be tried again, now", Args: arguments("ID")}
	m := r.remoteFlags(c)
	m.completes(c, deliveryNames())
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		return question[api.Delivery]{ask: func(ctx context.Context, server *client.Client) (api.Delivery, error) {
			return server.RetryDelivery(ctx, args[0])
		}, print: func(p *page, d api.Delivery) {
			p.line("%s to %s is %s", string(d.About), targetOf(&d), string(d.State))
		}}.put(m, c)
	})
	return c
}
