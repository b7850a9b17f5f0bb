package watchtower_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"watchkeeper/server/httpapi/httpapitest"
	"watchkeeper/server/httpapi/watchtower"
)

const (
	formType = "Content-Type: application/x-www-form-urlencoded"
	jsonType = "Content-Type: application/json"
)

// encodings are the ways in which the published clients write a body.
var encodings = map[string]func(fields object) (body, contentType string){
	"JSON":             func(f object) (string, string) { return text(f), jsonType },
	"JSON, no type":    func(f object) (string, string) { return text(f), "X-Nothing: 1" },
	"JSON as a form":   func(f object) (string, string) { return " \r\n" + text(f), formType },
	"JSON with a mark": func(f object) (string, string) { return "\ufeff" + text(f), jsonType },
	"form": func(f object) (string, string) {
		form := url.Values{}
		for name, value := range f {
			form.Set(name, strings.Trim(text(value), `"`))
		}
		return form.Encode(), formType + "; charset=utf-8"
	},
}

func TestBothGenerationsInEveryEncoding(t *testing.T) {
	generations := map[string]struct{ pulse, cancel, list, get, add, events string }{
		"first":  {"POST /", "DELETE /", "GET /", "GET /get/", "POST /add-event", "GET /list-events"},
		"second": {"POST /heartbeat", "DELETE /heartbeat", "GET /heartbeats", "GET /heartbeat/", "POST /event", "GET /events"},
	}
	for encoding, encode := range encodings {
		for generation, to := range generations {
			t.Run(encoding+" "+generation, func(t *testing.T) {
				s := onSQLite(t)
				send := func(to string, fields object) object {
					body, contentType := encode(fields)
					return s.done(t, to, body, contentType)
				}
				now := float64(s.Clock.Now().Unix())
				want := object{
					"service": "nightly", "alertType": "mail", "alertTarget": "me@example.org", "nextIn": 60.0,
					"last": now, "expected": now + 60, "alerted": false, "cancelled": false,
				}
				pulse := object{"service": "nightly", "alertType": "mail", "alertTarget": "me@example.org", "nextIn": 60}
				same(t, "pulse", send(to.pulse, pulse), object{"action": "pulse", "heartBeat": want, "result": 200.0})
				same(t, "list", s.done(t, to.list, ""), object{"heartBeats": []any{want}, "result": 200.0})
				same(t, "get", s.done(t, to.get+"nightly", ""), object{"heartBeat": want, "result": 200.0})
				same(t, "event", send(to.add, object{"service": "web", "message": "disk; full", "level": 2, "alert": true}),
					object{"result": 200.0})
				want["cancelled"] = true
				same(t, "cancel", send(to.cancel, object{"service": "nightly"}),
					object{"action": "cancel", "heartBeat": want, "result": 200.0})
				same(t, "unknown", send(to.cancel, object{"service": "nobody"}),
					object{"action": "cancel", "heartBeat": "nobody", "result": 200.0})
				same(t, "events", s.done(t, to.events+"?service=web", ""), object{
					"events": []any{object{"service": "web", "message": "disk; full", "level": 2.0, "alert": true, "date": now}},
					"result": 200.0,
				})
			})
		}
	}
}

func TestHelloAndPings(t *testing.T) {
	s := tower{httpapitest.SQLite(t, httpapitest.Options{Presets: []watchtower.Preset{
		{Name: "ROC", Service: "tcm", Message: "run.*succ"}, {Name: "all <&>"},
	}})}
	now := float64(s.Clock.Now().Unix())
	same(t, "hello", s.done(t, "GET /hello", ""), object{
		"eventsPresets": []any{object{"name": "ROC", "service": "tcm", "message": "run.*succ"}, object{"name": "all <&>"}},
		"result":        200.0, "version": httpapitest.Version, "world": now,
	})
	same(t, "pings", s.done(t, "GET /pings?humanDates=1", ""), object{"pings": []any{}, "result": 200.0})
	same(t, "no presets", onSQLite(t).done(t, "GET /hello", "")["eventsPresets"], []any{})
}

func TestLeadingSlashesNeedNoRedirect(t *testing.T) {
	s := onSQLite(t)
	for _, path := range []string{"//hello", "///hello", "//events", "//heartbeats", "//pings", "//list-events?service="} {
		s.done(t, "GET "+path, "")
	}
	s.done(t, "POST //heartbeat", `{"service":"a","alertType":"mail","alertTarget":"b","nextIn":60}`)
	s.done(t, "POST //", `{"service":"a","alertType":"mail","alertTarget":"b","nextIn":60}`)
	s.done(t, "DELETE ///heartbeat", `{"service":"a"}`)
	same(t, "get", s.done(t, "GET //get/a", "")["heartBeat"].(object)["service"], "a")
}

func TestUnknownPathsAndMethods(t *testing.T) {
	s := onSQLite(t)
	for to, want := range map[string]struct {
		status int
		allow  []string
	}{
		"GET /nothing":       {404, nil},
		"POST /hello/world":  {404, nil},
		"GET /get":           {404, nil},
		"GET //nothing":      {404, nil},
		"PUT /heartbeat":     {405, []string{"POST", "DELETE"}},
		"GET /heartbeat":     {405, []string{"POST", "DELETE"}},
		"PATCH /":            {405, []string{"GET", "POST", "DELETE"}},
		"DELETE /event":      {405, []string{"POST"}},
		"POST /events":       {405, []string{"GET"}},
		"POST /get/a%2Fb":    {405, []string{"GET"}},
		"BREW /heartbeat":    {405, []string{"POST", "DELETE"}},
		"POST /hello":        {405, []string{"GET"}},
		"DELETE //pings":     {405, []string{"GET"}},
		"PUT /list-events":   {405, []string{"GET"}},
		"DELETE /heartbeats": {405, []string{"GET"}},
	} {
		for _, password := range []string{"", httpapitest.None} {
			r := s.Ask(t, httpapitest.Ask{To: to, Password: password})
			if r.Status != want.status {
				t.Errorf("%s: status %d, want %d", to, r.Status, want.status)
			}
			for _, method := range want.allow {
				if !strings.Contains(r.Header.Get("Allow"), method) {
					t.Errorf("%s: Allow %q lacks %s", to, r.Header.Get("Allow"), method)
				}
			}
			same(t, to+" for pages", r.Header["Access-Control-Allow-Origin"], []string{"*"})
		}
	}
}

