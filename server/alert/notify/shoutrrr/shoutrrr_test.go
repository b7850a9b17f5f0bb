package shoutrrr

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"go.uber.org/goleak"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/alert/notify/notifytest"
	"watchkeeper/server/dial"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sending makes a channel as app does, with the guarded transport as that of the process.
func sending(t *testing.T, policy dial.Policy, settings map[string]string) notify.Channel {
	t.Helper()
	dialer := dial.New(policy)
	restore := dialer.InstallDefault()
	t.Cleanup(func() {
		dialer.Transport().CloseIdleConnections()
		restore()
	})
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
	if strings.Contains(f.Error(), "s3cret") {
		t.Errorf("%q shows a part of the URL", f)
	}
}

func host(r *notifytest.Receiver) string { return strings.TrimPrefix(r.URL(), "http://") }

// addresses gives the URL by which each service that can be made to talk to a test's server does, in each of the ways
// in which they connect.
func addresses(host string) map[string]string {
	return map[string]string{
		"generic":    "generic://" + host + "/s3cretpath?disabletls=yes",
		"custom":     "generic+http://" + host + "/s3cretpath?key=s3cretkey",
		"ntfy":       "ntfy://me:s3cretpass@" + host + "/topic?scheme=http",
		"gotify":     "gotify://" + host + "/A1s3cretToken45?disabletls=yes",
		"mattermost": "mattermost://me@" + host + "/s3crettoken?disabletls=yes",
	}
}

func TestMessageArrives(t *testing.T) {
	for name, address := range addresses("HOST") {
		t.Run(name, func(t *testing.T) {
			r := notifytest.StartReceiver(t)
			r.Answer(notifytest.Answer{Status: http.StatusOK, Body: "{}"})
			address := strings.ReplaceAll(address, "HOST", host(r))
			c := sending(t, dial.AllowPrivate, map[string]string{"url": address})
			receipt, err := c.Send(t.Context(), "", sample("opened"))
			if err != nil || !strings.HasPrefix(receipt, "taken by ") {
				t.Fatalf("receipt %q, %v", receipt, err)
			}
			hooks := r.Hooks()
			if len(hooks) != 1 {
				t.Fatalf("%d requests", len(hooks))
			}
			whole := hooks[0].Header.Get("Title") + string(hooks[0].Body)
			for _, want := range []string{
				"Service backup of nas has not pulsed", "The service backup of nas is not pulsing since 20260729 13:00:07",
				"Tags: nightly, db", "https://watch.example.org/gui/",
			} {
				if !strings.Contains(whole, want) {
					t.Errorf("%q is not in %q", want, whole)
				}
			}
		})
	}
}

// Services that bring their own transport must not lead past the guard.
func TestEveryConnectionIsGuarded(t *testing.T) {
	for name, address := range addresses("HOST") {
		t.Run(name, func(t *testing.T) {
			r := notifytest.StartReceiver(t)
			c := sending(t, dial.RefusePrivate, map[string]string{"url": strings.ReplaceAll(address, "HOST", host(r))})
			_, err := c.Send(t.Context(), "", sample("opened"))
			wantFailure(t, err, persistenceOfRefusal(name), "is not allowed: it is a loopback address")
			if len(r.Hooks()) > 0 {
				t.Error("the message went past the guard")
			}
		})
	}
}

// persistenceOfRefusal: what generic says of an error is words only, so that nothing can be told from it.
func persistenceOfRefusal(name string) notify.Persistence {
	if name == "generic" || name == "custom" {
		return notify.Persist
	}
	return notify.GiveUp
}

func TestEveryServiceOfTheLibraryWasLookedAt(t *testing.T) {
	known := services()
	for _, name := range (&router.ServiceRouter{}).ListServices() {
		_, used := known[name]
		if _, not := refused()[name]; used == not {
			t.Errorf("%s: used %v, refused %v; see the package comment", name, used, not)
		}
		delete(known, name)
	}
	if len(known) > 0 {
		t.Errorf("the library does not have %v", known)
	}
}

func TestAnswers(t *testing.T) {
	type answer = notifytest.Answer
	for name, test := range map[string]struct {
		service     string
		answer      answer
		persistence notify.Persistence
		text        string
	}{
		"refused, in words":      {"generic", answer{Status: 404}, notify.TryFew, "status code: 404"},
		"overloaded, in words":   {"generic", answer{Status: 429}, notify.Persist, "status code: 429"},
		"down, in words":         {"generic", answer{Status: 503}, notify.Persist, "status code: 503"},
		"refused":                {"ntfy", answer{Status: 401, Body: "me:s3cretpass is wrong"}, notify.GiveUp, "ntfy: HTTP 401 Unauthorized: me:*** is wrong"},
		"refused, status lost":   {"ntfy", answer{Status: 401, Body: `{"error":"s3cretpass is wrong"}`}, notify.Persist, "*** is wrong"},
		"down":                   {"ntfy", answer{Status: 500}, notify.Persist, "ntfy: HTTP 500"},
		"silence":                {"ntfy", answer{Drop: true}, notify.Persist, "closed before the answer"},
		"taken, answer unread":   {"ntfy", answer{Status: 200, Body: "not JSON"}, "", ""},
		"gotify says what it is": {"gotify", answer{Status: 400, Body: `{"error":"no","errorCode":400,"errorDescription":"bad A1s3cretToken45"}`}, notify.Persist, "gotify: "},
	} {
		t.Run(name, func(t *testing.T) {
			r := notifytest.StartReceiver(t)
			r.Answer(test.answer)
			c := sending(t, dial.AllowPrivate, map[string]string{"url": addresses(host(r))[test.service]})
			receipt, err := c.Send(t.Context(), "", sample("opened"))
			if test.persistence == "" {
				if err != nil || receipt == "" {
					t.Errorf("receipt %q, %v", receipt, err)
				}
				return
			}
			wantFailure(t, err, test.persistence, test.text)
		})
	}
}

