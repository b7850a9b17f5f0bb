package client_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answering starts a server with one handler and gives a client of it.
func answering(t *testing.T, h http.HandlerFunc, change ...func(*client.Options)) *client.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o := client.Options{URL: server.URL, Token: "wk_token", UserAgent: "test/1"}
	for _, f := range change {
		f(&o)
	}
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// asked is what a server saw of a request.
type asked struct{ Request, Body string }

const someService = `{"id":"0194b9c2-7d3e-7c41-9a55-2f1c6e0d8b17","name":"nightly","state":"down","next_in":60,"last_pulse":"2026-01-31T08:00:00.000Z"}`

func TestEveryMethodAsksForItsRoute(t *testing.T) {
	warning, nextIn := api.LevelWarning, api.Seconds(60)
	named := "a b/c?d%e"
	tests := map[string]struct {
		ask    func(context.Context, *client.Client) (any, error)
		want   asked
		answer string
		status int
		gives  any
	}{
		"services": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				return c.Services(client.ServiceFilter{
					States: []api.State{api.StateDown, api.StateLate}, Tags: []string{"db"}, Host: "h", Slug: "s", Search: "n&m", Sort: "-deadline",
				}).Page(ctx, client.Paging{Limit: 5, Cursor: "xyz"})
			},
			want:   asked{Request: "GET /api/v1/services?cursor=xyz&host=h&limit=5&q=n%26m&slug=s&sort=-deadline&state=down&state=late&tag=db"},
			answer: `{"items":[],"next":"more"}`, gives: api.Page[api.ServiceView]{Items: []api.ServiceView{}, Next: "more"},
		},
		"service": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				s, err := c.Service(ctx, named)
				return s.Name, err
			},
			want:   asked{Request: "GET /api/v1/services/a%20b%2Fc%3Fd%25e"},
			answer: someService, gives: "nightly",
		},
		"service of two dots": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				s, err := c.Service(ctx, "..")
				return s.State, err
			},
			want:   asked{Request: "GET /api/v1/services/%2E%2E"},
			answer: someService, gives: api.StateDown,
		},
		"create service": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				s, err := c.CreateService(ctx, api.ServiceInput{Name: &named, NextIn: &nextIn})
				return s.LastPulse.String(), err
			},
			want:   asked{"POST /api/v1/services", `{"name":"a b/c?d%e","next_in":60}`},
			answer: someService, status: 201, gives: "2026-01-31T08:00:00.000Z",
		},
		"put service": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				_, made, err := c.PutService(ctx, named, api.ServiceInput{NextIn: &nextIn})
				return made, err
			},
			want:   asked{"PUT /api/v1/services/by-name/a%20b%2Fc%3Fd%25e", `{"next_in":60}`},
			answer: someService, status: 201, gives: true,
		},
		"put service again": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				_, made, err := c.PutService(ctx, "x", api.ServiceInput{})
				return made, err
			},
			want:   asked{"PUT /api/v1/services/by-name/x", `{}`},
			answer: someService, gives: false,
		},
		"patch service": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				s, err := c.PatchService(ctx, "x", api.ServiceInput{NextIn: &nextIn})
				return s.NextIn, err
			},
			want:   asked{"PATCH /api/v1/services/x", `{"next_in":60}`},
			answer: someService, gives: nextIn,
		},
		"delete service": {
			ask:    func(ctx context.Context, c *client.Client) (any, error) { return nil, c.DeleteService(ctx, "x") },
			want:   asked{Request: "DELETE /api/v1/services/x"},
			status: 204,
		},
		"pause service": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				s, err := c.PauseService(ctx, "x")
				return s.Name, err
			},
			want:   asked{Request: "POST /api/v1/services/x/pause"},
			answer: someService, gives: "nightly",
		},
		"resume service": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				s, err := c.ResumeService(ctx, "x")
				return s.Name, err
			},
			want:   asked{Request: "POST /api/v1/services/x/resume"},
			answer: someService, gives: "nightly",
		},
		"send pulse": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				a, err := c.SendPulse(ctx, "x", api.PulseInput{Kind: api.PulseFail})
				return a.State, err
			},
			want:   asked{"POST /api/v1/services/x/pulses", `{"kind":"fail"}`},
			answer: `{"service":"x","state":"down"}`, gives: api.StateDown,
		},
		"pulses": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				return c.Pulses("x").Page(ctx, client.Paging{})
			},
			want:   asked{Request: "GET /api/v1/services/x/pulses"},
			answer: `{"items":[{"id":7,"kind":"log","body":"aGk="}]}`,
			gives:  api.Page[api.PulseRecord]{Items: []api.PulseRecord{{ID: 7, Kind: api.PulseLog, Body: []byte("hi")}}},
		},
		"changes": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				return c.Changes("x").Page(ctx, client.Paging{})
			},
			want:   asked{Request: "GET /api/v1/services/x/flips"},
			answer: `{"items":[{"id":7,"to":"down"}]}`, gives: api.Page[api.Change]{Items: []api.Change{{ID: 7, To: api.StateDown}}},
		},
		"events": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				return c.Events(client.EventFilter{
					Service: "x", ServiceRE: "^x", Message: "m", MessageRE: "a+b", Level: &warning, From: 1000, To: 1_769_846_400_000,
				}).Page(ctx, client.Paging{})
			},
			want: asked{Request: "GET /api/v1/events?from=1970-01-01T00%3A00%3A01.000Z&level=2&message=m&message_re=a%2Bb&service=x" +
				"&service_re=%5Ex&to=2026-01-31T08%3A00%3A00.000Z"},
			answer: `{"items":[]}`, gives: api.Page[api.Event]{Items: []api.Event{}},
		},
		"add events": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				return c.AddEvents(ctx, []api.EventInput{{Service: "x", Message: "m", Level: warning}}, "abc-1")
			},
			want:   asked{"POST /api/v1/events Watchkeeper-Sequence: abc-1", `[{"service":"x","message":"m","level":2}]`},
			answer: `{"ids":[7]}`, status: 201, gives: api.EventsAnswer{IDs: []int64{7}},
		},
		"incidents": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				return c.Incidents(client.IncidentFilter{State: api.IncidentOpen, SubjectKind: api.SubjectService, Subject: "x"}).Page(ctx, client.Paging{})
			},
			want:   asked{Request: "GET /api/v1/incidents?state=open&subject=x&subject_kind=service"},
			answer: `{"items":[{"id":"i"}]}`, gives: api.Page[api.Incident]{Items: []api.Incident{{ID: "i"}}},
		},
		"incident": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				i, err := c.Incident(ctx, "i")
				return i.State, err
			},
			want:   asked{Request: "GET /api/v1/incidents/i"},
			answer: `{"id":"i","state":"open"}`, gives: api.IncidentOpen,
		},
		"deliveries": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				return c.Deliveries(client.DeliveryFilter{State: api.DeliveryFailed, Incident: "i", Channel: "mail"}).Page(ctx, client.Paging{})
			},
			want:   asked{Request: "GET /api/v1/deliveries?channel=mail&incident=i&state=failed"},
			answer: `{"items":[]}`, gives: api.Page[api.Delivery]{Items: []api.Delivery{}},
		},
		"retry delivery": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				d, err := c.RetryDelivery(ctx, "d")
				return d.State, err
			},
			want:   asked{Request: "POST /api/v1/deliveries/d/retry"},
			answer: `{"id":"d","state":"waiting"}`, gives: api.DeliveryWaiting,
		},
		"channels": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				return c.Channels().Page(ctx, client.Paging{})
			},
			want:   asked{Request: "GET /api/v1/channels"},
			answer: `{"items":[{"name":"ops"}]}`, gives: api.Page[api.Channel]{Items: []api.Channel{{Name: "ops"}}},
		},
		"channel": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				ch, err := c.Channel(ctx, "ops")
				return ch.Name, err
			},
			want:   asked{Request: "GET /api/v1/channels/ops"},
			answer: `{"name":"ops"}`, gives: "ops",
		},
		"create channel": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				ch, err := c.CreateChannel(ctx, api.ChannelInput{Name: "ops", Kind: api.ChannelMail, Settings: map[string]string{"to": "a@b"}})
				return ch.Kind, err
			},
			want:   asked{"POST /api/v1/channels", `{"name":"ops","kind":"mail","settings":{"to":"a@b"}}`},
			answer: `{"name":"ops","kind":"mail"}`, status: 201, gives: api.ChannelMail,
		},
		"put channel": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				ch, err := c.PutChannel(ctx, api.ChannelInput{Name: "ops", Kind: api.ChannelMail})
				return ch.Kind, err
			},
			want:   asked{"PUT /api/v1/channels/ops", `{"name":"ops","kind":"mail"}`},
			answer: `{"name":"ops","kind":"mail"}`, gives: api.ChannelMail,
		},
		"delete channel": {
			ask:    func(ctx context.Context, c *client.Client) (any, error) { return nil, c.DeleteChannel(ctx, "ops") },
			want:   asked{Request: "DELETE /api/v1/channels/ops"},
			status: 204,
		},
		"test channel": {
			ask:    func(ctx context.Context, c *client.Client) (any, error) { return c.TestChannel(ctx, "ops", "") },
			want:   asked{Request: "POST /api/v1/channels/ops/test"},
			answer: `{"ok":true,"answer":"250 queued","took":"3ms"}`, gives: api.ChannelTest{OK: true, Answer: "250 queued", Took: "3ms"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got asked
			c := answering(t, func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				got = asked{r.Method + " " + r.RequestURI, strings.TrimSpace(string(body))}
				if s := r.Header.Get("Watchkeeper-Sequence"); s != "" {
					got.Request += " Watchkeeper-Sequence: " + s
				}
				checkHeader(t, r)
				if test.status != 0 {
					w.WriteHeader(test.status)
				}
				_, _ = io.WriteString(w, test.answer)
			})
			gives, err := test.ask(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.gives, gives); diff != "" {
				t.Errorf("gives (-want +got):\n%s", diff)
			}
		})
	}
}

