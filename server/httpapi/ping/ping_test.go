package ping_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/httpapitest"
	"watchkeeper/server/httpapi/web"
)

const unknown = "00000000-0000-7000-8000-000000000000"

func TestAnswer(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		id := s.create(t, api.ServiceSettings{Name: "job", NextIn: 3600})
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD", "BREW", "PROPFIND"} {
			r := s.ping(t, method, id, "x")
			text := "OK"
			if method == "HEAD" {
				text = ""
			}
			same(t, method, []any{r.Status, r.Body}, []any{200, text})
			for name, want := range map[string]string{
				"Ping-Body-Limit": "10000", "Access-Control-Allow-Origin": "*", "Content-Type": "text/plain; charset=utf-8",
				"Content-Length": "2", "Cache-Control": "no-cache, no-store, must-revalidate", "Location": "", "Set-Cookie": "",
			} {
				same(t, method+" "+name, r.Header.Get(name), want)
			}
		}
		methods := []string{}
		for _, p := range s.history(t, id) {
			methods = append(methods, p.Method)
		}
		same(t, "recorded", methods, []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD", "BREW", "PROPFIND"})
		preflight := s.ping(t, "OPTIONS", id, "", "Access-Control-Request-Method: POST", "Origin: https://a.example")
		same(t, "a preflight is no ping", []any{preflight.Status, len(s.history(t, id))}, []any{200, 10})
	})
}

func TestPaths(t *testing.T) {
	s := onSQLite(t)
	id := s.create(t, api.ServiceSettings{Name: "job", Slug: "job", NextIn: 3600})
	key := s.PingKey
	const notFound, badURL = "not found", "invalid url format"
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		id:                                   {200, "OK"},
		id + "/":                             {200, "OK"},
		strings.ToUpper(id):                  {200, "OK"},
		id + "/start":                        {200, "OK"},
		id + "/log":                          {200, "OK"},
		id + "/0":                            {200, "OK"},
		id + "/fail":                         {200, "OK"},
		id + "/fail/":                        {404, notFound},
		id + "//":                            {404, notFound},
		id + "/foo":                          {404, notFound},
		id + "/Foo":                          {400, badURL},
		id + "/Fail":                         {400, badURL},
		id + "/-1":                           {404, notFound}, // a slug
		id + "/1.5":                          {404, notFound},
		id + "/start/fail":                   {404, notFound},
		strings.ReplaceAll(id, "-", ""):      {404, notFound},
		"{" + id + "}":                       {404, notFound},
		id[:35]:                              {404, notFound},
		id + "0":                             {404, notFound},
		unknown:                              {404, notFound},
		unknown + "/":                        {404, notFound},
		unknown + "/fail":                    {404, notFound},
		unknown + "/256":                     {404, notFound},
		unknown + "?rid=x":                   {404, notFound},
		unknown + "?nextIn=x":                {404, notFound},
		"":                                   {404, notFound},
		"/":                                  {404, notFound},
		key:                                  {404, notFound},
		key + "/":                            {404, notFound},
		key + "/job":                         {200, "OK"},
		key + "/job/start":                   {200, "OK"},
		key + "/job/007":                     {200, "OK"},
		key + "/job/":                        {404, notFound},
		key + "/job/foo":                     {404, notFound},
		key + "/job/start/":                  {404, notFound},
		key + "/Job":                         {400, badURL},
		"wrong/Job":                          {400, badURL},
		key + "/Job/foo":                     {404, notFound},
		key + "/nothing":                     {404, notFound},
		key + "/nothing?create=true":         {404, notFound},
		key + "/nothing?create=01":           {404, notFound},
		key + "/j%C3%B6b":                    {404, notFound},
		key + "/job%0A":                      {404, notFound},
		key + "%2Fjob":                       {200, "OK"},
		"wrong/job":                          {404, notFound},
		strings.ToUpper(key) + "/job":        {404, notFound},
		"wrong/job?create=1":                 {404, notFound},
		key + "/" + strings.Repeat("x", 100): {404, notFound},
		key + "/" + strings.Repeat("x", 101): {400, badURL + ": a slug has at most 100 characters"},
		strings.Repeat("x", 5000) + "/job":   {404, notFound},
		"%ff/%00":                            {404, notFound},
	} {
		r := s.ping(t, "GET", path, "")
		if r.Status != want.status || r.Body != want.text {
			t.Errorf("%.80s: %d %q, want %d %q", path, r.Status, r.Body, want.status, want.text)
		}
		if got := r.Header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
			t.Errorf("%.80s may be cached: %q", path, got)
		}
		same(t, path+": type", r.Header.Get("Content-Type"), "text/plain; charset=utf-8")
		same(t, path+": pages", r.Header.Get("Access-Control-Allow-Origin"), "*")
	}
	s.want(t, "/"+id, 404, "not found") // only slashes that lead the whole path do not count
	same(t, "leading", s.Ask(t, httpapitest.Ask{To: "GET //ping/" + id}).Status, 200)
	same(t, "no more", s.Ask(t, httpapitest.Ask{To: "GET /ping"}).Status, 404)
}

