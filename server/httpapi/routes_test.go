package httpapi_test

import (
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"watchkeeper/api"
	"watchkeeper/gui"
	"watchkeeper/server/httpapi/httpapitest"
)

func TestUnknownRoutesAreProblems(t *testing.T) {
	s := httpapitest.SQLite(t, httpapitest.Options{})
	for to, want := range map[string]struct {
		status int
		allow  string
	}{
		"GET /nothing":            {404, ""},
		"POST /nothing":           {404, ""},
		"BREW /nothing":           {404, ""},
		"GET /api":                {404, ""},
		"GET /api/v1":             {404, ""},
		"GET /api/v2/services":    {404, ""},
		"GET /ping":               {404, ""},
		"GET /guidance":           {404, ""},
		"GET /healthz/":           {404, ""},
		"GET /%2e%2e/etc/passwd":  {404, ""},
		"GET /..%2fetc":           {404, ""},
		"POST /metrics":           {405, "GET, HEAD, OPTIONS"},
		"PUT /ca.pem":             {405, "GET"},
		"DELETE /gui":             {405, "GET"},
		"POST /gui/page.css":      {405, "GET"},
		"DELETE /api/v1/services": {405, "POST"},
		"BREW /api/v1/services":   {405, "GET"},
	} {
		r := s.Ask(t, httpapitest.Ask{To: to})
		var p api.Problem
		if err := json.Unmarshal([]byte(r.Body), &p); err != nil {
			t.Errorf("%s: %v: %s", to, err, r.Body)
		}
		same(t, to, []any{r.Status, p.Status, r.Header.Get("Content-Type")}, []any{want.status, want.status, api.ProblemMediaType})
		if !strings.Contains(r.Header.Get("Allow"), want.allow) || p.RequestID == "" || r.Header.Get("X-Request-Id") != p.RequestID {
			t.Errorf("%s: %v %+v", to, r.Header, p)
		}
		same(t, to+": pages", r.Header.Get("Access-Control-Allow-Origin"), "*")
	}
}

func TestOwnMetricsNeedRead(t *testing.T) {
	s := httpapitest.SQLite(t, httpapitest.Options{})
	basic := func(password string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("prometheus:"+password))
	}
	for name, c := range map[string]struct {
		ask    httpapitest.Ask
		status int
	}{
		"nothing":       {httpapitest.Ask{Password: httpapitest.None}, 401},
		"wrong":         {httpapitest.Ask{Password: "wrong"}, 401},
		"password":      {httpapitest.Ask{}, 200},
		"too little":    {httpapitest.Ask{Password: s.Token(t, api.ScopePulse, "")}, 403},
		"read":          {httpapitest.Ask{Password: s.Token(t, api.ScopeRead, "")}, 200},
		"operate":       {httpapitest.Ask{Password: s.Token(t, api.ScopeOperate, "")}, 200},
		"bearer":        {httpapitest.Ask{Password: httpapitest.None, Header: []string{"Authorization: Bearer " + s.Token(t, api.ScopeRead, "")}}, 200},
		"basic":         {httpapitest.Ask{Password: httpapitest.None, Header: []string{basic(s.Token(t, api.ScopeRead, ""))}}, 200},
		"basic, secret": {httpapitest.Ask{Password: httpapitest.None, Header: []string{basic(httpapitest.Password)}}, 200},
		"basic, wrong":  {httpapitest.Ask{Password: httpapitest.None, Header: []string{basic("x")}}, 401},
	} {
		c.ask.To = "GET /metrics"
		r := s.Ask(t, c.ask)
		same(t, name, []any{r.Status, strings.Contains(r.Body, "own_metric")}, []any{c.status, c.status == 200})
		if (r.Status == 401) != (r.Header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: %d with WWW-Authenticate %q", name, r.Status, r.Header.Get("WWW-Authenticate"))
		}
	}
}

// Whoever guesses is told to wait. Whoever knows, even at the same address, is not.
func TestGuessesAreThrottled(t *testing.T) {
	s := httpapitest.SQLite(t, httpapitest.Options{})
	token := s.Token(t, api.ScopeRead, "")
	statuses := map[int]int{}
	for range 30 {
		r := s.Ask(t, httpapitest.Ask{To: "GET /metrics", Password: "wrong"})
		statuses[r.Status]++
		if (r.Status == 429) != (r.Header.Get("Retry-After") != "") {
			t.Fatalf("%d with Retry-After %q", r.Status, r.Header.Get("Retry-After"))
		}
		for _, right := range []string{"", token} {
			same(t, "right", s.Ask(t, httpapitest.Ask{To: "GET /metrics", Password: right}).Status, 200)
		}
	}
	same(t, "guesses", statuses, map[int]int{401: 10, 429: 20})
	same(t, "no guess", s.Ask(t, httpapitest.Ask{To: "GET /metrics", Password: httpapitest.None}).Status, 401)
}

