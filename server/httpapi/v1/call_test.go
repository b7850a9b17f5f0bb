package v1_test

import (
	"strings"
	"testing"

	"watchkeeper/api"
)

// TestBodiesThatNoRouteTakes sends every route with a body what none of them can read.
func TestBodiesThatNoRouteTakes(t *testing.T) {
	s := onSQLite(t)
	s.post(t, "/api/v1/services", `{"name":"x","next_in":60}`).want(201)
	s.post(t, "/api/v1/channels", `{"name":"x","kind":"mail","settings":{"to":"a@example.org"}}`).want(201)
	path := strings.NewReplacer("{service}", "x", "{name}", "x")
	for _, op := range operations(s.openAPI(t)) {
		if op.object["requestBody"] == nil || !strings.HasPrefix(op.path, "/api/") {
			continue
		}
		for name, c := range map[string]struct {
			body, mediaType, coding string
			kind                    api.ErrorKind
		}{
			"no JSON":        {`{"name":`, "", "", api.KindMalformed},
			"two texts":      {`{}{}`, "", "", api.KindMalformed},
			"not a number":   {`{"next_in":NaN}`, "", "", api.KindMalformed},
			"nested deeply":  {strings.Repeat(`{"a":`, 20_000), "", "", api.KindMalformed},
			"unknown member": {`{"colour":"red"}`, "", "", api.KindInvalid},
			"a list of one":  {`[7]`, "", "", api.KindInvalid},
			"a text":         {`"x"`, "", "", api.KindInvalid},
			"too large":      {`{"a":"` + strings.Repeat("x", 17<<20) + `"}`, "", "", api.KindTooLarge},
			"media type":     {`{}`, "text/plain", "", api.KindMediaType},
			"coding":         {`{}`, "", "br", api.KindMediaType},
			"broken coding":  {`{}`, "", "gzip", api.KindMalformed},
		} {
			header := map[string]string{"Content-Type": c.mediaType, "Content-Encoding": c.coding}
			r := s.ask(t, ask{method: strings.ToUpper(op.method), path: path.Replace(op.path), body: c.body, header: header})
			if r.status != c.kind.Status() {
				t.Errorf("%s %s, %s: %d %.200s", op.method, op.path, name, r.status, r.body)
				continue
			}
			for _, at := range r.refused(c.kind) {
				if !strings.HasPrefix(at, "body") {
					t.Errorf("%s %s, %s: place %s", op.method, op.path, name, at)
				}
			}
		}
	}
}

func TestMethodsAndPathsThatAreNotThere(t *testing.T) {
	s := onSQLite(t)
	for path, allowed := range map[string]string{
		"/api/v1/services":            "GET, HEAD, POST, OPTIONS",
		"/api/v1/services/x":          "GET, HEAD, PATCH, DELETE, OPTIONS",
		"/api/v1/services/by-name/x":  "PUT, OPTIONS",
		"/api/v1/services/x/pulses":   "GET, HEAD, POST, OPTIONS",
		"/api/v1/events/stream":       "GET, HEAD, OPTIONS",
		"/api/v1/deliveries/x/retry":  "POST, OPTIONS",
		"/api/v1/channels/a%2Fb/test": "POST, OPTIONS",
	} {
		r := s.ask(t, ask{method: "BREW", path: path})
		if r.refused(api.KindMethod); r.header.Get("Allow") != allowed {
			t.Errorf("%s takes %s", path, r.header.Get("Allow"))
		}
	}
	for _, path := range []string{"/api/v1", "/api/v1/", "/api/v1/services/", "/api/v1/service", "/api/v1/services/a/b/pulses", "/api/v2/services"} {
		s.get(t, path).refused(api.KindNotFound)
	}
}

func TestNamesThatLookLikePaths(t *testing.T) {
	s := onSQLite(t)
	for _, name := range []string{"by-name", "..", ".", "a/../b", "pulses", "a?b#c", "a%2Fb", "100 %", "+ +"} {
		escaped := strings.NewReplacer("%", "%25", "/", "%2F", "?", "%3F", "#", "%23", " ", "%20", ".", "%2E", "+", "%2B").Replace(name)
		s.ask(t, ask{method: "PUT", path: "/api/v1/services/by-name/" + escaped, body: `{"next_in":60}`}).want(201)
		if got := into[api.PulseAnswer](s.post(t, "/api/v1/services/"+escaped+"/pulses", ``).want(200)); got.Service != name {
			t.Errorf("%s: pulsed %s", name, got.Service)
		}
		if got := into[api.ServiceView](s.get(t, "/api/v1/services/"+escaped).want(200)); got.Name != name {
			t.Errorf("%s: got %s", name, got.Name)
		}
	}
}

// TestWhatCannotBeStoredIsNotAcknowledged closes the store under the routes.
func TestWhatCannotBeStoredIsNotAcknowledged(t *testing.T) {
	s := onSQLite(t)
	s.post(t, "/api/v1/services", `{"name":"x","next_in":60}`).want(201)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, a := range []ask{
		{method: "POST", path: "/api/v1/services/x/pulses"},
		{method: "POST", path: "/api/v1/events", body: `{"service":"a","message":"m"}`},
		{method: "POST", path: "/api/v1/events", body: `{}`, header: map[string]string{api.HeaderSequence: "s-1"}},
	} {
		r := s.ask(t, a)
		r.refused(api.KindUnavailable)
		if r.header.Get("Retry-After") == "" || strings.Contains(r.body, "closed") {
			t.Errorf("%s %s: %v %s", a.method, a.path, r.header, r.body)
		}
	}
}
