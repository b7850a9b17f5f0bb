package public_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/httpapitest"
	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Wrap(m)) }

// server is one that shows the tags web and quiet to everybody.
func server(tb testing.TB) *httpapitest.Server {
	return httpapitest.SQLite(tb, httpapitest.Options{PublicTags: []string{"web", "quiet"}})
}

func create(tb testing.TB, s *httpapitest.Server, name, slug string, kind api.PulseKind, tags ...string) {
	tb.Helper()
	made, err := s.Services.Create(context.Background(), api.ServiceSettings{
		Name: name, Slug: slug, Tags: tags, NextIn: 3600, Description: "hidden words", Host: "hidden-host",
	})
	if err != nil {
		tb.Fatal(err)
	}
	if kind == "" {
		return
	}
	now := api.TimeOf(s.Clock.Now())
	if _, err := s.Pulses.Add(store.PulseWrite{ID: made.ID, Pulse: api.Pulse{Kind: kind, ReceivedAt: now, Time: now}}); err != nil {
		tb.Fatal(err)
	}
}

func open(tb testing.TB, s *httpapitest.Server, path string) *httpapitest.Reply {
	tb.Helper()
	return s.Ask(tb, httpapitest.Ask{To: "GET " + path, Password: httpapitest.None})
}

func TestOnlyNamedTagsAreShown(t *testing.T) {
	s := server(t)
	create(t, s, "shop", "shop", api.PulseSuccess, "web", "secret")
	create(t, s, "safe", "safe", api.PulseSuccess, "secret")
	for path, want := range map[string]int{
		"/status/web": 200, "/status/web.json": 200, "/status/quiet": 200, "/badge/web.svg": 200, "/badge/web.json": 200,
		"/badge/web/shop.svg": 200, "/badge/web/shop.json": 200,
		"/status/secret": 404, "/status/secret.json": 404, "/status/": 404, "/status/web/x": 404, "/status/nothing": 404,
		"/badge/secret.svg": 404, "/badge/secret/safe.svg": 404, "/badge/web/safe.svg": 404, "/badge/web": 404,
		"/badge/web/.svg": 404, "/badge/.svg": 404, "/badge/web/shop/x.svg": 404, "/badge/web/%00.svg": 404,
	} {
		if r := open(t, s, path); r.Status != want {
			t.Errorf("%s: %d, want %d: %s", path, r.Status, want, r.Body)
		}
	}
	for _, path := range []string{"/status/web", "/status/web.json", "/badge/web/shop.svg", "/badge/web/shop.json"} {
		body := open(t, s, path).Body
		for _, hidden := range []string{"hidden", "secret", "safe"} {
			if strings.Contains(body, hidden) {
				t.Errorf("%s tells of %q", path, hidden)
			}
		}
	}
	without := httpapitest.SQLite(t, httpapitest.Options{})
	if r := open(t, without, "/status/web"); r.Status != 404 {
		t.Errorf("a server that shows nothing answers %d", r.Status)
	}
}

func TestPageTellsHowItIs(t *testing.T) {
	s := server(t)
	check := func(want string) {
		t.Helper()
		s.Clock.Advance(time.Minute) // past what is remembered
		if body := open(t, s, "/status/web").Body; !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
	check("No service carries this tag")
	create(t, s, "new one", "", "", "web")
	check("Nothing is watched at the moment")
	create(t, s, "a <b>shop</b>", "shop", api.PulseSuccess, "web")
	check("The service is up")
	check("a &lt;b&gt;shop&lt;/b&gt;")
	create(t, s, "mail", "mail", api.PulseSuccess, "web")
	check("All 2 services are up")
	create(t, s, "files", "files", api.PulseFail, "web")
	check("1 of 3 services down")
	check(">100 %<")
	r := open(t, s, "/status/web.json")
	json := r.JSON(t)
	if got := json["state"]; got != "down" {
		t.Errorf("the tag is %v", got)
	}
	if n := len(json["services"].([]any)); n != 4 {
		t.Errorf("%d services", n)
	}
}

// What was read is shown for a while, so that many readers cost nothing; then the page follows.
func TestPageIsRememberedForSeconds(t *testing.T) {
	s := server(t)
	create(t, s, "shop", "shop", api.PulseSuccess, "web")
	state := func() any { return open(t, s, "/badge/web/shop.json").JSON(t)["message"] }
	before := state()
	svc, err := s.Services.ByName(context.Background(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Services.Pause(context.Background(), svc.ID, api.ReasonPaused); err != nil {
		t.Fatal(err)
	}
	if got := state(); got != before {
		t.Errorf("at once: %v", got)
	}
	s.Clock.Advance(16 * time.Second)
	if got := state(); got != "paused" {
		t.Errorf("after a while: %v", got)
	}
}

func TestBadgesArePicturesForAnyName(t *testing.T) {
	s := server(t)
	names := []string{"plain", "a/b c?", "quotes \" and <tags>", "日本語", strings.Repeat("long ", 100)}
	for _, name := range names {
		create(t, s, name, "", api.PulseSuccess, "web")
	}
	create(t, s, "twin one", "twin", api.PulseSuccess, "web")
	create(t, s, "twin two", "twin", api.PulseSuccess, "web")
	for _, name := range names {
		r := open(t, s, "/badge/web/"+url.PathEscape(name)+".svg")
		var picture struct {
			XMLName xml.Name `xml:"svg"`
			Width   int      `xml:"width,attr"`
			Title   string   `xml:"title"`
		}
		if err := xml.Unmarshal([]byte(r.Body), &picture); err != nil || r.Status != 200 {
			t.Errorf("%.40q: %d %v", name, r.Status, err)
			continue
		}
		if r.Header.Get("Content-Type") != "image/svg+xml" || picture.Width > 600 || !strings.HasSuffix(picture.Title, ": up") {
			t.Errorf("%.40q: %v %+v", name, r.Header, picture)
		}
	}
	if r := open(t, s, "/badge/web/plain.json"); r.Status != 200 {
		t.Errorf("by slug: %d", r.Status)
	}
	if r := open(t, s, "/badge/web/twin.svg"); r.Status != 404 {
		t.Errorf("a slug of two: %d", r.Status)
	}
}

// The page runs nothing but its own script, and no other site may frame it or learn its address.
func TestPageIsClosed(t *testing.T) {
	r := open(t, server(t), "/status/quiet")
	policy := r.Header.Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || strings.Count(policy, "'sha256-") != 2 {
		t.Error(policy)
	}
	for name, want := range map[string]string{"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "public, max-age=15"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
}

// Uptime is for everybody who may read the service.
func TestUptimeOverREST(t *testing.T) {
	s := server(t)
	create(t, s, "shop", "shop", api.PulseSuccess)
	s.Clock.Advance(time.Hour)
	periods := s.Ask(t, httpapitest.Ask{To: "GET /api/v1/services/shop/uptime"}).JSON(t)["periods"].([]any)
	var names []string
	for _, p := range periods {
		names = append(names, fmt.Sprint(p.(map[string]any)["period"], " ", p.(map[string]any)["percent"]))
	}
	if want := []string{"24h 100", "7d 100", "30d 100", "90d 100", "1y 100"}; !slices.Equal(names, want) {
		t.Error(names)
	}
	elsewhere := s.Token(t, api.ScopeRead, "other-*")
	if r := s.Ask(t, httpapitest.Ask{To: "GET /api/v1/services/shop/uptime", Password: elsewhere}); r.Status != 404 {
		t.Errorf("beyond the pattern: %d", r.Status)
	}
}