func TestCertificate(t *testing.T) {
	none := httpapitest.SQLite(t, httpapitest.Options{})
	same(t, "none", none.Ask(t, httpapitest.Ask{To: "GET /ca.pem", Password: httpapitest.None}).Status, 404)
	s := httpapitest.SQLite(t, httpapitest.Options{CA: func() []byte { return []byte("PEM") }})
	r := s.Ask(t, httpapitest.Ask{To: "GET /ca.pem", Password: httpapitest.None})
	same(t, "answer", []any{r.Status, r.Body, r.Header.Get("Content-Type")}, []any{200, "PEM", "application/x-pem-file"})
}

func TestPages(t *testing.T) {
	s := httpapitest.SQLite(t, httpapitest.Options{})
	index, err := fs.ReadFile(gui.Files(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	style, err := fs.ReadFile(gui.Files(), "page.css")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		status      int
		body, cache string
	}{
		"/gui/":                  {200, string(index), "no-cache"},
		"/gui/app":               {200, string(index), "no-cache"},
		"/gui/services/a%2Fb":    {200, string(index), "no-cache"},
		"/gui/page.css":          {200, string(style), "no-cache"},
		"/gui/page.css/":         {200, string(index), "no-cache"},
		"/gui/assets/gone-1a.js": {404, "", "no-store"},
		"/gui/assets/":           {404, "", "no-store"},
		"/gui/assets":            {200, string(index), "no-cache"},
		"//gui/":                 {200, string(index), "no-cache"},
	} {
		r := s.Ask(t, httpapitest.Ask{To: "GET " + path, Password: httpapitest.None})
		same(t, path, []any{r.Status, r.Header.Get("Cache-Control")}, []any{want.status, want.cache})
		if want.status == 200 {
			same(t, path, r.Body, want.body)
		}
		for name, part := range map[string]string{
			"Content-Security-Policy": "script-src 'self'", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer",
		} {
			if !strings.Contains(r.Header.Get(name), part) {
				t.Errorf("%s: %s is %q", path, name, r.Header.Get(name))
			}
		}
	}
	for path, want := range map[string]string{"/gui": "/gui/", "//gui": "/gui/", "/gui/index.html": "./"} {
		r := s.Ask(t, httpapitest.Ask{To: "GET " + path, Password: httpapitest.None})
		same(t, path, []any{r.Status, r.Header.Get("Location")}, []any{301, want})
	}
	for _, path := range []string{"/gui/../../etc/passwd", "/gui/..%2f..%2fetc%2fpasswd"} {
		if r := s.Ask(t, httpapitest.Ask{To: "GET " + path, Password: httpapitest.None}); r.Status == 200 && r.Body != string(index) {
			t.Errorf("%s: %s", path, r.Body)
		}
	}
}

// Everything that the page names is served.
func TestPageIsComplete(t *testing.T) {
	s := httpapitest.SQLite(t, httpapitest.Options{})
	err := fs.WalkDir(gui.Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == "index.html" {
			return err
		}
		same(t, path, s.Ask(t, httpapitest.Ask{To: "GET /gui/" + path, Password: httpapitest.None}).Status, 200)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestHeadWhereverGetIs(t *testing.T) {
	s := httpapitest.SQLite(t, httpapitest.Options{CA: func() []byte { return []byte("PEM") }})
	for _, path := range []string{
		"/healthz", "/ca.pem", "/gui/", "/gui/page.css", "/metrics", "/openapi.json", "/api/v1/services", "/api/v1/events", "/hello", "/",
	} {
		get, head := s.Ask(t, httpapitest.Ask{To: "GET " + path}), s.Ask(t, httpapitest.Ask{To: "HEAD " + path})
		same(t, path, []any{head.Status, head.Header.Get("Content-Type")}, []any{get.Status, get.Header.Get("Content-Type")})
	}
	same(t, "nothing", s.Ask(t, httpapitest.Ask{To: "HEAD /nothing"}).Status, 404)
	same(t, "no GET", s.Ask(t, httpapitest.Ask{To: "HEAD /event"}).Status, 405)
}

func TestPreflightsAreAnsweredEverywhere(t *testing.T) {
	s := httpapitest.SQLite(t, httpapitest.Options{})
	for _, path := range []string{"/heartbeat", "/api/v1/services", "/ping/x", "/metrics", "/nothing", "/gui/"} {
		r := s.Ask(t, httpapitest.Ask{To: "OPTIONS " + path, Password: httpapitest.None, Header: []string{
			"Origin: null", "Access-Control-Request-Method: DELETE", "Access-Control-Request-Headers: password",
		}})
		same(t, path, []any{r.Status, r.Header.Get("Access-Control-Allow-Headers"), r.Header.Get("Access-Control-Allow-Credentials")},
			[]any{200, "password", ""})
	}
}

// TestHeadOfTheStream asks for the head of an answer that has no end.
func TestHeadOfTheStream(t *testing.T) {
	s := httpapitest.SQLite(t, httpapitest.Options{})
	r := s.Ask(t, httpapitest.Ask{To: "HEAD /api/v1/events/stream"})
	same(t, "answer", []any{r.Status, r.Header.Get("Content-Type"), r.Body}, []any{200, "text/event-stream", ""})
	r = s.Ask(t, httpapitest.Ask{To: "HEAD /api/v1/events/stream", Password: "wrong"})
	same(t, "without a credential", []any{r.Status, r.Body}, []any{401, ""})
}
