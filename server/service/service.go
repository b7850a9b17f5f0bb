package service

import (
	"context"
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
	settings, err := s.settings(in, api.ServiceSettings{})
	if err != nil {
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
	settings, err := s.settings(in, api.ServiceSettings{})
	if err != nil {
		return nil, false, err
	}
	for range 3 { // somebody else may make or delete it meanwhile
		existing, err := s.Store.Services.ByName(ctx, name)
		switch api.KindOf(err) {
		case "":
			svc, err = s.Store.Services.Update(ctx, existing.ID, func(api.Service) (api.ServiceSettings, error) { return settings, nil })
		case api.KindNotFound:
			svc, err = s.Store.Services.Create(ctx, settings)
			created = err == nil
		}
		if kind := api.KindOf(err); kind != api.KindNotFound && kind != api.KindConflict {
			return svc, created, err
		}
	}
	return nil, false, api.Errorf(api.KindConflict, "the service is being made and deleted by others at this moment, try again")
}

// Patch changes the settings that the input names.
func (s *Services) Patch(ctx context.Context, id string, in api.ServiceInput) (*api.Service, error) {
	return s.Store.Services.Update(ctx, id, func(old api.Service) (api.ServiceSettings, error) {
		return s.settings(in, old.ServiceSettings)
	})
}

// settings applies the input to what is there, fills in defaults and checks all rules.
func (s *Services) settings(in api.ServiceInput, base api.ServiceSettings) (api.ServiceSettings, error) {
	settings := in.Apply(base)
	var fields api.Fields
	if err := settings.Validate(); err != nil {
		return settings, err
	}
	if in.NextIn != nil && *in.NextIn == 0 && settings.Cron == "" && base.Name == "" {
		fields.Add("body.next_in", "must be at least 1 second")
	}
	cron := s.cron(&settings, &fields)
	for _, target := range settings.Alerts {
		if err := s.CheckTarget(target); err != nil {
			fields.Add("body.alerts", "%s", reason(err))
		}
	}
	if err := fields.Err(); err != nil {
		return settings, err
	}
	if in.Grace == nil && base.Name == "" {
		settings.Grace = api.DefaultGrace(s.period(settings, cron))
	}
	return settings, nil
}

// cron checks the cron expression, and gives the service the zone of the server when it names none.
func (s *Services) cron(settings *api.ServiceSettings, fields *api.Fields) api.Schedule {
	if settings.TimeZone != "" {
		if _, err := schedule.LoadZone(settings.TimeZone); err != nil {
			fields.Add("body.time_zone", "%s", err)
			return nil
		}
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

// period gives how long pulses are apart: of a cron expression, the time between the next two.
func (s *Services) period(settings api.ServiceSettings, cron api.Schedule) api.Seconds {
	if cron == nil {
		return settings.NextIn
	}
	next := schedule.Upcoming(cron, s.Clock.Now(), 2)
	if len(next) < 2 {
		return 0
	}
	return api.Seconds(next[1].Sub(next[0]) / time.Second)
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
