package alert

import (
	"context"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

// SilenceQuery is what a list of silences is narrowed to. Empty fields do not narrow.
type SilenceQuery struct {
	State api.SilenceState
	After store.Place // where the page begins
	Limit int
	Keep  func(*api.Silence) bool // what else must hold; nil for nothing
}

// ListSilences gives the silences that fit, those made last first.
func (a *Alerts) ListSilences(ctx context.Context, q SilenceQuery) (Found[api.Silence], error) {
	return page[api.Silence, api.Silence]{
		limit: q.Limit,
		read: func(before store.Place, limit int) ([]api.Silence, error) {
			return a.Store.Silences.List(ctx, store.SilenceFilter{State: q.State, Before: before, Limit: limit})
		},
		place: func(s *api.Silence) store.Place { return store.Place{Time: s.CreatedAt, ID: s.ID} },
		show:  func(s *api.Silence) api.Silence { return a.showSilence(*s) },
		keep:  q.Keep,
	}.from(q.After)
}

// GetSilence gives a silence, ended or not; KindNotFound when there is none.
func (a *Alerts) GetSilence(ctx context.Context, id string) (api.Silence, error) {
	s, err := a.Store.Silences.Get(ctx, id)
	return a.showSilence(s), err
}

// Silence makes a silence for somebody whose credential reaches the names that fit a pattern; it covers no others. The
// pattern is empty for all.
func (a *Alerts) Silence(ctx context.Context, in api.SilenceInput, by Author) (api.Silence, error) {
	s, err := in.Silence(a.now())
	if err != nil {
		return s, err
	}
	if s.Match, err = by.bound(s.Match); err != nil {
		return s, err
	}
	s.CreatedBy = by.Name
	s, err = a.Store.Silences.Create(ctx, s)
	return a.showSilence(s), err
}

// EndSilence ends a silence now; see store.Silences.
func (a *Alerts) EndSilence(ctx context.Context, id string) (api.Silence, error) {
	s, err := a.Store.Silences.End(ctx, id)
	return a.showSilence(s), err
}

func (a *Alerts) showSilence(s api.Silence) api.Silence {
	s.Active = s.At(a.now())
	return s
}

// Author is who makes a silence or maintenance.
type Author struct {
	Name    string
	Pattern string // of the names that the credential reaches; empty for all
}

// bound adds to matchers that they hold for no name outside the author's pattern.
func (by Author) bound(m api.Matchers) (api.Matchers, error) {
	if by.Owns(m) {
		return m, nil
	}
	m = append(m, api.Within(by.Pattern))
	if _, err := api.ParseMatchers(m.String()); err != nil {
		return nil, api.Invalid("body.match", "with the pattern of the token, which is one more: %s", err)
	}
	return m, nil
}

// Owns reports whether matchers hold for no name outside the author's pattern.
func (by Author) Owns(m api.Matchers) bool { return by.Pattern == "" || m.Has(api.Within(by.Pattern)) }