func TestExitStatus(t *testing.T) {
	s := onSQLite(t)
	for action, want := range map[string]struct {
		status int
		kind   api.PulseKind
		code   int
	}{
		"0": {200, api.PulseSuccess, 0}, "1": {200, api.PulseFail, 1}, "255": {200, api.PulseFail, 255},
		"007": {200, api.PulseFail, 7}, "000": {200, api.PulseSuccess, 0}, strings.Repeat("0", 100) + "9": {200, api.PulseFail, 9},
		"256": {400, "", 0}, "99999999999999999999": {400, "", 0},
	} {
		id := s.create(t, api.ServiceSettings{Name: action, NextIn: 3600})
		r := s.ping(t, "POST", id+"/"+action, "")
		same(t, action, r.Status, want.status)
		history := s.history(t, id)
		if want.status != 200 {
			same(t, action+": text", r.Body, "invalid url format")
			same(t, action+": recorded", len(history), 0)
			continue
		}
		same(t, action+": recorded", []any{history[0].Kind, *history[0].ExitCode}, []any{want.kind, want.code})
	}
}

func TestWhatIsKeptOfARequest(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		id := s.create(t, api.ServiceSettings{Name: "job", NextIn: 3600})
		body := "\x00\xff\xfe raw\r\n\x1f\x8b"
		s.ping(t, "POST", id+"/log", body, "User-Agent: "+strings.Repeat("a", 300), "Content-Encoding: gzip",
			"X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "Content-Type: application/json")
		same(t, "record", s.history(t, id), []api.PulseRecord{{
			ID: s.history(t, id)[0].ID, Kind: api.PulseLog, ReceivedAt: api.TimeOf(s.Clock.Now()), Time: api.TimeOf(s.Clock.Now()),
			Scheme: "http", Method: "POST", RemoteAddress: "192.0.2.1", UserAgent: strings.Repeat("a", 200), Body: []byte(body),
		}})
	})
}

func TestForwardedAddress(t *testing.T) {
	for name, c := range map[string]struct{ trusted, forwarded, want, scheme string }{
		"untrusted peer": {"198.51.100.0/24", "203.0.113.9", "192.0.2.1", "http"},
		"one":            {"192.0.2.0/24", "203.0.113.9", "203.0.113.9", "https"},
		"with a port":    {"192.0.2.0/24", "203.0.113.9:567", "203.0.113.9", "https"},
		"IPv6":           {"192.0.2.0/24", "2001:db8::1", "2001:db8::1", "https"},
		"mapped":         {"192.0.2.0/24", "::ffff:203.0.113.9", "203.0.113.9", "https"},
		"forged":         {"192.0.2.0/24", "10.0.0.1, 203.0.113.9", "203.0.113.9", "https"},
		"garbage":        {"192.0.2.0/24", "unknown", "", "https"},
	} {
		t.Run(name, func(t *testing.T) {
			s := server{httpapitest.SQLite(t, httpapitest.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix(c.trusted)}})}
			id := s.create(t, api.ServiceSettings{Name: "job", NextIn: 3600})
			s.ping(t, "GET", id, "", "X-Forwarded-For: "+c.forwarded, "X-Forwarded-Proto: https")
			got := s.history(t, id)[0]
			same(t, "record", []string{got.RemoteAddress, got.Scheme}, []string{c.want, c.scheme})
		})
	}
}

