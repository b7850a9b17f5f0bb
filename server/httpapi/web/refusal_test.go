package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"

	"watchkeeper/api"
)

// failing gives a handler that answers every request with the error that the test sets.
func failing(g *ground) (http.Handler, *error) {
	err := new(error)
	r := chi.NewRouter()
	fail := Handle(func(http.ResponseWriter, *http.Request) error { return *err }, Problems)
	r.Get("/a/{x}", fail)
	r.Get("/b/{x}", fail)
	r.NotFound(NotFound(Problems))
	return g.Wrap(r), err
}

// causes lists lines as "code route count".
func causes(lines []map[string]any) string {
	var list []string
	for _, l := range lines {
		list = append(list, fmt.Sprint(l["code"], " ", l["route"], " ", l["count"]))
	}
	return strings.Join(list, "; ")
}

func TestRefusalsAreOneLinePerCauseAndMinute(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	h, err := failing(g)
	ask := func(path string, times int) {
		for range times {
			answer(h, httptest.NewRequest("GET", path, nil))
		}
	}
	expect := func(step, want string) {
		t.Helper()
		if got := causes(g.lines(t)); got != want {
			t.Errorf("%s: %q, want %q", step, got, want)
		}
	}
	*err = api.Errorf(api.KindUnauthorized, "no")
	ask("/a/1", 1)
	expect("the first at once", "unauthorized /a/{x} 1")
	ask("/a/2", 500)
	expect("more in the same minute", "")
	ask("/b/1", 1)
	expect("another route", "unauthorized /b/{x} 1")
	*err = api.Errorf(api.KindInvalid, "no")
	ask("/a/1", 2)
	expect("another kind", "invalid /a/{x} 1")
	g.pass(59 * time.Second)
	ask("/a/1", 1)
	expect("still the same minute", "")
	g.pass(2 * time.Second)
	ask("/nothing", 1)
	if lines := g.lines(t); len(lines) != 3 || !strings.Contains(causes(lines), "unauthorized /a/{x} 500") ||
		!strings.Contains(causes(lines), "invalid /a/{x} 2") || !strings.Contains(causes(lines), "not_found unmatched 1") {
		t.Errorf("after the minute: %v", causes(lines))
	}
	g.pass(time.Minute)
	ask("/nothing", 1)
	expect("a quiet cause is forgotten", "not_found unmatched 1")
	*err = api.Errorf(api.KindUnauthorized, "no")
	ask("/b/1", 1)
	expect("and then new again", "unauthorized /b/{x} 1")
}

func TestCausesAreBounded(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	for i := range 10 * maxCauses {
		g.refusals.note(cause{code: "x", route: fmt.Sprint(i)}, instance{})
	}
	if n := len(g.refusals.causes); n != maxCauses+1 {
		t.Errorf("%d causes are remembered", n)
	}
	if n := len(g.lines(t)); n != maxCauses+1 {
		t.Errorf("%d lines", n)
	}
}

func TestFailuresAreBounded(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	h, err := failing(g)
	*err = errors.New("disk is on fire")
	for range 1000 {
		answer(h, httptest.NewRequest("GET", "/a/1", nil))
	}
	lines := g.lines(t)
	if len(lines) != failuresInWindow+1 || lines[0]["error"] != "disk is on fire" ||
		causes(lines[failuresInWindow:]) != "internal /a/{x} 1" {
		t.Errorf("%d lines, the last %v", len(lines), lines[len(lines)-1])
	}
	g.pass(time.Minute)
	answer(h, httptest.NewRequest("GET", "/a/1", nil))
	if lines := g.lines(t); len(lines) != 1 || lines[0]["error"] != "disk is on fire" {
		t.Errorf("a minute later: %v", lines)
	}
	g.refusals.flush(refusalWindow)
	if got := causes(g.lines(t)); got != "internal /a/{x} 939" { // 1000 without the 60 and the 1 that had lines
		t.Errorf("the rest: %q", got)
	}
}

func TestRefusalsOfAPeriodOfPeaceAreWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGround(func(o *FloorOptions) { o.Now = time.Now })
		h, err := failing(g)
		*err = api.Errorf(api.KindNotFound, "no")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- g.Run(ctx) }()
		for range 7 {
			answer(h, httptest.NewRequest("GET", "/a/1", nil))
		}
		time.Sleep(75 * time.Second)
		if got := causes(g.lines(t)); got != "not_found /a/{x} 1; not_found /a/{x} 6" {
			t.Errorf("after a minute: %q", got)
		}
		answer(h, httptest.NewRequest("GET", "/a/1", nil))
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := causes(g.lines(t)); got != "not_found /a/{x} 1" {
			t.Errorf("at the end: %q", got)
		}
	})
}

func TestLongDetailsAreCut(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	h, err := failing(g)
	*err = api.Errorf(api.KindNotFound, "%s", strings.Repeat("é", 100_000))
	answer(h, httptest.NewRequest("GET", "/a/1", nil))
	if lines := g.lines(t); len(lines) != 1 || len(fmt.Sprint(lines[0])) > 1000 {
		t.Errorf("a line of %d bytes", len(fmt.Sprint(lines)))
	}
}
