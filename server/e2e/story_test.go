package e2e

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify/notifytest"
)

func pathEscape(s string) string { return url.PathEscape(s) }

// TestStory follows a service from its first pulse to silence, messages, recovery and cancel.
func TestStory(t *testing.T) {
	each(t, func(t *testing.T, in *installation) {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		smtp, push, hook := notifytest.StartSMTP(t, notifytest.SMTPOptions{}), notifytest.StartPushover(t), notifytest.StartReceiver(t)
		in.more = []string{
			"WATCHKEEPER_SMTP_URL=" + smtp.URL(), "WATCHKEEPER_SMTP_FROM=watch@example.org", "WATCHKEEPER_PUSHOVER_URL=" + push.URL(),
			"WATCHKEEPER_PUSHOVER_TOKEN=" + strings.Repeat("t", 30), "WATCHKEEPER_DEFAULT_ROUTE=mail:ops@example.org",
			"WATCHKEEPER_PUBLIC_URL=https://watch.example.org",
		}
		p := in.start(t)

		// One service says where its alerts go as watchTower's clients do, one has targets of its own, one has neither.
		ask[any](t, p, "POST", "/", `{"service":"pushed","nextIn":1,"alertType":"pushover","alertTarget":"`+strings.Repeat("u", 30)+`"}`)
		ask[any](t, p, "POST", "/api/v1/services", `{"name":"hooked","next_in":1,"grace":0,"alerts":["webhook:`+hook.URL()+`"]}`)
		ask[any](t, p, "POST", "/api/v1/services/hooked/pulses", ``)
		plain := ask[api.Service](t, p, "PUT", "/api/v1/services/by-name/plain", `{"next_in":1,"grace":0}`)
		ask[any](t, p, "POST", "/api/v1/services/plain/pulses", `{"kind":"success"}`)

		mails, err := smtp.Wait(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		if mails[0].Subject != "Service plain has not pulsed" || !strings.HasPrefix(mails[0].Text, "The service plain is not pulsing since 2") ||
			!strings.Contains(mails[0].Text, "https://watch.example.org/gui/") || mails[0].To[0] != "ops@example.org" {
			t.Errorf("mail to %v: %s\n%s", mails[0].To, mails[0].Subject, mails[0].Text)
		}
		pushes, err := push.Wait(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		if pushes[0]["title"] != "Service pushed has not pulsed" || pushes[0]["user"] != strings.Repeat("u", 30) {
			t.Errorf("push: %v", pushes[0])
		}
		hooks, err := hook.Wait(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		var posted struct{ About, Service, State string }
		if err := json.Unmarshal(hooks[0].Body, &posted); err != nil || posted.About != "opened" || posted.Service != "hooked" || posted.State != "down" {
			t.Errorf("webhook: %s (%v)", hooks[0].Body, err)
		}

		// The API shows who was told.
		eventually(t, "the incident shows that it was told", 5*time.Second, func() bool {
			incidents := ask[api.Page[api.Incident]](t, p, "GET", "/api/v1/incidents?state=open", "").Items
			sent := 0
			for _, i := range incidents {
				for _, d := range i.Deliveries {
					if d.State == api.DeliverySent && d.About == api.AboutOpened {
						sent++
					}
				}
			}
			return len(incidents) == 3 && sent == 3
		})

		// All return, one of them by its ping URL.
		ask[any](t, p, "POST", "/heartbeat", `{"service":"pushed","nextIn":600,"alertType":"pushover","alertTarget":"`+strings.Repeat("u", 30)+`"}`)
		ask[any](t, p, "POST", "/api/v1/services/hooked/pulses", `{"next_in":600}`)
		if status, text, err := p.do("GET", "/ping/"+plain.ID+"?nextIn=600", ""); err != nil || status != 200 || string(text) != "OK" {
			t.Errorf("ping: %d %s %v", status, text, err)
		}
		if mails, err = smtp.Wait(ctx, 2); err != nil || mails[1].Subject != "Service plain is pulsing again" {
			t.Fatalf("recovery by mail: %v, %v", mails, err)
		}
		if got, want := mails[1].Header.Get("In-Reply-To"), mails[0].Header.Get("Message-Id"); got != want || want == "" {
			t.Errorf("the recovery answers %q, the dead message is %q", got, want)
		}
		if pushes, err = push.Wait(ctx, 2); err != nil || pushes[1]["title"] != "Service pushed is pulsing again" {
			t.Errorf("recovery by push: %v, %v", pushes, err)
		}
		if _, err = hook.Wait(ctx, 2); err != nil {
			t.Errorf("recovery by webhook: %v", err)
		}

		// Taken down on purpose, it is silent and nobody is told.
		cancelled := ask[struct{ HeartBeat struct{ Cancelled bool } }](t, p, "DELETE", "/heartbeat", `{"service":"pushed"}`)
		if !cancelled.HeartBeat.Cancelled {
			t.Errorf("cancel answered %+v", cancelled)
		}
		flips := ask[api.Page[api.Change]](t, p, "GET", "/api/v1/services/pushed/flips", "").Items
		var states []string
		for _, f := range flips {
			states = append(states, string(f.To))
		}
		if got := strings.Join(states, " "); got != "paused up down up" {
			t.Errorf("flips, newest first: %s", got)
		}
		if n := len(push.Pushes()); n != 2 {
			t.Errorf("%d pushes, want 2", n)
		}

		// An event that asks for it alerts the default route.
		ask[any](t, p, "POST", "/event", `{"service":"disk","message":"nearly full","alert":true}`)
		if mails, err = smtp.Wait(ctx, 3); err != nil || mails[2].Subject != "disk" || !strings.HasPrefix(mails[2].Text, "nearly full") {
			t.Errorf("alert of an event: %v", err)
		}
		if err := p.stop(t); err != nil {
			t.Errorf("ended with %v", err)
		}
		if log := p.log.String(); strings.Contains(log, password) || strings.Contains(log, strings.Repeat("u", 30)) {
			t.Errorf("the log holds a secret:\n%s", log)
		}
	})
}
