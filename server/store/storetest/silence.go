package storetest

import (
	"context"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
)

var silenceTests = map[string]func(*testing.T, *Fixture){
	"silences begin and end":       silenceTimes,
	"a silence that is ended":      silenceEnded,
	"silences are listed in pages": silencePages,
}

func (f *Fixture) silence(tb testing.TB, match string, from, to time.Duration) api.Silence {
	tb.Helper()
	now := f.now()
	return must(f.Silences.Create(context.Background(), api.Silence{
		Match: matchers(tb, match), StartsAt: now.Add(from), EndsAt: now.Add(to), Comment: "upgrade", CreatedBy: "ops",
	}))(tb)
}

// silenced gives the matchers of the silences in a state, or of the current ones.
func (f *Fixture) silenced(tb testing.TB, state api.SilenceState) (matches []string) {
	tb.Helper()
	for _, s := range must(f.Silences.List(context.Background(), store.SilenceFilter{State: state, Limit: 100}))(tb) {
		matches = append(matches, s.Match[0].Value)
	}
	return matches
}

func (f *Fixture) currentSilences(tb testing.TB) (matches []string) {
	tb.Helper()
	for _, s := range must(f.Silences.Current(context.Background()))(tb) {
		matches = append(matches, s.Match[0].Value)
	}
	return matches
}

func silenceTimes(t *testing.T, f *Fixture) {
	ctx := context.Background()
	long := f.silence(t, `name="long"`, 0, time.Hour)
	f.silence(t, `name="later"`, 10*time.Minute, 20*time.Minute)
	f.silence(t, `name="short"`, 0, time.Minute)
	same(t, "kept", must(f.Silences.Get(ctx, long.ID))(t).Match.String(), `name="long"`)
	sameJSON(t, "kept whole", must(f.Silences.Get(ctx, long.ID))(t), long)
	_, err := f.Silences.Get(ctx, "none")
	wantKind(t, err, api.KindNotFound)
	for _, step := range []struct {
		after                          time.Duration
		current, active, future, ended []string
	}{
		{0, []string{"short", "later", "long"}, []string{"short", "long"}, []string{"later"}, nil},
		{time.Minute - time.Millisecond, []string{"short", "later", "long"}, []string{"short", "long"}, []string{"later"}, nil},
		{time.Minute, []string{"later", "long"}, []string{"long"}, []string{"later"}, []string{"short"}},
		{10 * time.Minute, []string{"later", "long"}, []string{"later", "long"}, nil, []string{"short"}},
		{20 * time.Minute, []string{"long"}, []string{"long"}, nil, []string{"short", "later"}},
		{time.Hour, nil, nil, nil, []string{"short", "later", "long"}},
	} {
		f.Clock.Advance(Start.Add(step.after).Sub(f.Clock.Now()))
		same(t, "current", f.currentSilences(t), step.current)
		same(t, "active", f.silenced(t, api.SilenceActive), step.active)
		same(t, "future", f.silenced(t, api.SilenceFuture), step.future)
		same(t, "ended", f.silenced(t, api.SilenceEnded), step.ended)
		same(t, "all", len(f.silenced(t, "")), 3)
		for _, s := range must(f.Silences.List(ctx, store.SilenceFilter{State: api.SilenceActive, Limit: 10}))(t) {
			same(t, "the list agrees with the rule", s.At(f.now()), true)
		}
	}
}

func silenceEnded(t *testing.T, f *Fixture) {
	ctx := context.Background()
	now, later := f.silence(t, `name="now"`, 0, time.Hour), f.silence(t, `name="later"`, time.Minute, time.Hour)
	f.Clock.Advance(time.Second)
	woken := f.Hub.Subscribe(hub.Silences)
	defer woken.Close()
	ended := must(f.Silences.End(ctx, now.ID))(t)
	same(t, "ended now", ended.EndsAt, f.now())
	same(t, "the comment stays", ended.Comment, "upgrade")
	select {
	case <-woken.C():
	default:
		t.Error("nobody was woken")
	}
	must(f.Silences.End(ctx, later.ID))(t)
	f.Clock.Advance(2 * time.Minute)
	same(t, "what is ended before it begins never begins", f.silenced(t, api.SilenceActive), []string(nil))
	again := must(f.Silences.End(ctx, now.ID))(t)
	same(t, "ended once", again.EndsAt, ended.EndsAt)
	same(t, "rows stay", len(f.silenced(t, api.SilenceEnded)), 2)
	_, err := f.Silences.End(ctx, "none")
	wantKind(t, err, api.KindNotFound)
}

func silencePages(t *testing.T, f *Fixture) {
	var want, got []string
	for i := range 7 {
		if i%2 == 0 {
			f.Clock.Advance(time.Second) // some share a moment
		}
		want = append([]string{f.silence(t, `name="x"`, 0, time.Hour).ID}, want...)
	}
	for before := (store.Place{}); ; {
		page := must(f.Silences.List(context.Background(), store.SilenceFilter{Before: before, Limit: 2}))(t)
		for _, s := range page {
			got = append(got, s.ID)
			before = store.Place{Time: s.CreatedAt, ID: s.ID}
		}
		if len(page) < 2 {
			break
		}
	}
	same(t, "pages", got, want)
}
