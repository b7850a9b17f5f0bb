package command

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

// completionTime is how long a shell waits for names: somebody has pressed a key.
const completionTime = 1500 * time.Millisecond

// names asks a server for the words that an argument may be, as far as it is typed.
type names func(ctx context.Context, server *client.Client, typed string) ([]cobra.Completion, error)

// completes lets shells complete the first argument of a command. Whatever goes wrong there are no names and no words.
func (m *remote) completes(c *cobra.Command, ask names) {
	c.ValidArgsFunction = func(c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(context.Background(), completionTime)
		defer cancel()
		m.run.Err = io.Discard
		c.SetContext(ctx)
		var found []cobra.Completion
		_ = m.ask(c, func(ctx context.Context, server *client.Client) (err error) {
			found, err = ask(ctx, server, typed)
			return err
		})
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// namesFrom gives a word for each item of a list.
func namesFrom[T any](list func(s *client.Client, typed string) client.List[T], word func(*T) (name, about string)) names {
	return func(ctx context.Context, server *client.Client, typed string) ([]cobra.Completion, error) {
		page, err := list(server, typed).Page(ctx, client.Paging{Limit: api.MaxLimit})
		var found []cobra.Completion
		for i := range page.Items {
			name, about := word(&page.Items[i])
			found = append(found, cobra.CompletionWithDesc(harmless(name), shown(about)))
		}
		return found, err
	}
}

func serviceNames() names {
	return namesFrom(func(s *client.Client, typed string) client.List[api.ServiceView] {
		return s.Services(client.ServiceFilter{Search: typed})
	}, func(s *api.ServiceView) (string, string) { return s.Name, string(s.State) })
}

func incidentNames(state api.IncidentState) names {
	return namesFrom(func(s *client.Client, _ string) client.List[api.Incident] {
		return s.Incidents(client.IncidentFilter{State: state})
	}, func(i *api.Incident) (string, string) { return i.ID, subjectOf(i.SubjectKind, i.Subject) })
}

func deliveryNames() names {
	return namesFrom(func(s *client.Client, _ string) client.List[api.Delivery] {
		return s.Deliveries(client.DeliveryFilter{State: api.DeliveryFailed})
	}, func(d *api.Delivery) (string, string) {
		return d.ID, subjectOf(d.SubjectKind, d.Subject) + " to " + targetOf(d)
	})
}

func channelNames() names {
	return namesFrom(func(s *client.Client, _ string) client.List[api.Channel] { return s.Channels() },
		func(c *api.Channel) (string, string) { return c.Name, string(c.Kind) })
}

func routeNames() names {
	return namesFrom(func(s *client.Client, _ string) client.List[api.Route] { return s.Routes() },
		func(r *api.Route) (string, string) { return r.Name, r.Match.String() })
}

func silenceNames() names {
	return namesFrom(func(s *client.Client, _ string) client.List[api.Silence] { return s.Silences(api.SilenceActive) },
		func(s *api.Silence) (string, string) { return s.ID, s.Match.String() + " " + s.Comment })
}

func maintenanceNames() names {
	return namesFrom(func(s *client.Client, _ string) client.List[api.Maintenance] { return s.Maintenances() },
		func(m *api.Maintenance) (string, string) { return m.Name, m.Comment })
}
