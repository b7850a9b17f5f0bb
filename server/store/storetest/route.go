package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/hub"
	"watchkeeper/server/store"
)

var routeTests = map[string]func(*testing.T, *Fixture){
	"routes are kept as they were given":       routeKept,
	"routes have an order":                     routeOrder,
	"routes that are changed and removed":      routeChanged,
	"two servers move routes at the same time": routesMoved,
	"there may only be so many routes":         tooManyRoutes,
}

// matchers reads matchers that are right.
func matchers(tb testing.TB, text string) api.Matchers {
	tb.Helper()
	return must(api.ParseMatchers(text))(tb)
}

func (f *Fixture) route(tb testing.TB, in api.RouteInput) api.Route {
	tb.Helper()
	if in.To == nil {
		in.To = []string{"mail:me@example.org"}
	}
	return must(f.Routes.Create(context.Background(), in))(tb)
}

// order gives position and name of each route.
func (f *Fixture) order(tb testing.TB) (order []string) {
	tb.Helper()
	for _, r := range must(f.Routes.List(context.Background()))(tb) {
		order = append(order, fmt.Sprint(r.Position, " ", r.Name))
	}
	return order
}

func routeKept(t *testing.T, f *Fixture) {
	woken := f.Hub.Subscribe(hub.Routes)
	defer woken.Close()
	in := api.RouteInput{
		Name: "nights", Match: matchers(t, `tag=~"prod|staging", name!="a \"b\", c", level="error"`),
		To: []string{"mail:me@example.org", "ops"}, Continue: true, After: 600, Repeat: 3600, ManagedBy: "apply",
		Hours: &api.Hours{Days: "mon-fri", From: "20:00", To: "06:00", Zone: "Europe/Paris"},
	}
	made := f.route(t, in)
	in.Position = 1
	want := api.Route{RouteInput: in, ID: made.ID, Source: "api", CreatedAt: f.now(), UpdatedAt: f.now()}
	sameJSON(t, "made", made, want)
	got := must(f.Routes.Get(context.Background(), made.ID))(t)
	sameJSON(t, "kept", got, want)
	same(t, "a pattern still matches", got.Match.Match(api.Labels{"tag": {"x", "staging"}, "level": {"error"}}), true)
	same(t, "a pattern still refuses", got.Match.Match(api.Labels{"tag": {"x"}, "level": {"error"}}), false)
	select {
	case <-woken.C():
	default:
		t.Error("nobody was woken")
	}
	plain := f.route(t, api.RouteInput{Name: "rest"})
	sameJSON(t, "a route for everything", must(f.Routes.Get(context.Background(), plain.ID))(t), plain)
	same(t, "everything matches", must(f.Routes.Get(context.Background(), plain.ID))(t).Match.Match(api.Labels{}), true)
}

func routeOrder(t *testing.T, f *Fixture) {
	ctx := context.Background()
	a, b := f.route(t, api.RouteInput{Name: "a"}), f.route(t, api.RouteInput{Name: "b"})
	c := f.route(t, api.RouteInput{Name: "c", Position: 1})
	same(t, "made at the front", c.Position, 1)
	same(t, "order", f.order(t), []string{"1 c", "2 a", "3 b"})
	move := func(id string, to int) int {
		return must(f.Routes.Change(ctx, id, func(in *api.RouteInput) error { in.Position = to; return nil }))(t).Position
	}
	same(t, "moved on", move(c.ID, 2), 2)
	same(t, "order", f.order(t), []string{"1 a", "2 c", "3 b"})
	same(t, "moved to the front", move(b.ID, 1), 1)
	same(t, "moved behind the last", move(b.ID, 99), 3)
	same(t, "left where it is", move(c.ID, 0), 2)
	same(t, "order", f.order(t), []string{"1 a", "2 c", "3 b"})
	must(f.Routes.Delete(ctx, a.ID))(t)
	same(t, "order without the first", f.order(t), []string{"1 c", "2 b"})
}

func routeChanged(t *testing.T, f *Fixture) {
	ctx := context.Background()
	a, b := f.route(t, api.RouteInput{Name: "a"}), f.route(t, api.RouteInput{Name: "b", Repeat: 60})
	_, err := f.Routes.Create(ctx, api.RouteInput{Name: "a", To: []string{"ops"}})
	wantKind(t, err, api.KindConflict)
	_, err = replaceRoute(ctx, f, b.ID, api.RouteInput{Name: "a", To: []string{"ops"}})
	wantKind(t, err, api.KindConflict)
	f.Clock.Advance(time.Second)
	replaced := must(replaceRoute(ctx, f, b.ID, api.RouteInput{Name: "b2", To: []string{"ops"}, Match: api.Matchers{}}))(t)
	sameJSON(t, "replaced", replaced, api.Route{
		RouteInput: api.RouteInput{Name: "b2", To: []string{"ops"}, Match: api.Matchers{}, Position: 2},
		ID:         b.ID, Source: "api", CreatedAt: b.CreatedAt, UpdatedAt: f.now(),
	})
	refused := api.Errorf(api.KindInvalid, "no")
	_, err = f.Routes.Change(ctx, a.ID, func(in *api.RouteInput) error { in.Name = "changed"; return refused })
	wantKind(t, err, api.KindInvalid)
	same(t, "nothing of a refused change is kept", must(f.Routes.Get(ctx, a.ID))(t).Name, "a")
	sameJSON(t, "removed", must(f.Routes.Delete(ctx, b.ID))(t), replaced)
	for _, missing := range []string{b.ID, "none"} {
		_, err = f.Routes.Delete(ctx, missing)
		wantKind(t, err, api.KindNotFound)
		_, err = f.Routes.Get(ctx, missing)
		wantKind(t, err, api.KindNotFound)
		_, err = replaceRoute(ctx, f, missing, api.RouteInput{Name: "x", To: []string{"ops"}})
		wantKind(t, err, api.KindNotFound)
	}
}

// replaceRoute changes everything about a route.
func replaceRoute(ctx context.Context, f *Fixture, id string, in api.RouteInput) (api.Route, error) {
	return f.Routes.Change(ctx, id, func(out *api.RouteInput) error {
		*out = in
		return nil
	})
}

func routesMoved(t *testing.T, f *Fixture) {
	ctx := context.Background()
	other := Reopen(t, f.Options)
	var ids []string
	for i := range 6 {
		ids = append(ids, f.route(t, api.RouteInput{Name: fmt.Sprint("r", i)}).ID)
	}
	var wait sync.WaitGroup
	for n, st := range []*store.Routes{f.Routes, other.Routes} {
		wait.Go(func() {
			for i := range 12 {
				_, err := st.Change(ctx, ids[(i+3*n)%6], func(in *api.RouteInput) error { in.Position = 1 + (i*5+n)%6; return nil })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	for i, r := range must(f.Routes.List(ctx))(t) {
		if r.Position != i+1 {
			t.Errorf("route %d has the position %d", i+1, r.Position)
		}
	}
}

func tooManyRoutes(t *testing.T, f *Fixture) {
	for i := range api.MaxRoutes {
		f.route(t, api.RouteInput{Name: fmt.Sprint("r", i)})
	}
	_, err := f.Routes.Create(context.Background(), api.RouteInput{Name: "more", To: []string{"ops"}})
	wantKind(t, err, api.KindConflict)
}
