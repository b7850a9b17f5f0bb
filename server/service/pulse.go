package service

import (
	"context"
	"math"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

// Sign is a pulse as it arrives, before it has a receive time.
type Sign struct {
	Name string // of the service, or
	ID   string // its id
	// Create makes the service when no service has the name.
	Create *api.ServiceSettings

	Kind     api.PulseKind // empty is success
	NextIn   api.Seconds   // 0 when the sender did not say
	RID      string
	ExitCode *int
	Duration time.Duration
	Time     api.Time // when it happened, 0 for now
	Legacy   *api.LegacyTarget

	Body          []byte // cut at the limit
	Scheme        string
	Method        string
	RemoteAddress string
	UserAgent     string
}

// Pulse stores a pulse and answers after its commit. It gives KindNotFound for an unknown service that is not to be
// created and KindInvalid for what breaks a rule; then the service keeps its former deadline.
func (s *Services) Pulse(sign Sign) (store.PulseResult, error) {
	if sign.NextIn < 0 || sign.NextIn > api.MaxSeconds {
		return store.PulseResult{}, api.Invalid("next_in", "must be 1 to %d seconds (ten years)", api.MaxSeconds)
	}
	if sign.Create != nil {
		if why := api.CheckName(sign.Name); why != "" {
			return store.PulseResult{}, api.Invalid("service", "%s", why)
		}
	}
	now := api.TimeOf(s.Clock.Now())
	w := store.PulseWrite{
		Name: sign.Name, ID: sign.ID, Create: sign.Create,
		Pulse: api.Pulse{
			Kind: sign.Kind, ReceivedAt: now, Time: api.ClipTime(sign.Time, now), NextIn: sign.NextIn, RID: sign.RID,
			Duration: sign.Duration, Legacy: sign.Legacy,
		},
		Body: sign.Body, Scheme: sign.Scheme, Method: sign.Method, RemoteAddress: sign.RemoteAddress, UserAgent: sign.UserAgent,
	}
	if w.Pulse.Kind == "" {
		w.Pulse.Kind = api.PulseSuccess
	}
	if sign.ExitCode != nil {
		w.Pulse.ExitCode, w.HasExitCode = *sign.ExitCode, true
	}
	if len(w.Body) > s.BodyLimit {
		w.Body = w.Body[:s.BodyLimit]
	}
	result, err := s.Store.Pulses.Add(w)
	if err == nil && result.From != result.State {
		s.Log.Info("service changed", "service", result.Name, "from", result.From, "to", result.State, "cause", "pulse")
	}
	return result, err
}

// Receive stores a pulse of the REST interface. The input has been validated.
func (s *Services) Receive(in api.PulseInput, sign Sign) (store.PulseResult, error) {
	sign.Kind, sign.NextIn, sign.RID, sign.ExitCode, sign.Time = in.Kind, in.NextIn, in.RID, in.ExitCode, in.Time
	if in.Duration != nil {
		sign.Duration = time.Duration(math.Round(*in.Duration*1000)) * time.Millisecond
	}
	if in.Body != "" {
		sign.Body = []byte(in.Body)
	}
	return s.Pulse(sign)
}

// FindSlug gives the id of the only service with a slug: KindNotFound for none, KindConflict for several.
func (s *Services) FindSlug(ctx context.Context, slug string) (string, error) {
	ids, err := s.Store.Services.IDsBySlug(ctx, slug)
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0:
		return "", api.Errorf(api.KindNotFound, "not found")
	case len(ids) > 1:
		return "", api.Errorf(api.KindConflict, "ambiguous slug")
	}
	return ids[0], nil
}
