package watchtower_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"watchkeeper/server/httpapi/httpapitest"
)

const pulseBody = `{"service":"a","alertType":"mail","alertTarget":"b","nextIn":60}`

// What cannot be stored must not look stored, and is worth another try.
func TestStoreThatCannotStore(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		s.pulse(t, "a", 60)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for to, body := range map[string]string{
			"POST /": pulseBody, "POST /heartbeat": pulseBody, "DELETE /": pulseBody, "DELETE /heartbeat": pulseBody,
			"POST /event": `{"service":"a","message":"m"}`, "POST /add-event": `{"service":"a","message":"m"}`,
			"GET /heartbeats": "", "GET /get/a": "", "GET /events": "",
		} {
			method, path, _ := strings.Cut(to, " ")
			// Whoever reads does not wait for ever for a database that is gone.
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			r := httptest.NewRequest(method, path, strings.NewReader(body)).WithContext(ctx)
			r.Header.Set("password", httpapitest.Password)
			got := s.Serve(t, r)
			cancel()
			same(t, to+": status", got.Status, 503)
			same(t, to+": wait", got.Header.Get("Retry-After"), "1")
			answer := got.JSON(t)
			hint, _ := answer["hint"].(string)
			if answer["result"] != 500.0 || hint == "" || len(answer) != 2 || strings.Contains(hint, "closed") {
				t.Errorf("%s: %v", to, answer)
			}
		}
		// What is wrong with the request itself is still told, and so is a wrong password.
		same(t, "hint", s.hint(t, "POST /event", `{}`), "no service provided")
		same(t, "password", s.Ask(t, httpapitest.Ask{To: "GET /heartbeats", Password: "wrong"}).Body, refusal)
	})
}

func compressed(tb testing.TB, text string) string {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

func TestHugeDeepAndCompressedBodies(t *testing.T) {
	s := onSQLite(t)
	bomb := compressed(t, `{"service":"a","message":"`+strings.Repeat("x", 20<<20)+`"}`)
	for name, c := range map[string]struct {
		body, coding, want string
	}{
		"bomb":          {bomb, "gzip", "the body expands to more than"},
		"damaged":       {compressed(t, pulseBody)[:30], "gzip", "data is damaged"},
		"unknown":       {pulseBody, "br", "the content encoding must be gzip, zstd or none"},
		"huge":          {`{"x":"` + strings.Repeat("x", 7<<20) + `"}`, "", "the body is larger than"},
		"deep":          {`{"service":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, "", "body is nested deeper than 32"},
		"deep, no end":  {strings.Repeat(`{"a":`, 1_000_000), "", "body is nested deeper than 32"},
		"deep list":     {strings.Repeat("[", 1_000_000), "", "body is nested deeper than 32"},
		"list":          {"[" + strings.Repeat("1,", 3_000_000) + "1]", "", "no service provided"},
		"many fields":   {"{" + strings.Repeat(`"x":1,`, 1_000_000) + `"y":1}`, "", "no service provided"},
		"a long name":   {`{"service":"` + strings.Repeat("x", 1<<20) + `","message":"m","nextIn":1,"alertType":"","alertTarget":""}`, "", "service must be at most 1000 characters"},
		"a long number": {`{"service":"a","message":"m","nextIn":` + strings.Repeat("9", 1<<20) + `,"alertType":"","alertTarget":""}`, "", "nextIn must be 1 to"},
		"a long nextIn": {`{"service":"a","nextIn":"` + strings.Repeat("x", 1<<20) + `","alertType":"","alertTarget":""}`, "", "nextIn must be an integer, not " + strings.Repeat("x", 50)},
	} {
		got := s.hint(t, "POST /heartbeat", c.body, jsonType, "Content-Encoding: "+c.coding)
		if !strings.Contains(got, c.want) || len(got) > 200 {
			t.Errorf("%s: %.300q, want %q", name, got, c.want)
		}
	}
	s.done(t, "POST /heartbeat", compressed(t, pulseBody), jsonType, "Content-Encoding: gzip")
	same(t, "services", s.heartbeats(t), []string{"a"})
}

func TestHintIsOneLine(t *testing.T) {
	s := onSQLite(t)
	got := s.hint(t, "POST /heartbeat", `{"service":"a","nextIn":"one\ntwo","alertType":"","alertTarget":""}`)
	same(t, "hint", got, "nextIn must be an integer, not one////two")
}

// One bad pulse or event must not fail what others send at the same moment.
func TestBadNeighboursHarmNobody(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		done := make(chan *httpapitest.Reply)
		for i := range 40 {
			go func() {
				body := strings.ReplaceAll(pulseBody, `"a"`, `"a`+strings.Repeat("x", i)+`"`)
				if i%4 == 0 {
					body = strings.ReplaceAll(body, `"b"`, `"\u0000\ud800"`) // a target that PostgreSQL could not keep
				}
				done <- s.Ask(t, httpapitest.Ask{To: "POST /heartbeat", Body: body})
			}()
		}
		for range 40 {
			same(t, "result", (<-done).JSON(t)["result"], any(200.0))
		}
		same(t, "services", len(s.heartbeats(t)), 40)
	})
}
