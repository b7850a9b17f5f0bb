package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/dial"
)

func TestPermanent(t *testing.T) {
	for _, test := range []struct {
		err      error
		attempts int
		want     bool
	}{
		{nil, 1, false},
		{errors.New("of another kind"), 100, false},
		{Fail(Persist, "busy", nil), 1000, false},
		{Fail(GiveUp, "no such user", nil), 1, true},
		{Fail(TryFew, "wrong password", nil), FewAttempts - 1, false},
		{Fail(TryFew, "wrong password", nil), FewAttempts, true},
		{fmt.Errorf("sending: %w", Fail(GiveUp, "no", nil)), 1, true},
	} {
		if got := Permanent(test.err, test.attempts); got != test.want {
			t.Errorf("Permanent(%v, %d) = %v, want %v", test.err, test.attempts, got, test.want)
		}
	}
}

func TestFailureIsOneShortLine(t *testing.T) {
	f := Fail(Persist, "550 no\r\nsuch user\x00 "+strings.Repeat("ä", 2000), io.EOF)
	if n := len([]rune(f.Error())); n != MaxAnswer || strings.ContainsAny(f.Error(), "\r\n\x00") {
		t.Errorf("%d characters: %q", n, f.Error())
	}
	if !errors.Is(f, io.EOF) {
		t.Error("the cause is lost")
	}
}

func TestStatusOfResponse(t *testing.T) {
	now := api.TimeOf(time.Date(2026, 7, 30, 12, 0, 0, 0, time.UTC))
	for _, test := range []struct {
		status int
		after  string
		want   Persistence
		wait   time.Duration
	}{
		{301, "", TryFew, 0},
		{400, "", GiveUp, 0},
		{401, "60", GiveUp, 0},
		{404, "", GiveUp, 0},
		{408, "", Persist, 0},
		{410, "", GiveUp, 0},
		{425, "", Persist, 0},
		{429, "120", Persist, 2 * time.Minute},
		{500, "", Persist, 0},
		{503, "Thu, 30 Jul 2026 12:01:00 GMT", Persist, time.Minute},
		{503, "Thu, 30 Jul 2026 11:00:00 GMT", Persist, 0},
		{503, "Fri, 31 Dec 9999 23:59:59 GMT", Persist, maxRetryAfter},
		{503, "9223372036854775807", Persist, maxRetryAfter},
		{503, "-5", Persist, 0},
		{503, "soon", Persist, 0},
	} {
		r := Response{Status: test.status, Header: http.Header{"Retry-After": {test.after}}}
		f := r.Failure(now, nil)
		if f.Persistence != test.want || RetryAfter(f) != test.wait {
			t.Errorf("%d, Retry-After %q: %s after %v, want %s after %v",
				test.status, test.after, f.Persistence, f.RetryAfter, test.want, test.wait)
		}
	}
}

// Each trouble is made for real, as libraries wrap them in more ways than one would think of.
func TestConnectionsThatFail(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secured := secureServer(t)
	closed := closedPort(t)
	rude, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rude.Close() }()
	go func() {
		for {
			conn, err := rude.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1)) // it has heard the request, at least its beginning
			_ = conn.Close()
		}
	}()
	dialer := dial.New(dial.AllowPrivate)
	defer dialer.Transport().CloseIdleConnections()
	ended, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for name, test := range map[string]struct {
		ctx         context.Context
		url         string
		persistence Persistence
		text        string
	}{
		"refused by policy": {t.Context(), "http://169.254.169.254/latest?token=hunter2", GiveUp, "is not allowed"},
		"nobody listens":    {t.Context(), "http://" + closed + "/hunter2", Persist, "connection refused by " + closed},
		"no TLS":            {t.Context(), strings.Replace(plain.URL, "http:", "https:", 1) + "/hunter2", Persist, "does not speak TLS"},
		"unknown authority": {t.Context(), secured.URL + "/hunter2", Persist, "authority that this machine does not know"},
		"hangs up":          {t.Context(), "http://" + rude.Addr().String() + "/hunter2", Persist, "closed before the answer"},
		"too late":          {ended, plain.URL + "/hunter2", Persist, "no answer in time"},
		"server stops":      {stopped, plain.URL + "/hunter2", Persist, "because the server stops"},
		"no URL":            {t.Context(), "http://[::1/hunter2", GiveUp, "not a URL"},
		"no name":           {t.Context(), "http://name.invalid/hunter2", Persist, "name.invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Post{URL: test.url, Body: []byte("x")}.Do(test.ctx, dialer.Client(5*time.Second))
			var f *Failure
			if !errors.As(err, &f) {
				t.Fatalf("error %v is no failure", err)
			}
			if f.Persistence != test.persistence || !strings.Contains(f.Error(), test.text) {
				t.Errorf("%s: %q, want %s: ...%s...", f.Persistence, f, test.persistence, test.text)
			}
			if strings.Contains(f.Error(), "hunter2") {
				t.Errorf("%q shows the URL", f)
			}
		})
	}
}

func TestCertificateForAnotherName(t *testing.T) {
	secured := secureServer(t)
	config := secured.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.ServerName = "other.example.org"
	conn, err := tls.Dial("tcp", secured.Listener.Addr().String(), config)
	if err == nil {
		_ = conn.Close()
		t.Fatal("the certificate was taken")
	}
	if f := FailConnection(err); !strings.Contains(f.Error(), "not trusted") || !strings.Contains(f.Error(), "other.example.org") {
		t.Errorf("failure %q", f)
	}
}

// A peer that says no end of things costs a bounded amount of memory.
func TestAnswerIsReadUpToALimit(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	dialer := dial.New(dial.AllowPrivate)
	defer dialer.Transport().CloseIdleConnections()
	r, err := Post{URL: server.URL}.Do(t.Context(), dialer.Client(10*time.Second))
	if err != nil || len(r.Body) != maxAnswerBody || !r.OK() {
		t.Errorf("%d bytes, %v", len(r.Body), err)
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// secureServer has a certificate of its own and keeps quiet about those who do not trust it.
func secureServer(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}