func TestBodyLimit(t *testing.T) {
	const most = 1 << 20
	limit := func(n int) *int { return &n }
	for name, c := range map[string]struct {
		limit        *int
		header       []string
		sent, stored int
	}{
		"default, within": {nil, []string{"10000"}, 10_000, 10_000},
		"default, beyond": {nil, []string{"10000"}, 10_001, 10_000},
		"own":             {limit(7), []string{"7"}, 100, 7},
		"unlimited":       {limit(0), nil, 200_000, 200_000},
		"not quite":       {limit(0), nil, most + 1, most},
		"too generous":    {limit(64 << 20), []string{"1048576"}, most + 1, most},
	} {
		t.Run(name, func(t *testing.T) {
			s := server{httpapitest.SQLite(t, httpapitest.Options{BodyLimit: c.limit})}
			id := s.create(t, api.ServiceSettings{Name: "job", NextIn: 3600})
			body := make([]byte, c.sent)
			_, _ = rand.Read(body)
			r := s.ping(t, "POST", id, string(body))
			same(t, "status", r.Status, 200)
			same(t, "limit", r.Header["Ping-Body-Limit"], c.header)
			if got := s.history(t, id)[0].Body; !bytes.Equal(got, body[:c.stored]) {
				t.Errorf("%d bytes are kept, want the first %d", len(got), c.stored)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// A sign of life is not refused for what it carries: of a body of any size the beginning is kept, and the rest is read on
// up to a bound.
func TestLargeBodies(t *testing.T) {
	s := onSQLite(t)
	id := s.create(t, api.ServiceSettings{Name: "job", NextIn: 3600})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	program := web.NewServer(s, web.ServerOptions{Floor: s.Floor})
	done := make(chan struct{})
	go func() { defer close(done); _ = program.Serve(listener) }()
	defer func() { _ = program.Close(); <-done }()

	for _, size := range []int{3 << 20, 20 << 20} {
		for _, length := range []int64{int64(size), -1} {
			r, err := http.NewRequest("POST", "http://server/ping/"+id, io.LimitReader(zeros{}, int64(size)))
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = length
			conn, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			written := make(chan struct{})
			go func() { defer close(written); _ = r.Write(conn) }() // which the server may cut off
			answer, err := http.ReadResponse(bufio.NewReader(conn), r)
			if err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			same(t, "status", answer.StatusCode, 200)
			_ = conn.Close()
			<-written
		}
	}
	history := s.history(t, id)
	same(t, "pings", len(history), 4)
	for _, p := range history {
		same(t, "kept", len(p.Body), 10_000)
	}
}

func TestRefusalsOfTheServersOwn(t *testing.T) {
	onEach(t, func(t *testing.T, s server) {
		id := s.create(t, api.ServiceSettings{Name: "job", NextIn: 3600})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		r := s.ping(t, "POST", id, "x")
		same(t, "status", r.Status, 503)
		same(t, "wait", r.Header.Get("Retry-After"), "1")
		same(t, "type", r.Header.Get("Content-Type"), "text/plain; charset=utf-8")
		if strings.Contains(r.Body, "closed") || r.Body == "" {
			t.Errorf("text %q", r.Body)
		}
	})
}
