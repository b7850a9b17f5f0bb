package pushover

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/alert/notify/notifytest"
	"watchkeeper/server/dial"
)

const (
	token = "azGDORePK8gMaC0QOYAMyEEuzJnyUi"
	user  = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sending(t *testing.T, p *notifytest.Pushover, settings map[string]string) notify.Channel {
	t.Helper()
	dialer := dial.New(dial.AllowPrivate)
	t.Cleanup(dialer.Transport().CloseIdleConnections)
	c, err := newChannel(notify.Options{
		Settings: settings, Dialer: dialer, Defaults: notify.Defaults{PushoverToken: token, PushoverURL: p.URL()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sample(name string) *notify.Message {
	m := notifytest.Samples()[name]
	return &m
}

func wantFailure(t *testing.T, err error, persistence notify.Persistence, text string) {
	t.Helper()
	var f *notify.Failure
	if !errors.As(err, &f) {
		t.Fatalf("error %v is no failure", err)
	}
	if f.Persistence != persistence || !strings.Contains(f.Error(), text) {
		t.Errorf("%s: %q, want %s: ...%s...", f.Persistence, f, persistence, text)
	}
	if strings.Contains(f.Error(), token) || strings.Contains(f.Error(), user) {
		t.Errorf("%q shows a key", f)
	}
}

func TestMessageAsItIsSent(t *testing.T) {
	p := notifytest.StartPushover(t)
	c := sending(t, p, map[string]string{"sound": "siren", "device": "phone,tablet"})
	receipt, err := c.Send(t.Context(), user, sample("opened"))
	if want := "request 647d2300-702c-4b38-8b2f-d56326ae460b, 7496 of 10000 messages left"; err != nil || receipt != want {
		t.Fatalf("receipt %q, %v; want %q", receipt, err, want)
	}
	want := []notifytest.Push{{
		"token": token, "user": user, "title": "Service backup of nas has not pulsed", "priority": "0",
		"message": "The service backup of nas is not pulsing since 20260729 13:00:07\n" +
			"Down since: 2026-07-30 14:05:07 +02:00, 5 minutes ago\n" +
			"Last pulse: 2026-07-29 13:00:07 +02:00, 1 day 1 hour ago\n" +
			"Why: no pulse came in time: one was due within 1 day 1 hour, with a grace of 5 minutes\n" +
			"Host: nas\nTags: nightly, db",
		"timestamp": "1785413107", "url": "https://watch.example.org/ack/AZTxogAAcACAAAAAAADQAQAAAZ", "url_title": "Acknowledge",
		"sound": "siren", "device": "phone,tablet",
	}}
	if diff := cmp.Diff(want, p.Pushes()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEverySampleIsTaken(t *testing.T) {
	p := notifytest.StartPushover(t)
	c := sending(t, p, map[string]string{"user": user})
	samples := notifytest.Samples()
	for name, m := range samples {
		m.Tags = append(m.Tags, strings.Repeat("größe", 500))
		m.Title += strings.Repeat("ß", 300)
		m.Link += strings.Repeat("x", 512)
		if m.Acknowledge != "" {
			m.Acknowledge += strings.Repeat("x", 512)
		}
		if _, err := c.Send(t.Context(), "", &m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, push := range p.Pushes() {
		if n := utf8.RuneCountInString(push["title"]); n != 250 {
			t.Errorf("a title of %d characters", n)
		}
		if n := utf8.RuneCountInString(push["message"]); n > 1024 || !utf8.ValidString(push["message"]) {
			t.Errorf("a message of %d characters", n)
		}
		if _, ok := push["url"]; ok {
			t.Error("a link that is too long was sent")
		}
	}
}

func TestLinkToAcknowledge(t *testing.T) {
	p := notifytest.StartPushover(t)
	c := sending(t, p, map[string]string{"user": user})
	m := notifytest.Samples()["opened"]
	for want, change := range map[string]func(*notify.Message){
		"Acknowledge " + m.Acknowledge:  func(*notify.Message) {},
		"Show in Watchkeeper " + m.Link: func(m *notify.Message) { m.Acknowledge = "" },
	} {
		sent := m
		change(&sent)
		if _, err := c.Send(t.Context(), "", &sent); err != nil {
			t.Fatal(err)
		}
		pushes := p.Pushes()
		if last := pushes[len(pushes)-1]; last["url_title"]+" "+last["url"] != want {
			t.Errorf("%s %s, want %s", last["url_title"], last["url"], want)
		}
	}
}

func TestPriority(t *testing.T) {
	emergency := map[string]string{"priority": "2"}
	for _, test := range []struct {
		settings map[string]string
		sample   string
		want     string
	}{
		{nil, "opened", "0"},
		{nil, "recovered", "0"},
		{nil, "event", "1"}, // it is critical
		{nil, "test", "0"},
		{emergency, "opened", "2"},
		{emergency, "repeated", "2"},
		{emergency, "digest", "2"},
		{emergency, "recovered", "0"},
		{emergency, "test", "0"},
		{map[string]string{"priority": "-1"}, "opened", "-1"},
		{map[string]string{"priority": "-1"}, "recovered", "-1"},
	} {
		p := notifytest.StartPushover(t)
		if _, err := sending(t, p, test.settings).Send(t.Context(), user, sample(test.sample)); err != nil {
			t.Fatal(err)
		}
		if got := p.Pushes()[0]["priority"]; got != test.want {
			t.Errorf("%v, %s: priority %s, want %s", test.settings, test.sample, got, test.want)
		}
	}
}

func TestAnswers(t *testing.T) {
	type answer = notifytest.Answer
	m := sample("opened")
	reset := map[string]string{"X-Limit-App-Reset": "1785420000", "X-Limit-App-Limit": "10000", "X-Limit-App-Remaining": "0"}
	for name, test := range map[string]struct {
		answer      answer
		receipt     string
		persistence notify.Persistence
		text        string
		wait        time.Duration
	}{
		"taken, without a word of the quota": {answer{Status: 200, Body: `{"status":1,"request":"r"}`}, "request r", "", "", 0},
		"taken, with a broken quota":         {answer{Status: 200, Body: `{"status":1,"request":"r"}`, Header: map[string]string{"X-Limit-App-Reset": "soon"}}, "request r", "", "", 0},
		"wrong user":                         {answer{Status: 400, Body: `{"user":"invalid","errors":["user ` + user + ` is invalid","and more"],"status":0}`}, "", notify.GiveUp, "HTTP 400: user *** is invalid; and more", 0},
		"refused with a 200":                 {answer{Status: 200, Body: `{"status":0,"errors":["no"]}`}, "", notify.GiveUp, "HTTP 200: no", 0},
		"refused without JSON":               {answer{Status: 403, Body: "<html>no</html>"}, "", notify.GiveUp, "HTTP 403 Forbidden: <html>no</html>", 0},
		"a portal":                           {answer{Status: 200, Body: "<html>pay here</html>"}, "", notify.TryFew, "not an answer of Pushover", 0},
		"a redirect":                         {answer{Status: 302, Header: map[string]string{"Location": "http://127.0.0.1:1/"}}, "", notify.TryFew, "HTTP 302", 0},
		"down":                               {answer{Status: 500, Body: "oops"}, "", notify.Persist, "HTTP 500", leastWait},
		"down for long":                      {answer{Status: 503, Header: map[string]string{"Retry-After": "90"}}, "", notify.Persist, "HTTP 503", 90 * time.Second},
		"quota used up":                      {answer{Status: 429, Header: reset, Body: `{"status":0,"errors":["quota"]}`}, "", notify.Persist, "HTTP 429: quota", api.Time(1785420000_000).Sub(m.Now)},
		"too fast":                           {answer{Status: 429}, "", notify.Persist, "HTTP 429", 0},
		"no answer":                          {answer{Drop: true}, "", notify.Persist, "closed before the answer", 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := notifytest.StartPushover(t)
			p.Answer(test.answer)
			receipt, err := sending(t, p, nil).Send(t.Context(), user, m)
			if test.persistence == "" {
				if err != nil || receipt != test.receipt {
					t.Errorf("receipt %q, %v", receipt, err)
				}
				return
			}
			wantFailure(t, err, test.persistence, test.text)
			if got := notify.RetryAfter(err); got != test.wait {
				t.Errorf("again after %v, want %v", got, test.wait)
			}
		})
	}
}

func TestSlowAnswerEndsWithTheContext(t *testing.T) {
	p := notifytest.StartPushover(t)
	p.Answer(notifytest.Answer{Status: http.StatusOK, Wait: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := sending(t, p, nil).Send(ctx, user, sample("opened"))
	wantFailure(t, err, notify.Persist, "no answer in time")
}

func TestKeys(t *testing.T) {
	p := notifytest.StartPushover(t)
	c := sending(t, p, nil)
	for _, bad := range []string{"", "short", user + "x", user[:29] + "-", user[:29] + "\n", "größe" + user[7:]} {
		if err := c.ValidateTarget(bad); api.KindOf(err) != api.KindInvalid {
			t.Errorf("%q: %v", bad, err)
		}
		_, err := c.Send(t.Context(), bad, sample("opened"))
		wantFailure(t, err, notify.GiveUp, "")
	}
	if err := c.ValidateTarget(user); err != nil {
		t.Errorf("a key: %v", err)
	}
	if n := len(p.Pushes()); n != 0 {
		t.Errorf("%d messages went out", n)
	}
}

func TestSettings(t *testing.T) {
	registry := notify.Registry{api.ChannelPushover: Kind()}
	dialer := dial.New(dial.AllowPrivate)
	for name, test := range map[string]struct {
		settings map[string]string
		defaults notify.Defaults
		want     string
	}{
		"no token":        {nil, notify.Defaults{}, "body.settings.token"},
		"default token":   {nil, notify.Defaults{PushoverToken: token}, ""},
		"bad token":       {map[string]string{"token": "x"}, notify.Defaults{PushoverToken: token}, "body.settings.token"},
		"bad user":        {map[string]string{"token": token, "user": "x"}, notify.Defaults{}, "body.settings.user"},
		"bad priority":    {map[string]string{"token": token, "priority": "3"}, notify.Defaults{}, "body.settings.priority"},
		"worded priority": {map[string]string{"token": token, "priority": "high"}, notify.Defaults{}, "body.settings.priority"},
		"bad sound":       {map[string]string{"token": token, "sound": "a b"}, notify.Defaults{}, "body.settings.sound"},
		"bad device":      {map[string]string{"token": token, "device": "a,,b"}, notify.Defaults{}, "body.settings.device"},
		"bad address":     {map[string]string{"token": token}, notify.Defaults{PushoverURL: "api.pushover.net"}, "pushover_url"},
		// Whoever may make a channel must not be able to send the installation's token to a place of their choice.
		"own address": {map[string]string{"url": "http://evil.example.org"}, notify.Defaults{PushoverToken: token}, "body.settings.url"},
	} {
		_, err := registry.New(api.ChannelPushover, notify.Options{Settings: test.settings, Defaults: test.defaults, Dialer: dialer})
		var wrong *api.Error
		switch {
		case test.want == "" && err != nil, test.want != "" && !errors.As(err, &wrong):
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (len(wrong.Fields) != 1 || wrong.Fields[0].Location != test.want):
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"status":1,"request":"r"}`, "1785420000")
	f.Add(429, `{"errors":null,"status":"0"}`, "-1")
	f.Fuzz(func(t *testing.T, status int, body, reset string) {
		response := notify.Response{Status: status, Body: []byte(body), Header: http.Header{"X-Limit-App-Reset": {reset}}}
		receipt, err := read(response, 1_785_400_000_000, notify.Secrets{token})
		if (err == nil) != (receipt != "") {
			t.Fatalf("receipt %q, %v", receipt, err)
		}
		if err == nil && !response.OK() {
			t.Errorf("%d counts as taken", status)
		}
		if err != nil && notify.RetryAfter(err) < 0 {
			t.Errorf("again after %v", notify.RetryAfter(err))
		}
	})
}
