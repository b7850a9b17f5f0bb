package service

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"watchkeeper/api"
	"watchkeeper/api/schedule"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
)

// Options is what the feature is made of.
type Options struct {
	Store *store.Store
	Hub   *hub.Hub
	Clock clock.Clock
	Log   *slog.Logger
	// Zone is the time zone of new cron expressions that name none.
	Zone string
	// CheckTarget says whether alerts can go to a target such as "mail:me@example.org".
	CheckTarget func(target string) error
	// BodyLimit is how many bytes of the body of a pulse are kept; 0 keeps none.
	BodyLimit int
	// Sealer keeps the secrets of probes.
	Sealer Sealer
}

// Services makes, changes and lists services and takes their pulses.
type Services struct {
	Options
	schedules *schedule.Cache
}

// New makes the feature.
func New(o Options) *Services { return &Services{Options: o, schedules: schedule.NewCache(256)} }

// Create makes a service. A name that exists is KindConflict.
func (s *Services) Create(ctx context.Context, in api.ServiceInput) (*api.Service, error) {
	settings, err := s.settings(in, api.ServiceSettings{}, s.checkAlerts(in))
	if err != nil {
		return nil, err
	}
	if settings.Probe, err = s.seal(settings.Probe, nil); err != nil {
		return nil, err
	}
	return s.Store.Services.Create(ctx, settings)
}

// Put makes the service with a name, or gives the one that exists exactly these settings; repeated, it changes nothing.
// It reports whether it made one.
func (s *Services) Put(ctx context.Context, name string, in api.ServiceInput) (svc *api.Service, created bool, err error) {
	if in.Name != nil && *in.Name != name {
		return nil, false, api.Invalid("body.name", "must be the name in the path or be left out")
	}
	in.Name = &name
	faults := s.checkAlerts(in)
	replace := func(old api.Service) (api.ServiceSettings, error) {
		if err := s.guardProbe(in, old.ServiceSettings, wholly); err != nil {
			return api.ServiceSettings{}, err
		}
		in, err := s.unmask(in, old.Probe)
		if err != nil {
			return api.ServiceSettings{}, err
		}
		settings, err := s.settings(in, api.ServiceSettings{}, faults)
		if err == nil {
			settings.Probe, err = s.seal(settings.Probe, old.Probe)
		}
		return settings, err
	}
	for range 3 { // somebody else may make or delete it meanwhile
		svc, err = s.Store.Services.ByName(ctx, name)
		switch api.KindOf(err) {
		case "":
			svc, err = s.Store.Services.Update(ctx, svc.ID, replace)
		case api.KindNotFound:
			svc, err = s.Create(ctx, in)
			created = err == nil
		}
		if kind := api.KindOf(err); kind != api.KindNotFound && kind != api.KindConflict {
			return svc, created, err
		}
	}
	return nil, false, api.Errorf(api.KindConflict, "the service is being made and deleted by others at this moment, try again")
}

// Patch changes the settings that the input names. What it leaves alone is not checked anew, so that a channel that is
// gone does not stand in the way of another tag.
func (s *Services) Patch(ctx context.Context, id string, in api.ServiceInput) (*api.Service, error) {
	faults := s.checkAlerts(in)
	return s.Store.Services.Update(ctx, id, func(old api.Service) (api.ServiceSettings, error) {
		if err := s.guardProbe(in, old.ServiceSettings, partly); err != nil {
			return api.ServiceSettings{}, err
		}
		in, err := s.unmask(in, old.Probe)
		if err != nil {
			return api.ServiceSettings{}, err
		}
		settings, err := s.settings(in, old.ServiceSettings, faults)
		if err == nil && in.Probe != nil {
			settings.Probe, err = s.seal(settings.Probe, old.Probe)
		}
		return settings, err
	})
}

// checkAlerts gives what is wrong with the targets that the input names. It may ask the database, and so comes before the
// transaction that has the service locked.
func (s *Services) checkAlerts(in api.ServiceInput) api.Fields {
	if in.Alerts == nil || len(*in.Alerts) > api.MaxAlerts { // too many are refused as such
		return nil
	}
	var faults api.Fields
	for _, target := range *in.Alerts {
		if err := s.CheckTarget(target); err != nil {
			faults.Add("body.alerts", "%s", reason(err))
		}
	}
	return faults
}

// settings applies the input to what is there, fills in defaults and checks all rules. The faults are those that were
// found before.
func (s *Services) settings(in api.ServiceInput, base api.ServiceSettings, faults api.Fields) (api.ServiceSettings, error) {
	settings := in.Apply(base)
	fresh := base.Name == ""
	var fields api.Fields
	var invalid *api.Error
	if errors.As(settings.Validate(), &invalid) {
		fields = append(fields, invalid.Fields...)
	}
	if fresh && in.NextIn != nil && *in.NextIn == 0 && settings.Cron == "" && settings.Probe == nil {
		fields.Add("body.next_in", "must be at least 1 second")
	}
	cron := s.cron(&settings, &fields)
	if err := append(fields, faults...).Err(); err != nil {
		return settings, err
	}
	if fresh && in.Grace == nil {
		settings.Grace = api.DefaultGrace(period(settings, cron))
	}
	return settings, nil
}

// cron checks the cron expression, and gives the service the zone of the server when it names none.
func (s *Services) cron(settings *api.ServiceSettings, fields *api.Fields) api.Schedule {
	_, err := schedule.LoadZone(settings.TimeZone)
	switch {
	case err != nil:
		fields.Add("body.time_zone", "%s", err)
		return nil
	case settings.TimeZone == time.Local.String():
		fields.Add("body.time_zone", "must be the same zone on every server: write it as Area/City, such as Europe/Paris, or UTC")
		return nil
	}
	if settings.Cron == "" {
		return nil
	}
	if settings.TimeZone == "" {
		settings.TimeZone = s.Zone
	}
	cron, err := s.schedules.Parse(settings.Cron, settings.TimeZone)
	if err != nil {
		fields.Add("body.cron", "%s", err)
		return nil
	}
	return cron
}

// period gives how long pulses are apart; where a cron expression rules, the shortest time between two that it expects.
func period(settings api.ServiceSettings, cron api.Schedule) api.Seconds {
	if settings.Probe != nil {
		return settings.Probe.Interval
	}
	if cron == nil {
		return settings.NextIn
	}
	return schedule.Period(cron)
}

// Upcoming gives the next n expected times of a service with a cron expression, none for others.
func (s *Services) Upcoming(svc *api.Service, n int) []api.Time {
	if svc.Cron == "" {
		return nil
	}
	cron, err := s.schedules.Parse(svc.Cron, svc.TimeZone)
	if err != nil {
		return nil
	}
	var out []api.Time
	for _, t := range schedule.Upcoming(cron, s.Clock.Now(), n) {
		out = append(out, api.TimeOf(t))
	}
	return out
}

// reason gives the text that a client may read of an error.
func reason(err error) string {
	problem := api.ProblemOf(err)
	if len(problem.Errors) > 0 {
		return problem.Errors[0].Message
	}
	return problem.Detail
}