func TestHead(t *testing.T) {
	s := onSQLite(t)
	s.pulse(t, "a", 60)
	for _, path := range []string{"/", "/heartbeats", "/heartbeat/a", "/get/a", "/events", "/list-events", "/hello", "/pings"} {
		if r := s.Ask(t, httpapitest.Ask{To: "HEAD " + path}); r.Status != 200 || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("HEAD %s: %d %v", path, r.Status, r.Header)
		}
	}
	if r := s.Ask(t, httpapitest.Ask{To: "HEAD /heartbeat"}); r.Status != http.StatusMethodNotAllowed {
		t.Errorf("HEAD of a route that nobody can get: %d", r.Status)
	}
}

func TestCrossOrigin(t *testing.T) {
	s := onSQLite(t)
	for _, to := range []string{"OPTIONS /heartbeat", "OPTIONS /", "OPTIONS //events", "OPTIONS /get/a", "OPTIONS /nothing"} {
		r := s.Ask(t, httpapitest.Ask{To: to, Password: httpapitest.None, Header: []string{
			"Origin: https://pages.example.org", "Access-Control-Request-Method: DELETE",
			"Access-Control-Request-Headers: password,content-type,x-mine",
		}})
		if r.Status != 200 || r.Body != "" {
			t.Errorf("%s: %d %q", to, r.Status, r.Body)
		}
		same(t, to+": origin", r.Header.Get("Access-Control-Allow-Origin"), "*")
		same(t, to+": headers", r.Header.Get("Access-Control-Allow-Headers"), "password,content-type,x-mine")
		for _, method := range []string{"GET", "POST", "DELETE"} {
			if !strings.Contains(r.Header.Get("Access-Control-Allow-Methods"), method) {
				t.Errorf("%s: methods %q", to, r.Header.Get("Access-Control-Allow-Methods"))
			}
		}
	}
	r := s.Ask(t, httpapitest.Ask{To: "OPTIONS /heartbeat", Header: []string{"Access-Control-Request-Method: POST"}})
	for _, name := range []string{"password", "content-type"} {
		if !strings.Contains(r.Header.Get("Access-Control-Allow-Headers"), name) {
			t.Errorf("headers %q lack %s", r.Header.Get("Access-Control-Allow-Headers"), name)
		}
	}
	for _, a := range []httpapitest.Ask{
		{To: "GET /hello"},
		{To: "GET /hello", Password: "wrong"},
		{To: "POST /heartbeat", Body: "{"},
		{To: "POST /event"},
		{To: "GET /heartbeat/nobody"},
		{To: "GET /nothing"},
		{To: "PUT /event"},
		{To: "OPTIONS /event"},
		{To: "HEAD /events"},
	} {
		a.Header = []string{"Origin: https://pages.example.org"}
		if r := s.Ask(t, a); r.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %v", a.To, r.Header)
		}
	}
}

func TestRootAnswersClientsAndBrowsers(t *testing.T) {
	s := onSQLite(t)
	const (
		browser = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
		java    = "Accept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
	)
	for name, c := range map[string]struct {
		ask      httpapitest.Ask
		status   int
		body     string
		location string
	}{
		"a client":           {httpapitest.Ask{}, 200, `{"heartBeats":[],"result":200}`, ""},
		"Java":               {httpapitest.Ask{Header: []string{java}}, 200, `{"heartBeats":[],"result":200}`, ""},
		"Java, wrong":        {httpapitest.Ask{Header: []string{java}, Password: "wrong"}, 200, `{"result":403}`, ""},
		"Java, empty":        {httpapitest.Ask{Header: []string{java, "password: "}, Password: httpapitest.None}, 200, `{"result":403}`, ""},
		"a browser":          {httpapitest.Ask{Header: []string{browser}, Password: httpapitest.None}, 302, "", "/gui/"},
		"bare curl":          {httpapitest.Ask{Header: []string{"Accept: */*"}, Password: httpapitest.None}, 200, `{"result":403}`, ""},
		"nothing":            {httpapitest.Ask{Password: httpapitest.None}, 200, `{"result":403}`, ""},
		"a token":            {httpapitest.Ask{Header: []string{browser, "Authorization: Bearer x"}, Password: httpapitest.None}, 200, `{"result":403}`, ""},
		"two lines of types": {httpapitest.Ask{Header: []string{"Accept: image/png", "Accept: text/html"}, Password: httpapitest.None}, 302, "", "/gui/"},
	} {
		t.Run(name, func(t *testing.T) {
			c.ask.To = "GET /"
			r := s.Ask(t, c.ask)
			same(t, "status", r.Status, c.status)
			same(t, "location", r.Header.Get("Location"), c.location)
			if c.body != "" {
				same(t, "body", strings.TrimSpace(r.Body), c.body)
			}
		})
	}
}
