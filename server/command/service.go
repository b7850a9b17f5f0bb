package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func (r *run) serviceCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "service", Short: "List, create, change and delete services",
		Long: "List, create, change and delete services: the things that pulse.",
	},
		r.serviceListCommand(), r.serviceShowCommand(), r.serviceCreateCommand(), r.serviceUpdateCommand(),
		r.serviceActCommand("pause", "Stop watching a service until it is resumed or pulses", (*client.Client).PauseService),
		r.serviceActCommand("resume", "Watch a service again, from its next pulse on", (*client.Client).ResumeService),
		r.serviceProbeCommand(), r.serviceDeleteCommand())
}

func (r *run) serviceListCommand() *cobra.Command {
	var filter client.ServiceFilter
	var states []string
	limit := 0
	c := &cobra.Command{
		Use: "list", Short: "List services and where they stand", Args: arguments(),
		Example: "watchkeeper service list --state down,late\nwatchkeeper service list --tag db --sort -last_pulse",
	}
	m := r.remoteFlags(c)
	m.watchFlag(c)
	f := c.Flags()
	f.StringSliceVar(&states, "state", nil, "only in one of these `states`: new, up, late, down, paused")
	f.StringSliceVar(&filter.Tags, "tag", nil, "only with all of these `tags`")
	f.StringVar(&filter.Host, "host", "", "only on this `host`")
	f.StringVar(&filter.Search, "search", "", "only with this `text` in the name")
	f.StringVar(&filter.Sort, "sort", "name", "`order`: name, created_at, last_pulse, deadline or state_since, a hyphen in front turns it round")
	f.IntVar(&limit, "limit", 0, "at most so `many`; 0 means all")
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		for _, s := range states {
			filter.States = append(filter.States, api.State(s))
		}
		return listing[api.ServiceView]{
			limit: limit, print: printServices,
			list: func(server *client.Client) client.List[api.ServiceView] { return server.Services(filter) },
		}.put(m, c)
	})
	return c
}

func printServices(p *page, list []api.ServiceView) {
	t := p.table("STATE", "NAME", "LAST PULSE", "EXPECTED", "SINCE")
	for i := range list {
		s := &list[i]
		t.row(string(s.State), s.Name, p.clock.short(s.LastPulse), p.clock.short(s.Expected), p.clock.short(s.StateSince))
	}
	t.end("There are none.")
}

func (r *run) serviceShowCommand() *cobra.Command {
	c := &cobra.Command{Use: "show NAME", Short: "Show a service", Args: arguments("NAME")}
	m := r.remoteFlags(c)
	m.completes(c, serviceNames())
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		return m.ask(c, func(ctx context.Context, server *client.Client) error {
			s, err := server.Service(ctx, args[0])
			if err != nil || m.asJSON {
				return orPrint(m, err)
			}
			const lately = 5
			changes, err := server.Changes(s.ID).Page(ctx, client.Paging{Limit: lately})
			if err != nil {
				return err
			}
			uptime, err := server.Uptime(ctx, s.ID)
			if err != nil {
				return err
			}
			p := r.page()
			printService(p, s)
			printUptime(p, uptime)
			printChanges(p, changes.Items)
			return p.flush()
		})
	})
	return c
}

// orPrint gives the error, or prints what the server answered where there is none.
func orPrint(m *remote, err error) error {
	if err != nil {
		return err
	}
	return m.print(nil)
}

func printService(p *page, s api.ServiceView) {
	state := string(s.State)
	if s.StateSince != 0 {
		state += " since " + p.clock.full(s.StateSince.Std())
	}
	next := make([]string, len(s.Upcoming))
	for i, t := range s.Upcoming {
		next[i] = p.clock.full(t.Std())
	}
	p.fields(slices.Concat([]field{
		{"name", s.Name},
		{"state", state},
	}, probeFields(p, &s), []field{
		{"last pulse", p.clock.full(s.LastPulse.Std())},
		{"expected", p.clock.moment(s.Expected)},
		{"down after", p.clock.moment(s.Deadline)},
		{"period", length(s.NextIn)},
		{"cron", strings.TrimSpace(s.Cron + " " + s.TimeZone)},
		{"next", strings.Join(next, ", ")},
		{"grace", length(s.Grace)},
		{"longest run", length(s.MaxRun)},
		{"shortest run", length(s.MinRun)},
		{"finish within", length(s.FinishWithin)},
		{"last run", seconds(s.LastDuration)},
		{"running", yes(s.Running)},
		{"alerts", alertsOf(&s.Service)},
		{"manual resume", yes(s.ManualResume)},
		{"managed by", s.ManagedBy},
		{"fails to alert", fails(&s.Service)},
		{"tags", strings.Join(s.Tags, ", ")},
		{"host", s.Host},
		{"parents", strings.Join(s.Parents, ", ")},
		{"description", s.Description},
		{"slug", s.Slug},
		{"id", s.ID},
		{"ping URL", s.PingURL},
	})...)
}