func checkHeader(t *testing.T, r *http.Request) {
	t.Helper()
	if got := r.Header.Get("Authorization"); got != "Bearer wk_token" {
		t.Errorf("Authorization: %q", got)
	}
	if got := r.UserAgent(); got != "test/1" {
		t.Errorf("User-Agent: %q", got)
	}
	if r.ContentLength > 0 && r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("Content-Type: %q", r.Header.Get("Content-Type"))
	}
}

func TestPasswordIsSentWhereThereIsNoToken(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("password") != "p" || r.Header.Get("Authorization") != "" {
			t.Errorf("headers %v", r.Header)
		}
		_, _ = io.WriteString(w, `{}`)
	}, func(o *client.Options) { o.Token, o.Password = "", "p" })
	if _, err := c.Service(t.Context(), "x"); err != nil {
		t.Error(err)
	}
}

func TestAnswersAreHandedOnAsTheyCame(t *testing.T) {
	const body = `{"name":"x","not_known_here":1}` + "\n"
	var raw []string
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) },
		func(o *client.Options) { o.OnAnswer = func(b []byte) { raw = append(raw, string(b)) } })
	if _, err := c.Service(t.Context(), "x"); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{body}, raw); diff != "" {
		t.Error(diff)
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	for _, address := range []string{
		"", "watch.example.org:8443", "ftp://h", "https://", "https://:8443", "https://u:p@h", "https://h?q", "https://h#f", "https://h:port", "\x00",
	} {
		if _, err := client.New(client.Options{URL: address}); err == nil {
			t.Errorf("%q is taken", address)
		}
	}
	if _, err := client.New(client.Options{URL: "https://h", CA: []byte("none")}); err == nil {
		t.Error("a CA without a certificate is taken")
	}
	c, err := client.New(client.Options{URL: "https://h:1/below/"})
	if err != nil || c.URL() != "https://h:1/below" {
		t.Errorf("%v, %v", c, err)
	}
}

func TestCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that fail on purpose
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	tests := map[string]struct {
		options client.Options
		wrong   string
	}{
		"trusted":                 {options: client.Options{CA: ca}},
		"trusted by another name": {options: client.Options{CA: ca, ServerName: "example.com"}},
		"unknown":                 {wrong: "certificate"},
		"of somebody else":        {options: client.Options{CA: ca, ServerName: "watch.example.org"}, wrong: "watch.example.org"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.options.URL = server.URL
			c, err := client.New(test.options)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, err = c.Service(t.Context(), "x")
			switch {
			case test.wrong == "" && err != nil:
				t.Error(err)
			case test.wrong != "" && (api.KindOf(err) != api.KindUnavailable || !strings.Contains(err.Error(), test.wrong)):
				t.Errorf("error %v, want one about %s", err, test.wrong)
			}
		})
	}
}

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

func TestAllPages(t *testing.T) {
	pages := map[string]string{
		"":  `{"items":[{"id":1},{"id":2}],"next":"b"}`,
		"b": `{"items":[],"next":"c"}`,
		"c": `{"items":[{"id":3}]}`,
		"x": `{"items":[{"id":4}],"next":"x"}`,
	}
	asked := 0
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.FormValue("limit") != "1000" || r.FormValue("service") != "s" {
			t.Errorf("query %s", r.URL.RawQuery)
		}
		_, _ = io.WriteString(w, pages[r.FormValue("cursor")])
	})
	var ids []int64
	for e, err := range c.Events(client.EventFilter{Service: "s"}).All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID)
	}
	if diff := cmp.Diff([]int64{1, 2, 3}, ids); diff != "" {
		t.Error(diff)
	}
	asked = 0
	for range c.Events(client.EventFilter{Service: "s"}).All(t.Context()) {
		break
	}
	if asked != 1 {
		t.Errorf("%d pages were asked for, want the one that was needed", asked)
	}
	pages["c"] = pages["x"]
	var last error
	for _, err := range c.Events(client.EventFilter{Service: "s"}).All(t.Context()) {
		last = err
	}
	if last == nil {
		t.Error("a list that goes in a circle ended well")
	}
	pages["b"] = `no JSON`
	for _, err := range c.Events(client.EventFilter{Service: "s"}).All(t.Context()) {
		last = err
	}
	if api.KindOf(last) != api.KindInternal {
		t.Errorf("error %v", last)
	}
}
