package v1_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/store/storetest"
)

const lines = "application/x-ndjson"

func (s *server) events(tb testing.TB, query string) []api.Event {
	tb.Helper()
	return into[api.Page[api.Event]](s.get(tb, "/api/v1/events?"+query).want(200)).Items
}

func TestAddEvents(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		now := api.TimeOf(storetest.Start)
		for _, c := range []struct {
			mediaType, body string
			want            []api.Event // newest first
		}{
			{"application/json", `{"service":"a","message":"m"}`, []api.Event{{Service: "a", Message: "m", Time: now}}},
			{"", `{"service":"a","message":"m","level":"Warning","time":1700000000.25}`, []api.Event{
				{Service: "a", Message: "m", Level: 2, Time: 1_700_000_000_250},
			}},
			{"application/x-www-form-urlencoded", `{"service":"a","message":"curl","level":"3","time":"2023-11-14T23:13:20+01:00"}`, []api.Event{
				{Service: "a", Message: "curl", Level: 3, Time: 1_700_000_000_000},
			}},
			{"application/json; charset=utf-8", ` [{"service":"a","message":"1"}, {"service":"b","message":"2","level":-7}] `, []api.Event{
				{Service: "b", Message: "2", Level: -7, Time: now}, {Service: "a", Message: "1", Time: now},
			}},
			{lines, "{\"service\":\"a\",\"message\":\"1\"}\n\n{\"service\":\"b\",\"message\":\"2\"}", []api.Event{
				{Service: "b", Message: "2", Time: now}, {Service: "a", Message: "1", Time: now},
			}},
			{"", `{"service":"a","message":"n\u0000l","alert":true}`, []api.Event{{Service: "a", Message: "n\uFFFDl", Alert: true, Time: now}}},
			{"", `{"service":"a","message":"` + "\xff" + `"}`, []api.Event{{Service: "a", Message: "\uFFFD", Time: now}}},
			{"", `{"service":"a","message":"later","time":"2030-01-01T00:00:00Z"}`, []api.Event{{Service: "a", Message: "later", Time: now}}},
		} {
			newest := int64(0)
			if before := s.events(t, "limit=1000"); len(before) > 0 {
				newest = slices.MaxFunc(before, func(a, b api.Event) int { return int(a.ID - b.ID) }).ID
			}
			got := into[api.EventsAnswer](s.ask(t, ask{
				method: "POST", path: "/api/v1/events", body: c.body, header: map[string]string{"Content-Type": c.mediaType},
			}).want(201))
			var stored []api.Event
			for _, e := range s.events(t, "limit=1000") {
				if e.ID > newest {
					stored = append(stored, e)
				}
			}
			for i := range c.want {
				c.want[i].ID, c.want[i].ReceivedAt, c.want[i].LevelName = got.IDs[len(c.want)-1-i], now, c.want[i].Level.Name()
			}
			if diff := cmp.Diff(c.want, stored); diff != "" {
				t.Errorf("%s: %s", c.body, diff)
			}
		}
	})
}

