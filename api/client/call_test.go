package client_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func TestRefusals(t *testing.T) {
	refuse := func(status int, media, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", media)
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	problem := func(e *api.Error) http.HandlerFunc {
		p := api.ProblemOf(e)
		body, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		return refuse(p.Status, api.ProblemMediaType, string(body))
	}
	tests := map[string]struct {
		answer http.HandlerFunc
		kind   api.ErrorKind
		says   string
	}{
		"a field":       {problem(api.Invalid("body.next_in", "must be more")), api.KindInvalid, "validation failed: body.next_in must be more"},
		"no such thing": {problem(api.Errorf(api.KindNotFound, "there is no such service")), api.KindNotFound, "there is no such service"},
		"not now":       {problem(api.Errorf(api.KindUnavailable, "try again")), api.KindUnavailable, "try again"},
		"a proxy's":     {refuse(502, "text/html", "<html>"), api.KindUnavailable, "the server answered 502"},
		"plain text":    {refuse(400, "text/plain; charset=utf-8", "use https\x1b[31m\nmore"), api.KindMalformed, "the server answered 400: use https[31m"},
		"a redirect":    {http.RedirectHandler("https://elsewhere/", http.StatusFound).ServeHTTP, api.KindUnavailable, "only leads to https://elsewhere/"},
		"no JSON":       {refuse(200, "text/html", "<html>"), api.KindInternal, "is not that of a Watchkeeper"},
		"a cut answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"name":`)
		}, api.KindUnavailable, "cannot be reached: unexpected EOF"},
		"too much": {func(w http.ResponseWriter, _ *http.Request) {
			for range 65 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
		}, api.KindTooLarge, "larger than 64 MiB"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := answering(t, test.answer).Service(t.Context(), "x")
			if api.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.says) {
				t.Errorf("kind %q, error %v; want %q, %s", api.KindOf(err), err, test.kind, test.says)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	c, err := client.New(client.Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Service(t.Context(), "x")
	if api.KindOf(err) != api.KindUnavailable || strings.Count(err.Error(), server.URL) != 1 {
		t.Errorf("error %v, want one that names %s once", err, server.URL)
	}
}

func TestPatienceEnds(t *testing.T) {
	release := make(chan struct{})
	wait := func(http.ResponseWriter, *http.Request) { <-release }
	c := answering(t, wait, func(o *client.Options) { o.Timeout = 20 * time.Millisecond })
	t.Cleanup(func() { close(release) })
	_, err := c.Service(t.Context(), "x")
	if api.KindOf(err) != api.KindUnavailable || !strings.Contains(err.Error(), "did not answer in time") {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = c.Service(ctx, "x"); err != context.Canceled {
		t.Errorf("error %v, want that of the context", err)
	}
}