// fails says how many fails in a row make a service down, where one is not enough, and how many there were.
func fails(s *api.Service) string {
	if s.FailsToDown() <= 1 {
		return ""
	}
	return fmt.Sprintf("%d in a row, %d so far", s.FailsToDown(), s.Failures)
}

// printUptime prints the periods in which a service was watched.
func printUptime(p *page, u api.ServiceUptime) {
	var parts []string
	for _, period := range u.Periods {
		if text := period.PercentText(); text != "" {
			parts = append(parts, period.Period+" "+text)
		}
	}
	p.fields(field{"uptime", strings.Join(parts, ", ")})
}

// alertsOf says who is told of a service.
func alertsOf(s *api.Service) string {
	switch {
	case len(s.Alerts) > 0:
		return strings.Join(s.Alerts, ", ")
	case s.AlertType != "":
		return api.Target{Channel: s.AlertType, Address: s.AlertTarget}.String()
	}
	return "the default route"
}

func seconds(d float64) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%.3g s", d)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func printChanges(p *page, list []api.Change) {
	if len(list) == 0 {
		return
	}
	p.line("")
	t := p.table("CHANGED", "FROM", "TO", "REASON")
	for i := range list {
		c := &list[i]
		t.row(p.clock.short(c.At), string(c.From), string(c.To), reasonOf(c))
	}
	t.end("")
}

func reasonOf(c *api.Change) string {
	if c.Facts.Gap != nil {
		return string(c.Reason) + ", maybe because the server was away"
	}
	return string(c.Reason)
}

// serviceSettings are the flags that say what a service is.
type serviceSettings struct {
	flags                                       *pflag.FlagSet
	name, slug, description, host, cron, zone   string
	tags, alerts, parents                       []string
	failures                                    int
	manual                                      bool
	nextIn, grace, maxRun, minRun, finishWithin *durationValue
	probe                                       *probeSettings
}

func serviceFlags(f *pflag.FlagSet) *serviceSettings {
	s := &serviceSettings{flags: f}
	s.nextIn = durationFlag(f, "next-in", "longest time between pulses, such as 25h")
	f.StringVar(&s.cron, "cron", "", "cron `expression` of the expected pulses, such as '0 3 * * *'; not together with --next-in")
	f.StringVar(&s.zone, "time-zone", "", "`zone` of the cron expression, such as Europe/Paris; unless given, the server's")
	s.grace = durationFlag(f, "grace", "time after an expected pulse before the service is down; unless given, a tenth of the period, 60s at least")
	s.maxRun = durationFlag(f, "max-run", "a run that took longer counts as failed")
	s.minRun = durationFlag(f, "min-run", "a run that took less counts as failed")
	s.finishWithin = durationFlag(f, "finish-within", "time after a start by which the run must have ended")
	f.StringArrayVar(&s.alerts, "alert", nil, "`who` is told: mail:ADDRESS, pushover:KEY, webhook:URL or a channel; may be repeated; unless given, the default route")
	f.StringSliceVar(&s.tags, "tag", nil, "`words` to find it by")
	f.StringVar(&s.host, "host", "", "`host` on which it runs")
	f.StringVar(&s.description, "description", "", "`text` for people")
	f.StringVar(&s.slug, "slug", "", "`slug` for ping URLs; unless given, made of the name")
	f.StringArrayVar(&s.parents, "parent", nil, "`service` without which this one cannot be reached: while it is down nobody is told of this one; may be repeated")
	f.IntVar(&s.failures, "failures-to-alert", 1, "so `many` fails in a row make it down, with a probe 2 unless given; silence does not wait for more")
	f.BoolVar(&s.manual, "manual-resume", false, "a pulse does not end a pause")
	s.probe = probeFlags(f)
	return s
}

// input gives the settings that were given.
func (s *serviceSettings) input() api.ServiceInput {
	in := api.ServiceInput{
		NextIn: s.nextIn.seconds(), Grace: s.grace.seconds(), MaxRun: s.maxRun.seconds(), MinRun: s.minRun.seconds(),
		FinishWithin: s.finishWithin.seconds(),
	}
	in.Cron = given(s.flags, "cron", &s.cron)
	in.TimeZone = given(s.flags, "time-zone", &s.zone)
	s.alerts = slices.DeleteFunc(s.alerts, func(target string) bool { return target == "" })
	in.Alerts = given(s.flags, "alert", &s.alerts)
	in.Tags = given(s.flags, "tag", &s.tags)
	in.Host = given(s.flags, "host", &s.host)
	in.Description = given(s.flags, "description", &s.description)
	in.Slug = given(s.flags, "slug", &s.slug)
	in.Name = given(s.flags, "name", &s.name)
	s.parents = slices.DeleteFunc(s.parents, func(name string) bool { return name == "" })
	in.Parents = given(s.flags, "parent", &s.parents)
	in.FailuresToAlert = given(s.flags, "failures-to-alert", &s.failures)
	in.ManualResume = given(s.flags, "manual-resume", &s.manual)
	return in
}

