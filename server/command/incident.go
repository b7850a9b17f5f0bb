package command

import (
	"context"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func (r *run) incidentCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "incident", Short: "List and show incidents",
		Long: "List and show incidents: each lasts from the change that opened it to the one that closed it.",
	}, r.incidentListCommand(), r.incidentShowCommand())
}

func (r *run) incidentListCommand() *cobra.Command {
	var filter client.IncidentFilter
	state := ""
	limit := 0
	c := &cobra.Command{Use: "list", Short: "List incidents, the newest first", Args: arguments()}
	m := r.remoteFlags(c)
	f := c.Flags()
	f.StringVar(&state, "state", "", "only in this `state`: open or closed")
	f.StringVar(&filter.Subject, "service", "", "only of this `service`")
	f.IntVar(&limit, "limit", api.DefaultLimit, "at most so `many`; 0 means all")
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		filter.State = api.IncidentState(state)
		if filter.Subject != "" {
			filter.SubjectKind = api.SubjectService
		}
		return listing[api.Incident]{
			limit: limit, print: printIncidents,
			list: func(server *client.Client) client.List[api.Incident] { return server.Incidents(filter) },
		}.put(m, c)
	})
	return c
}

func printIncidents(p *page, list []api.Incident) {
	t := p.table("STATE", "SUBJECT", "OPENED", "CLOSED", "REASON", "ID", "TOLD")
	for i := range list {
		in := &list[i]
		t.row(string(in.State), subjectOf(in.SubjectKind, in.Subject), p.clock.short(in.OpenedAt), p.clock.short(in.ClosedAt),
			string(in.Reason), in.ID, told(in.Deliveries))
	}
	t.end("There are none.")
}

// subjectOf names what an incident or delivery is about; most are about services.
func subjectOf(kind api.SubjectKind, subject string) string {
	if kind == api.SubjectService || kind == "" {
		return subject
	}
	return string(kind) + " " + subject
}

func (r *run) incidentShowCommand() *cobra.Command {
	c := &cobra.Command{Use: "show ID", Short: "Show an incident and who was told", Args: arguments("ID")}
	m := r.remoteFlags(c)
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		return question[api.Incident]{
			ask: func(ctx context.Context, server *client.Client) (api.Incident, error) {
				return server.Incident(ctx, args[0])
			},
			print: printIncident,
		}.put(m, c)
	})
	return c
}

func printIncident(p *page, in api.Incident) {
	p.fields(
		field{"subject", subjectOf(in.SubjectKind, in.Subject)},
		field{"state", string(in.State)},
		field{"opened", p.clock.moment(in.OpenedAt)},
		field{"closed", p.clock.moment(in.ClosedAt)},
		field{"reason", string(in.Reason)},
		field{"acknowledged", in.AcknowledgedBy},
		field{"id", in.ID},
	)
	p.line("")
	printDeliveries(p, in.Deliveries, "Nobody was told.")
}