func TestEventsThatBreakRules(t *testing.T) {
	s := onSQLite(t)
	const good = `{"service":"a","message":"m"}`
	for _, c := range []struct {
		mediaType, body string
		kind            api.ErrorKind
		at              []string
	}{
		{"", ``, api.KindMalformed, []string{"body"}},
		{"", `{`, api.KindMalformed, []string{"body"}},
		{"", `[` + good + `,]`, api.KindMalformed, []string{"body"}},
		{"", `[]`, api.KindInvalid, []string{"body"}},
		{lines, "\n\n", api.KindInvalid, []string{"body"}},
		{"", `null`, api.KindInvalid, []string{"body.service", "body.message"}},
		{"", `7`, api.KindInvalid, []string{"body"}},
		{"", `{}`, api.KindInvalid, []string{"body.service", "body.message"}},
		{"", `{"service":"a","message":"m","level":"loud"}`, api.KindInvalid, []string{"body.level"}},
		{"", `{"service":"a","message":"m","level":[1]}`, api.KindInvalid, []string{"body.level"}},
		{"", `{"service":"a","message":"m","severity":1}`, api.KindInvalid, []string{"body.severity"}},
		{"", `{"service":"a","message":"m","time":"soon"}`, api.KindInvalid, []string{"body.time"}},
		{"", `{"service":"a\u0000","message":"m"}`, api.KindInvalid, []string{"body.service"}},
		{"", `[` + good + `,{"service":"a","message":7},` + good + `,{"service":"a","message":"m","level":"loud"}]`, api.KindInvalid, []string{"body[1].message", "body[3].level"}},
		{"", `[` + good + `,{"service":"a"},null]`, api.KindInvalid, []string{"body[1].message", "body[2].service", "body[2].message"}},
		{lines, good + "\n{\"service\":\"\",\"message\":\"m\"}", api.KindInvalid, []string{"body[1].service"}},
		{lines, "{\"service\":\"\",\"message\":\"m\"}", api.KindInvalid, []string{"body[0].service"}},
		{lines, good + "\n{", api.KindMalformed, []string{"body[1]"}},
		{"", `{"service":"a","message":"` + strings.Repeat("x", api.MaxEventMessage+1) + `"}`, api.KindInvalid, []string{"body.message"}},
		{"", `[` + strings.Repeat(good+",", 1000) + good + `]`, api.KindTooLarge, nil},
		{lines, strings.Repeat(good+"\n", 1001), api.KindTooLarge, nil},
		{"", strings.Repeat(`{"service":`, 40) + `1` + strings.Repeat(`}`, 40), api.KindMalformed, []string{"body"}},
		{"text/plain", good, api.KindMediaType, nil},
		{"application/xml", good, api.KindMediaType, nil},
	} {
		r := s.ask(t, ask{method: "POST", path: "/api/v1/events", body: c.body, header: map[string]string{"Content-Type": c.mediaType}})
		if r.status != c.kind.Status() {
			t.Errorf("%s %.60s: %d %.300s", c.mediaType, c.body, r.status, r.body)
			continue
		}
		if at := r.refused(c.kind); c.at != nil && !slices.Equal(at, c.at) {
			t.Errorf("%s %.60s: places %v, want %v", c.mediaType, c.body, at, c.at)
		}
	}
	if got := s.events(t, ""); len(got) != 0 {
		t.Errorf("stored of refused batches: %v", got)
	}
}

func TestLargestBatch(t *testing.T) {
	s := onSQLite(t)
	body := "[" + strings.TrimSuffix(strings.Repeat(`{"service":"a","message":"m"},`, 1000), ",") + "]"
	if got := into[api.EventsAnswer](s.post(t, "/api/v1/events", body).want(201)); len(got.IDs) != 1000 {
		t.Errorf("%d ids", len(got.IDs))
	}
}

func TestCompressedEvents(t *testing.T) {
	s := onSQLite(t)
	zip := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(text))
		_ = w.Close()
		return b.String()
	}
	send := func(body string) *reply {
		return s.ask(t, ask{method: "POST", path: "/api/v1/events", body: body, header: map[string]string{"Content-Encoding": "gzip"}})
	}
	send(zip(`{"service":"a","message":"m"}`)).want(201)
	send(zip(`{"service":"a","message":"` + strings.Repeat("x", 17<<20) + `"}`)).refused(api.KindTooLarge)
	send("not gzip").refused(api.KindMalformed)
}

func TestSequenceNumbers(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		token := s.token(t, api.ScopeEvent, "a*")
		send := func(token, number, body string) *reply {
			return s.ask(t, ask{
				method: "POST", path: "/api/v1/events", body: body, token: token,
				header: map[string]string{api.HeaderSequence: number},
			})
		}
		const good, bad, strange = `{"service":"a","message":"m"}`, `{"service":"a"}`, `{"service":"b","message":"m"}`
		send("", "s1-1", good).want(201)
		if r := send("", "s1-1", good).want(200); r.body != "{\"repeated\":true}\n" {
			t.Errorf("repeated: %s", r.body)
		}
		send("", "s1-2", good).want(201)
		send("", "s2-1", good).want(201)
		send(token, "s1-1", good).want(201) // another sender
		// Refused for its content, and so had: the sender is to go on.
		for i, body := range []string{bad, `{`, strings.Repeat("[", 100)} {
			number := fmt.Sprintf("s3-%d", i)
			if r := send("", number, body); r.status < 400 || r.status >= 500 {
				t.Errorf("%s: %d", body, r.status)
			}
			send("", number, good).want(200)
			send("", number, bad).want(200)
		}
		send(token, "s4-1", strange).refused(api.KindForbidden)
		send(token, "s4-1", good).want(200)
		// Refused for the number itself, and so not had.
		for _, number := range []string{"x", "-1", "s-", "s-x", "s!-1", strings.Repeat("s", 65) + "-1", "s-99999999999999999999"} {
			if at := send("", number, good).refused(api.KindInvalid); !slices.Equal(at, []string{"header." + api.HeaderSequence}) {
				t.Errorf("%s: %v", number, at)
			}
		}
		send("none", "s9-1", good).refused(api.KindUnauthorized)
		send("", "s9-1", good).want(201)
		if got := len(s.events(t, "")); got != 5 {
			t.Errorf("%d events", got)
		}
	})
}

