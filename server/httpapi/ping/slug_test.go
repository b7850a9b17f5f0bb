package ping_test

import (
	"strings"
	"testing"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/httpapitest"
)

func TestSlug(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		id := s.create(t, api.ServiceSettings{Name: "Nightly Backup", Slug: "nightly-backup", NextIn: 3600, Grace: 600})
		to := s.PingKey + "/nightly-backup"
		for _, signal := range []string{"", "/start", "/fail", "/log", "/3", "?rid=" + runA, "?create=1"} {
			s.ok(t, to+signal)
		}
		kinds := []api.PulseKind{}
		for _, p := range s.history(t, id) {
			kinds = append(kinds, p.Kind)
		}
		same(t, "kinds", kinds, []api.PulseKind{"success", "start", "fail", "log", "fail", "success", "success"})

		s.want(t, to+"/256", 400, "invalid url format")
		s.create(t, api.ServiceSettings{Name: "Another", Slug: "nightly-backup", NextIn: 3600})
		for _, signal := range []string{"", "/start", "?create=1", "/256"} {
			s.want(t, to+signal, 409, "ambiguous slug")
		}
		same(t, "nothing more", len(s.history(t, id)), 7)
	})
}

func TestCreate(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		made := func(slug string) *api.Service {
			t.Helper()
			svc, err := s.Services.ByName(t.Context(), slug)
			if err != nil {
				t.Fatal(err)
			}
			return svc
		}
		for slug, c := range map[string]struct {
			signal string
			state  api.State
			nextIn api.Seconds
		}{
			"by-success": {"?create=1", api.StateUp, 86400},
			"by-start":   {"/start?create=1", api.StateNew, 86400},
			"by-fail":    {"/fail?create=1", api.StateDown, 86400},
			"by-log":     {"/log?create=1", api.StateNew, 86400},
			"by-status":  {"/2?create=1&rid=" + runA, api.StateDown, 86400},
			"by-next-in": {"?create=1&nextIn=60", api.StateUp, 60},
			"_-_":        {"?create=1", api.StateUp, 86400},
		} {
			s.want(t, s.PingKey+"/"+slug+c.signal, 201, "Created")
			svc := made(slug)
			same(t, slug, []any{svc.Slug, svc.NextIn, svc.Grace, svc.State, svc.NextInForce()},
				[]any{slug, api.Seconds(86400), api.Seconds(3600), c.state, c.nextIn})
			s.ok(t, s.PingKey+"/"+slug+c.signal)
			same(t, slug+": pings", len(s.history(t, svc.ID)), 2)
		}
		r := s.ping(t, "HEAD", s.PingKey+"/by-head?create=1", "")
		same(t, "by HEAD", []any{r.Status, r.Body, r.Header.Get("Content-Length")}, []any{201, "", "7"})

		for path, status := range map[string]int{
			"/refused/256?create=1": 400, "/refused?create=1&rid=x": 400, "/refused?create=1&nextIn=0": 400, "/REFUSED?create=1": 400,
			"/refused/foo?create=1": 404, "/" + strings.Repeat("x", 101) + "?create=1": 400,
		} {
			same(t, path, s.ping(t, "GET", s.PingKey+path, "").Status, status)
		}
		s.want(t, "wrong/refused?create=1", 404, "not found")
		s.want(t, s.PingKey+"/refused", 404, "not found")
	})
}

func TestCreateAtOnceMakesOneService(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		const at = 20
		replies := make(chan *httpapitest.Reply)
		for range at {
			go func() { replies <- s.ping(t, "GET", s.PingKey+"/job?create=1", "") }()
		}
		statuses := map[int]int{}
		for range at {
			statuses[(<-replies).Status]++
		}
		same(t, "statuses", statuses, map[int]int{201: 1, 200: at - 1})
		svc, err := s.Services.ByName(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "pings", len(s.history(t, svc.ID)), at)
	})
}

// Whoever makes services by other ways gives them slugs as well.
func TestSlugOfPulsedService(t *testing.T) {
	s := onSQLite(t)
	r := s.Ask(t, httpapitest.Ask{
		To: "POST /heartbeat", Body: `{"service":"Ärger im Büro 7","alertType":"mail","alertTarget":"a","nextIn":60}`,
	})
	same(t, "pulse", r.Status, 200)
	s.ok(t, s.PingKey+"/rger-im-b-ro-7")
}

func TestPingOfADeletedService(t *testing.T) {
	s := onSQLite(t)
	id := s.create(t, api.ServiceSettings{Name: "job", Slug: "job", NextIn: 3600})
	s.ok(t, id)
	if _, err := s.Services.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	s.want(t, id, 404, "not found")
	s.want(t, s.PingKey+"/job", 404, "not found")
}
