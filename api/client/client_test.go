package client_test

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
		"run probe": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				r, err := c.RunProbe(ctx, "x")
				return r.Detail, err
			},
			want:   asked{Request: "POST /api/v1/services/x/probe"},
			answer: `{"at":"2026-03-01T12:00:00.000Z","ok":false,"reason":"refused","detail":"the connection was refused","duration":0.001}`,
			gives:  "the connection was refused",
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
		"delivery": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				d, err := c.Delivery(ctx, "d")
				return d.ID, err
			},
			want:   asked{Request: "GET /api/v1/deliveries/d"},
			answer: `{"id":"d"}`, gives: "d",
		},
		"status": {
			ask: func(ctx context.Context, c *client.Client) (any, error) {
				s, err := c.Status(ctx)
				return s.Services.Down, err
			},
			want:   asked{Request: "GET /api/v1/status"},
			answer: `{"ok":false,"services":{"down":3}}`, gives: int64(3),
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