func TestHangingServiceIsLeftBehindFourTimes(t *testing.T) {
	r := notifytest.StartReceiver(t)
	c := sending(t, dial.AllowPrivate, map[string]string{"url": addresses(host(r))["generic"]})
	for i := range maxAttempts {
		r.Answer(notifytest.Answer{Status: http.StatusOK, Wait: 300 * time.Millisecond})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { // it is at the server before we give up
			_, _ = r.Wait(ctx, i+1)
			cancel()
		}()
		_, err := c.Send(ctx, "", sample("opened"))
		wantFailure(t, err, notify.Persist, "broken off")
	}
	_, err := c.Send(t.Context(), "", sample("opened"))
	wantFailure(t, err, notify.Persist, "have not ended yet")
	if n := len(r.Hooks()); n != maxAttempts {
		t.Errorf("%d requests", n)
	}
	for range maxAttempts { // their slots come back when they end
		c.(*channel).slots <- struct{}{}
	}
}

func TestURLs(t *testing.T) {
	c := sending(t, dial.AllowPrivate, nil)
	for _, good := range []string{
		"ntfy://ntfy.sh/topic", "discord://token@123456", "telegram://110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw@telegram?chats=@c",
		"matrix://user:pass@matrix.example.org", "generic+https://example.org/x", "gotify://gotify.example.org/Aaaaaaaaaaaaaaa",
	} {
		if err := c.ValidateTarget(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, text := range map[string]string{
		"":                                  "is missing",
		"s3cret":                            "must be a shoutrrr URL",
		"mailto:s3cret@example.org":         "must be a shoutrrr URL",
		"https://example.org/s3cret":        "must be a URL of one of the services bark, discord",
		"smtp://u:s3cret@example.org/?to=x": "a channel of kind mail sends mail",
		"logger://s3cret":                   "it tells nobody",
		"telegram://s3cret@telegram":        "is refused by the service telegram",
		"slack://s3crets3cret":              "is refused by the service slack",
		"ntfy+https://s3cret.example.org":   "cannot be written as ntfy+https://",
		"generic://h/?method=s3cret&template=" + strings.Repeat("x", maxURL): "at most",
		"ntfy://h/%zzs3cret": "must be a shoutrrr URL",
	} {
		err := c.ValidateTarget(bad)
		if api.KindOf(err) != api.KindInvalid || !strings.Contains(err.Error(), text) {
			t.Errorf("%.60s: %v, want %s", bad, err, text)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v shows a part of the URL", err)
		}
		_, err = c.Send(t.Context(), bad, sample("opened"))
		wantFailure(t, err, notify.GiveUp, "")
	}
	_, err := newChannel(notify.Options{Settings: map[string]string{"url": "slack://s3cret"}, Dialer: dial.New(dial.AllowPrivate)})
	var wrong *api.Error
	if !errors.As(err, &wrong) || len(wrong.Fields) != 1 || wrong.Fields[0].Location != "body.settings.url" || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("setting: %v", err)
	}
}

// Validating must not connect: a name that does not resolve and a port where nobody listens are as good as others.
func TestValidatingDoesNotConnect(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connected := make(chan struct{}, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connected <- struct{}{}
			_ = conn.Close()
		}
	}()
	c := sending(t, dial.AllowPrivate, nil)
	for name := range services() {
		_ = c.ValidateTarget(name + "://user:password@" + listener.Addr().String() + "/aaaa/bbbb?disabletls=yes")
	}
	_ = listener.Close()
	<-done
	if len(connected) > 0 {
		t.Error("a URL was tried out while it was validated")
	}
}

func TestLongMessagesAreCut(t *testing.T) {
	r := notifytest.StartReceiver(t)
	c := sending(t, dial.AllowPrivate, map[string]string{"url": addresses(host(r))["generic"]})
	m := sample("event")
	m.Text, m.Title = strings.Repeat("ß", 100_000), strings.Repeat("title\r\n", 1000)
	if _, err := c.Send(t.Context(), "", m); err != nil {
		t.Fatal(err)
	}
	if n := utf8.RuneCount(r.Hooks()[0].Body); n > maxText || !strings.HasSuffix(string(r.Hooks()[0].Body), m.Link) {
		t.Errorf("%d characters", n)
	}
}

func FuzzURL(f *testing.F) {
	var names []string
	for name := range services() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f.Add(name + "://user:s3cretpass@host.example.org:8080/s3crettoken/more?key=s3cretvalue#s3cretfragment")
	}
	for _, address := range addresses("h.example.org") {
		f.Add(address)
	}
	transport := dial.New(dial.AllowPrivate).Transport()
	f.Fuzz(func(t *testing.T, text string) {
		u, s, err := parse(text)
		if err != nil || s.connects {
			return
		}
		if _, err := open(u, transport); err != nil {
			checkHidden(t, u, clean(err, u))
		}
	})
}

// checkHidden looks for what must never be seen: password, query values and fragment.
func checkHidden(t *testing.T, u *url.URL, shown string) {
	t.Helper()
	password, _ := u.User.Password()
	for _, secret := range []string{password, u.Fragment} {
		if len(secret) >= 8 && strings.Contains(shown, secret) {
			t.Errorf("%q is shown in %q", secret, shown)
		}
	}
}