func TestListEvents(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		for i := range 9 {
			s.post(t, "/api/v1/events", fmt.Sprintf(
				`{"service":"s%d","message":"Line\n%d of %s","level":%d,"time":%d}`, i%2, i, strings.Repeat("x", i), i%4, 1000+i/2)).want(201)
		}
		for query, want := range map[string]string{
			"":                            "876543210",
			"service=s1":                  "7531",
			"service=S1":                  "",
			"service_re=^S[1-9]$":         "7531",
			"message=LINE%0A3":            "3",
			"message_re=line.[25]":        "52",
			"level=2":                     "7632",
			"level=warning":               "7632",
			"level=ERROR&service=s1":      "73",
			"from=1002":                   "87654",
			"from=1002&to=1002":           "54",
			"to=1970-01-01T00:16:41Z":     "3210",
			"from=1970-01-01T00:16:43.5Z": "8",
			"message_re=xxx$&level=1":     "7653",
		} {
			for _, limit := range []int{1, 2, 4, 9, 100} {
				var got string
				eachPage(t, s, fmt.Sprintf("/api/v1/events?limit=%d&%s", limit, strings.ReplaceAll(query, "^", "%5E")), func(e api.Event) {
					got += e.Message[5:6]
				})
				if got != want {
					t.Errorf("%s by %d: %s, want %s", query, limit, got, want)
				}
			}
		}
	})
}

func FuzzEventsBody(f *testing.F) {
	for _, seed := range []string{
		`{"service":"a","message":"m","level":"warn","time":1,"alert":false}`, `[{"service":"a","message":"m"}]`, `[]`, ``, `[[`,
		"{\"service\":\"a\",\"message\":\"m\"}\n{}", `{"service":"\ud800","message":"\u0000"}`, "\ufeff[1]", `null`,
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	s := onSQLite(f)
	f.Fuzz(func(t *testing.T, body []byte, asLines bool) {
		r := httptest.NewRequest("POST", "/api/v1/events", bytes.NewReader(body))
		r.Header.Set("password", password)
		if asLines {
			r.Header.Set("Content-Type", lines)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		switch w.Code {
		case http.StatusCreated:
			if got := into[api.EventsAnswer](&reply{tb: t, body: w.Body.String()}); len(got.IDs) == 0 {
				t.Fatalf("%q: nothing stored", body)
			}
		case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
			if w.Header().Get("Content-Type") != api.ProblemMediaType {
				t.Fatalf("%q: %s", body, w.Body)
			}
		default:
			t.Fatalf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}

func FuzzListParameters(f *testing.F) {
	for _, seed := range []string{"level=2&from=1", "service_re=(a|b)*", "cursor=eyJnIjozfQ", "limit=1&message=%ff", "to=1e400", "q=;"} {
		f.Add(seed)
	}
	s := onSQLite(f)
	s.post(f, "/api/v1/events", `{"service":"a","message":"m","time":`+fmt.Sprint(time.Now().Unix())+`}`).want(201)
	s.post(f, "/api/v1/services", `{"name":"a","next_in":60}`).want(201)
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/api/v1/events", "/api/v1/services", "/api/v1/services/a/pulses"} {
			u, err := url.ParseRequestURI(path + "?" + strings.ReplaceAll(query, "#", ""))
			if err != nil || strings.ContainsAny(query, " \x7f") {
				return
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.URL = u
			r.Header.Set("password", password)
			w := httptest.NewRecorder()
			if s.ServeHTTP(w, r); w.Code != 200 && w.Code != 400 && w.Code != 410 && w.Code != 422 {
				t.Fatalf("%s?%q: %d %s", path, query, w.Code, w.Body)
			}
		}
	})
}
