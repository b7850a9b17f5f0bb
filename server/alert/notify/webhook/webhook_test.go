package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/alert/notify/notifytest"
	"watchkeeper/server/dial"
)

var _ = flag.Bool("update", false, "write the golden files")

const secret = "a secret of some length"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sending(t *testing.T, settings map[string]string) notify.Channel {
	t.Helper()
	dialer := dial.New(dial.AllowPrivate)
	t.Cleanup(dialer.Transport().CloseIdleConnections)
	c, err := newChannel(notify.Options{Settings: settings, Dialer: dialer})
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
}

func TestGoldenBodies(t *testing.T) {
	for name, m := range notifytest.Samples() {
		t.Run(name, func(t *testing.T) {
			r := notifytest.StartReceiver(t)
			if _, err := sending(t, nil).Send(t.Context(), r.URL(), &m); err != nil {
				t.Fatal(err)
			}
			var indented bytes.Buffer
			if err := json.Indent(&indented, r.Hooks()[0].Body, "", "  "); err != nil {
				t.Fatal(err)
			}
			indented.WriteByte('\n')
			notifytest.Golden(t, name+".json", indented.Bytes())
		})
	}
}

func TestRequest(t *testing.T) {
	r := notifytest.StartReceiver(t)
	c := sending(t, map[string]string{
		"url": r.URL() + "/hook?key=abc", "secret": secret, "headers": "Authorization: Bearer hunter2\r\nX-A: 1\nX-A: 2\n",
	})
	m := sample("opened")
	receipt, err := c.Send(t.Context(), "", m)
	if err != nil || receipt != "HTTP 200 OK: taken" {
		t.Fatalf("receipt %q, %v", receipt, err)
	}
	hook := r.Hooks()[0]
	if hook.Method != http.MethodPost || hook.Path != "/hook?key=abc" {
		t.Errorf("%s %s", hook.Method, hook.Path)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "Watchkeeper", "Authorization": "Bearer hunter2",
		"Watchkeeper-Delivery": m.DeliveryID, "Watchkeeper-Timestamp": "1785413407",
	} {
		if got := hook.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := hook.Header.Values("X-A"); len(got) != 2 {
		t.Errorf("X-A: %q", got)
	}
	// What openssl dgst -sha256 -hmac says of the same, so that both sides cannot be wrong together.
	const want = "v1=339e960b11852277a535c260d6c1c52b5d8e462fc79207a4a96984d8119d0313"
	if got := Sign("0123456789abcdef", "1753876807", []byte(`{"version":1}`)); got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
	if got, want := hook.Header.Get("Watchkeeper-Signature"), Sign(secret, "1785413407", hook.Body); got != want {
		t.Errorf("signature %q, want %q", got, want)
	}
}

func TestWithoutSecretThereIsNoSignature(t *testing.T) {
	r := notifytest.StartReceiver(t)
	if _, err := sending(t, nil).Send(t.Context(), r.URL(), sample("test")); err != nil {
		t.Fatal(err)
	}
	if got, ok := r.Hooks()[0].Header[SignatureHeader]; ok {
		t.Errorf("signature %q", got)
	}
}

func TestAnswers(t *testing.T) {
	type answer = notifytest.Answer
	for name, test := range map[string]struct {
		answer      answer
		persistence notify.Persistence
		text        string
		wait        time.Duration
	}{
		"taken":      {answer{Status: 204}, "", "HTTP 204 No Content", 0},
		"overloaded": {answer{Status: 503, Header: map[string]string{"Retry-After": "7"}}, notify.Persist, "HTTP 503", 7 * time.Second},
		"too many":   {answer{Status: 429, Header: map[string]string{"Retry-After": "30"}, Body: "slow\r\ndown"}, notify.Persist, "Too Many Requests: slow down", 30 * time.Second},
		"timeout":    {answer{Status: 408}, notify.Persist, "HTTP 408", 0},
		"gone":       {answer{Status: 410, Body: "Bearer hunter2 at /hook/s3cret is gone, key=k3y4"}, notify.GiveUp, "*** at /***/*** is gone, key=***", 0},
		"elsewhere":  {answer{Status: 307, Header: map[string]string{"Location": "http://127.0.0.2:1/"}}, notify.TryFew, "HTTP 307", 0},
		"as a GET":   {answer{Status: 302, Header: map[string]string{"Location": "/other"}}, notify.TryFew, "HTTP 302", 0},
		"silence":    {answer{Drop: true}, notify.Persist, "closed before the answer", 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := notifytest.StartReceiver(t)
			r.Answer(test.answer)
			c := sending(t, map[string]string{"url": r.URL() + "/hook/s3cret?key=k3y4", "headers": "Authorization: Bearer hunter2"})
			receipt, err := c.Send(t.Context(), "", sample("opened"))
			if n := len(r.Hooks()); n != 1 {
				t.Errorf("%d requests", n)
			}
			if test.persistence == "" {
				if err != nil || receipt != test.text {
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

func TestRedirectWithinTheHostKeepsTheRequest(t *testing.T) {
	r := notifytest.StartReceiver(t)
	r.Answer(notifytest.Answer{Status: 308, Header: map[string]string{"Location": "/new"}})
	if _, err := sending(t, map[string]string{"url": r.URL() + "/old", "secret": secret}).Send(t.Context(), "", sample("opened")); err != nil {
		t.Fatal(err)
	}
	hooks := r.Hooks()
	if len(hooks) != 2 || hooks[1].Path != "/new" || hooks[1].Method != http.MethodPost || !bytes.Equal(hooks[0].Body, hooks[1].Body) ||
		hooks[1].Header.Get(SignatureHeader) != hooks[0].Header.Get(SignatureHeader) {
		t.Errorf("requests %v", hooks)
	}
	// It does not go on for ever.
	for range 10 {
		r.Answer(notifytest.Answer{Status: 307, Header: map[string]string{"Location": "/again"}})
	}
	_, err := sending(t, nil).Send(t.Context(), r.URL(), sample("opened"))
	wantFailure(t, err, notify.TryFew, "HTTP 307")
}

func TestSlowAnswerEndsWithTheContext(t *testing.T) {
	r := notifytest.StartReceiver(t)
	r.Answer(notifytest.Answer{Status: 200, Wait: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := sending(t, nil).Send(ctx, r.URL(), sample("opened"))
	wantFailure(t, err, notify.Persist, "no answer in time")
}

func TestWhereAWebhookMayNotGo(t *testing.T) {
	c := sending(t, nil)
	_, err := c.Send(t.Context(), "http://169.254.169.254/latest/meta-data", sample("opened"))
	wantFailure(t, err, notify.GiveUp, "is not allowed")
	for _, bad := range []string{
		"", "example.org", "ftp://example.org", "http://", "https:///path", "http:example.org", "https://example.org/#x",
		"http://example.org/\r\nX: y", "http://exa mple.org", "file:///etc/passwd", "http://h/" + strings.Repeat("x", maxURL),
	} {
		if err := c.ValidateTarget(bad); api.KindOf(err) != api.KindInvalid {
			t.Errorf("%.60q: %v", bad, err)
		}
		_, err := c.Send(t.Context(), bad, sample("opened"))
		wantFailure(t, err, notify.GiveUp, "")
	}
	for _, good := range []string{"https://example.org", "http://u:p@[::1]:8080/a?b=c", "https://bücher.example/x"} {
		if err := c.ValidateTarget(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestSettings(t *testing.T) {
	registry := notify.Registry{api.ChannelWebhook: Kind()}
	dialer := dial.New(dial.AllowPrivate)
	const url = "https://example.org"
	for name, test := range map[string]struct {
		settings map[string]string
		want     string
	}{
		"nothing":                 {nil, ""},
		"all":                     {map[string]string{"url": url, "secret": secret, "headers": "X-A: b"}, ""},
		"bad url":                 {map[string]string{"url": "example.org"}, "body.settings.url"},
		"short secret":            {map[string]string{"url": url, "secret": "short"}, "body.settings.secret"},
		"secret for anybody":      {map[string]string{"secret": secret}, "body.settings.url"},
		"headers for anybody":     {map[string]string{"headers": "Authorization: Bearer x"}, "body.settings.url"},
		"header without a value":  {map[string]string{"url": url, "headers": "X-A"}, "body.settings.headers"},
		"header with a bad name":  {map[string]string{"url": url, "headers": "X A: b"}, "body.settings.headers"},
		"header with a bad value": {map[string]string{"url": url, "headers": "X-A: b\x00"}, "body.settings.headers"},
		"header of the request":   {map[string]string{"url": url, "headers": "content-length: 5"}, "body.settings.headers"},
		"header of ours":          {map[string]string{"url": url, "headers": "watchkeeper-signature: v1=00"}, "body.settings.headers"},
		"too many headers":        {map[string]string{"url": url, "headers": manyHeaders()}, "body.settings.headers"},
	} {
		_, err := registry.New(api.ChannelWebhook, notify.Options{Settings: test.settings, Dialer: dialer})
		var wrong *api.Error
		switch {
		case test.want == "" && err != nil, test.want != "" && !errors.As(err, &wrong):
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (len(wrong.Fields) != 1 || wrong.Fields[0].Location != test.want):
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func manyHeaders() string {
	var b strings.Builder
	for i := range maxHeaders + 1 {
		b.WriteString("X-" + string(rune('A'+i)) + ": y\n")
	}
	return b.String()
}

func TestChannelWithAReceiverTakesNoOther(t *testing.T) {
	c := sending(t, map[string]string{"url": "https://example.org/hook", "secret": secret})
	if err := c.ValidateTarget("https://evil.example.org"); err == nil {
		t.Error("the signature would go to another")
	}
	if err := c.ValidateTarget(""); err != nil {
		t.Error(err)
	}
}

func TestLargeMessagesAreCut(t *testing.T) {
	m := sample("digest")
	m.Text = strings.Repeat("ß", 1<<20)
	for range 5000 {
		m.Items = append(m.Items, notify.Item{Kind: api.SubjectEvent, Name: strings.Repeat("n", 1000), Text: strings.Repeat("t", 1000)})
	}
	p := payload(m)
	if len([]rune(p.Text)) != maxText || len(p.Items) != maxItems || p.ItemCount != 5004 {
		t.Errorf("%d characters, %d of %d items", len([]rune(p.Text)), len(p.Items), p.ItemCount)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add("https://u:p@example.org/x?y=z", "X-A: b\r\nX-B: c")
	f.Add("http://[::1%25lo]:80", "a:\nb: \x7f")
	dialer := dial.New(dial.AllowPrivate)
	f.Fuzz(func(t *testing.T, url, headers string) {
		made, err := newChannel(notify.Options{Settings: map[string]string{"url": url, "headers": headers}, Dialer: dialer})
		if err != nil || url == "" {
			return
		}
		c := made.(*channel)
		m := sample("opened")
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
		if err != nil {
			t.Fatalf("%q is taken and cannot be requested: %v", url, err)
		}
		request.Header = c.header(m, nil)
		request.Body = http.NoBody
		var raw bytes.Buffer
		if err := request.Write(&raw); err != nil {
			return // the client refuses it as well
		}
		head, _, _ := strings.Cut(raw.String(), "\r\n\r\n")
		if strings.ContainsAny(strings.ReplaceAll(head, "\r\n", ""), "\r\n") {
			t.Errorf("%q and %q make the request %q", url, headers, head)
		}
	})
}

func TestOwnWords(t *testing.T) {
	m := notifytest.Samples()["opened"]
	m.Title, m.Body = "own title", "own body"
	if p := payload(&m); p.Title != "own title" || p.Text != "own body" || p.Acknowledge != m.Acknowledge || p.Service != "backup of nas" {
		t.Errorf("%+v", p)
	}
}
