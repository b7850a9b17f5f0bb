package command

import (
	"context"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func (r *run) incidentCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "incident", Short: "List, show and acknowledge incidents",
		Long: "List, show and acknowledge incidents: each lasts from the change that opened it to the one that closed it.",
	}, r.incidentListCommand(), r.incidentShowCommand(), r.incidentAckCommand())
}

func (r *run) incidentListCommand() *cobra.Command {
	var filter client.IncidentFilter
	state := ""
	limit := 0
	c := &cobra.Command{Use: "list", Short: "List incidents, the newest first", Args: arguments()}
	m := r.remoteFlags(c)
	m.watchFlag(c)
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
	m.watchFlag(c)
	m.completes(c, incidentNames(""))
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

func (r *run) incidentAckCommand() *cobra.Command {
	var in api.Acknowledgement
	withdraw := false
	c := &cobra.Command{
		Use: "ack ID [--comment TEXT]", Short: "Say that you are at an incident", Args: arguments("ID"),
		Long: `Say that you are at an incident: reminders and later steps of routes stop until it closes. Who you are is the name of
the token. One that somebody is at already stays as it is; one that is over exits 1.`,
		Example: "watchkeeper incident ack 0194b9c2-7d3e-7c41-9a55-2f1c6e0d8b17 --comment 'on my way'",
	}
	m := r.remoteFlags(c)
	m.completes(c, incidentNames(api.IncidentOpen))
	c.Flags().StringVar(&in.Comment, "comment", "", "what others should know")
	c.Flags().BoolVar(&withdraw, "withdraw", false, "say that nobody is at it any more")
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		return question[api.Incident]{ask: func(ctx context.Context, server *client.Client) (api.Incident, error) {
			if withdraw {
				return server.WithdrawAcknowledgement(ctx, args[0])
			}
			return server.AcknowledgeIncident(ctx, args[0], in)
		}, print: func(p *page, i api.Incident) {
			if i.AcknowledgedBy == "" {
				p.line("nobody is at %s", subjectOf(i.SubjectKind, i.Subject))
				return
			}
			p.line("%s is acknowledged by %s", subjectOf(i.SubjectKind, i.Subject), acknowledged(p, &i))
		}}.put(m, c)
	})
	return c
}

// acknowledged says who is at an incident, since when and why; empty when nobody is.
func acknowledged(p *page, in *api.Incident) string {
	if in.AcknowledgedBy == "" {
		return ""
	}
	text := in.AcknowledgedBy + " at " + p.clock.full(in.AcknowledgedAt.Std())
	if in.Comment != "" {
		text += ": " + in.Comment
	}
	return text
}

func printIncident(p *page, in api.Incident) {
	p.fields(
		field{"subject", subjectOf(in.SubjectKind, in.Subject)},
		field{"state", string(in.State)},
		field{"opened", p.clock.moment(in.OpenedAt)},
		field{"closed", p.clock.moment(in.ClosedAt)},
		field{"reason", string(in.Reason)},
		field{"acknowledged", acknowledged(p, &in)},
		field{"flapping", yes(in.Flapping)},
		field{"told nobody", plainly(in.Untold)},
		field{"id", in.ID},
	)
	p.line("")
	printDeliveries(p, in.Deliveries, "Nobody was told.")
}