// given gives the value of a flag that was on the command line, nil for one that was not.
func given[T any](f *pflag.FlagSet, name string, value *T) *T {
	if f.Changed(name) {
		return value
	}
	return nil
}

func (r *run) serviceCreateCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "create NAME (--next-in DURATION | --cron EXPRESSION | --probe KIND)", Short: "Create a service and print its ping URL", Args: arguments("NAME"),
		Long: "Create a service. Nothing is expected of it before its first pulse.\n" +
			"One with a probe does not pulse by itself: the server looks at its target.",
		Example: `watchkeeper service create nightly-backup --next-in 25h --alert mail:me@example.org
watchkeeper service create report --cron '0 6 * * 1-5' --time-zone Europe/Paris --grace 30m
watchkeeper service create shop --probe http --url https://shop.example.org/health --interval 60s --contains ok
watchkeeper service create zone --probe dns --query example.org --record MX --answer '10 mail.example.org'`,
	}
	m := r.remoteFlags(c)
	settings := serviceFlags(c.Flags())
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		in := settings.input()
		in.Name = &args[0]
		if settings.probe.given() {
			if settings.probe.kind == "" {
				return wrongUsage("say what kind of probe it is, with --probe http, tcp, icmp or dns")
			}
			var err error
			if in.Probe, err = settings.probe.over(api.ProbeSettings{}); err != nil {
				return err
			}
		}
		if in.NextIn == nil && in.Cron == nil && in.Probe == nil {
			return wrongUsage("say how often the service pulses, with --next-in or --cron, or what the server looks at, with --probe")
		}
		return question[api.ServiceView]{ask: func(ctx context.Context, server *client.Client) (api.ServiceView, error) {
			s, err := server.CreateService(ctx, in)
			if api.KindOf(err) == api.KindConflict {
				err = hinted{err, "Change it with: watchkeeper service update"}
			}
			return s, err
		}, print: printService}.put(m, c)
	})
	return c
}

func (r *run) serviceUpdateCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "update NAME", Short: "Change settings of a service", Args: arguments("NAME"),
		Long:    "Change the settings of a service that are given; the others stay. What is empty is taken away.",
		Example: "watchkeeper service update nightly-backup --grace 2h --alert mail:me@example.org --alert ops",
	}
	m := r.remoteFlags(c)
	m.completes(c, serviceNames())
	settings := serviceFlags(c.Flags())
	c.Flags().StringVar(&settings.name, "name", "", "new `name`")
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		in := settings.input()
		if in == (api.ServiceInput{}) && !settings.probe.given() {
			return wrongUsage("nothing is to be changed")
		}
		return question[api.ServiceView]{ask: func(ctx context.Context, server *client.Client) (api.ServiceView, error) {
			if settings.probe.given() {
				now, err := server.Service(ctx, args[0])
				if err != nil {
					return now, err
				}
				if in.Probe, err = settings.probe.of(now.Probe); err != nil {
					return now, err
				}
			}
			return server.PatchService(ctx, args[0], in)
		}, print: printService}.put(m, c)
	})
	return c
}

// serviceAct is what a client can do to a service by name.
type serviceAct func(*client.Client, context.Context, string) (api.ServiceView, error)

func (r *run) serviceActCommand(verb, short string, act serviceAct) *cobra.Command {
	c := &cobra.Command{Use: verb + " NAME", Short: short, Args: arguments("NAME")}
	m := r.remoteFlags(c)
	m.completes(c, serviceNames())
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		return question[api.ServiceView]{
			ask: func(ctx context.Context, server *client.Client) (api.ServiceView, error) {
				return act(server, ctx, args[0])
			},
			print: func(p *page, s api.ServiceView) { p.line("%s is %s", s.Name, string(s.State)) },
		}.put(m, c)
	})
	return c
}

func (r *run) serviceDeleteCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "delete NAME", Short: "Delete a service with its history", Args: arguments("NAME"),
		Long: "Delete a service with its history of pulses. Its ping URL ends. Events and changes of it stay until their age limit.",
	}
	m := r.remoteFlags(c)
	m.completes(c, serviceNames())
	sure := consentFlag(c.Flags())
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		return m.ask(c, func(ctx context.Context, server *client.Client) error {
			s, err := server.Service(ctx, args[0])
			if err != nil {
				return err
			}
			question := fmt.Sprintf("Delete the service %s, which is %s, with its history?", shown(s.Name), s.State)
			if err := r.confirm(question, sure); err != nil {
				return err
			}
			if err := server.DeleteService(ctx, s.ID); err != nil {
				return err
			}
			return m.print(func(p *page) { p.line("deleted %s", s.Name) })
		})
	})
	return c
}
