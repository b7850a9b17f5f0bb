package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func (r *run) statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "status", Short: "Say what is wrong now, since when, and who was told", Args: arguments(),
		Long: `Say what is wrong now, since when, and who was told; and what the database holds, how far back, and how much room
is left until the oldest of it goes. Exits 0 when nothing is down, 1 when something is or when Watchkeeper itself
does not do its work, 3 when the server cannot be reached; with --watch, what was seen last.`,
	}
	m := r.remoteFlags(c)
	m.watchFlag(c)
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		ok := true
		err := question[api.Status]{ask: func(ctx context.Context, server *client.Client) (api.Status, error) {
			s, err := server.Status(ctx)
			ok = s.OK
			return s, err
		}, print: printStatus}.put(m, c)
		if err == nil && !ok {
			return errAmiss
		}
		return err
	})
	return c
}

func printStatus(p *page, s api.Status) {
	if s.Problem != "" {
		p.line("Watchkeeper itself is in trouble: %s.", s.Problem)
		p.line("")
	}
	troubles{
		title: "Down", count: s.Services.Down, list: s.Down, heads: []string{"SERVICE", "SINCE", "LAST PULSE", "REASON", "TOLD"},
		row: func(t *api.Trouble) []string {
			return []string{t.Service, p.clock.short(t.Since), p.clock.short(t.LastPulse), string(t.Reason), toldOf(t)}
		},
	}.print(p)
	troubles{
		title: "Late", count: s.Services.Late, list: s.Late, heads: []string{"SERVICE", "SINCE", "LAST PULSE", "DOWN AFTER"},
		row: func(t *api.Trouble) []string {
			return []string{t.Service, p.clock.short(t.Since), p.clock.short(t.LastPulse), p.clock.short(t.Deadline)}
		},
	}.print(p)
	if len(s.Incidents) > 0 {
		p.line("Open incidents")
		printIncidents(p, s.Incidents)
		p.line("")
	}
	printTelling(p, s.Deliveries)
	printCertificate(p, s.Certificate)
	printHeartbeat(p, s.Heartbeat)
	if gap := s.LastGap; gap != nil && p.clock.now.Sub(gap.To.Std()) < 24*time.Hour {
		p.line("No server watched from %s to %s, %s.", p.clock.stamp(gap.From), p.clock.stamp(gap.To), roughly(gap.To.Sub(gap.From)))
	}
	well := ""
	if s.Problem == "" && s.Services.Down+s.Services.Late == 0 && len(s.Incidents) == 0 && len(s.Deliveries.Failed) == 0 {
		well = "All is well. "
	}
	p.line("%s%s.", well, countsOf(s.Services))
	if s.Storage != nil {
		printStorage(p, *s.Storage)
	}
}

// toldOf says in one cell who was told of a service that is down.
func toldOf(t *api.Trouble) string {
	if len(t.Told) == 0 && t.Untold != "" {
		return untoldFor(t.Untold)
	}
	return told(t.Told)
}

// troubles is services that are in the same trouble.
type troubles struct {
	title string
	count int64 // of all, of which the list may be a part
	list  []api.Trouble
	heads []string
	row   func(*api.Trouble) []string
}

// print prints them, and nothing where there are none.
func (s troubles) print(p *page) {
	if len(s.list) == 0 {
		return
	}
	p.line("%s: %d", s.title, s.count)
	t := p.table(s.heads...)
	for i := range s.list {
		t.row(s.row(&s.list[i])...)
	}
	t.end("")
	if more := s.count - int64(len(s.list)); more > 0 {
		p.line("and %d more, see: watchkeeper service list --state %s", more, strings.ToLower(s.title))
	}
	p.line("")
}

// printTelling says whether messages get through.
func printTelling(p *page, d api.DeliveriesStatus) {
	if len(d.Failed) > 0 {
		p.line("Messages that could not be delivered in the last day: %d", len(d.Failed))
		printDeliveries(p, d.Failed, "")
		p.line("Try one again with: watchkeeper delivery retry ID")
		p.line("")
	}
	if len(d.Failing) > 0 {
		p.line("Messages that have failed for ten minutes and are tried on: %d", len(d.Failing))
		printDeliveries(p, d.Failing, "")
		p.line("")
	}
	if d.Held > 0 {
		p.line("Messages that are held: %d, see: watchkeeper delivery list --state held", d.Held)
	}
	const soon = 10 * time.Second
	if d.OldestDue != 0 && p.clock.now.Sub(d.OldestDue.Std()) > soon {
		p.line("Messages wait to be sent: %d, the oldest since %s.", d.Waiting, p.clock.short(d.OldestDue))
	}
}

// printCertificate says why the certificate that was ordered is not there.
func printCertificate(p *page, c *api.CertificateStatus) {
	if c == nil || c.Problem == "" {
		return
	}
	state := "There is no certificate for " + strings.Join(c.Names, ", ")
	if c.NotAfter != 0 {
		state = "The certificate for " + strings.Join(c.Names, ", ") + " ends " + p.clock.short(c.NotAfter) + " and could not be renewed"
	}
	p.line("%s: %s", state, c.Problem)
	if c.NextTry != 0 {
		p.line("It is ordered again %s.", p.clock.short(c.NextTry))
	}
}

// printHeartbeat says why nothing else hears that this server is well.
func printHeartbeat(p *page, h *api.HeartbeatStatus) {
	if h == nil {
		return
	}
	last := "It was never sent by this server"
	if h.SentAt != 0 {
		last = "It was last sent " + p.clock.short(h.SentAt)
	}
	switch {
	case h.Withheld != "":
		p.line("The heartbeat is withheld: %s. %s.", h.Withheld, last)
	case h.Problem != "":
		p.line("The heartbeat could not be sent: %s. %s.", h.Problem, last)
	}
}

// countsOf says how many services there are in which state.
func countsOf(c api.ServiceCounts) string {
	text := "1 service"
	switch c.Total {
	case 0:
		return "There are no services yet"
	case 1:
	default:
		text = fmt.Sprintf("%d services", c.Total)
	}
	var states []string
	for _, state := range []struct {
		name  string
		count int64
	}{{"up", c.Up}, {"late", c.Late}, {"down", c.Down}, {"paused", c.Paused}, {"new", c.New}} {
		if state.count > 0 {
			states = append(states, fmt.Sprintf("%d %s", state.count, state.name))
		}
	}
	return text + ": " + strings.Join(states, ", ")
}
