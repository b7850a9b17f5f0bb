package alert

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestDownAndUpAreTold(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.down(t, "backup/1")
		opened := w.now()
		w.work(t)
		w.work(t)
		same(t, "told", w.post.got(), []string{"mail:me opened backup/1"})
		w.pass(t, 10*time.Minute)
		w.pulse(t, "backup/1", "mail", "me")
		w.work(t)
		same(t, "told", w.post.got(), []string{"mail:me opened backup/1", "mail:me recovered backup/1"})

		first, second := w.post.letters[0].message, w.post.letters[1].message
		same(t, "title", first.Title, "Service backup/1 has not pulsed")
		same(t, "text", first.Text, "The service backup/1 is not pulsing since 20260301 12:00:00")
		same(t, "link", first.Link, "https://watch.example.org/gui/#/services/backup%2F1")
		same(t, "tags", first.Tags, []string{"db"})
		same(t, "down for", second.DownFor(), 10*time.Minute)
		same(t, "since", second.Since, opened)
		same(t, "thread", second.IncidentID, first.IncidentID)

		incidents := must(w.alerts.ListIncidents(context.Background(), IncidentQuery{Limit: 10}))(t).Items
		same(t, "incidents", len(incidents), 1)
		same(t, "state", incidents[0].State, api.IncidentClosed)
		same(t, "deliveries", len(incidents[0].Deliveries), 2)
		same(t, "receipt", incidents[0].Deliveries[0].Receipt, "taken")
		same(t, "target", incidents[0].Deliveries[0].Target, "me")
	})
}

func TestAlertOfEvent(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		now := w.now()
		must(w.Events.Add([]api.Event{{Service: "web", Message: "disk full", Level: 3, Alert: true, Time: now, ReceivedAt: now}}, nil))(t)
		w.work(t)
		same(t, "told", w.post.got(), []string{"mail:boss@example.org event web"})
		m := w.post.letters[0].message
		same(t, "title", m.Title, "web")
		same(t, "text", m.Text, "disk full")
	})
}

func TestSilentEnds(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.post.answer = refuse("mail:me", errDown)
		w.down(t, "paused", "cancelled", "deleted")
		w.work(t)
		for name, end := range map[string]func(id string) error{
			"paused": func(id string) error {
				_, err := w.Services.Pause(context.Background(), id, api.ReasonPaused)
				return err
			},
			"cancelled": func(id string) error {
				_, err := w.Services.Pause(context.Background(), id, api.ReasonCancelled)
				return err
			},
			"deleted": func(id string) error { _, err := w.Services.Delete(context.Background(), id); return err },
		} {
			if err := end(must(w.Services.ByName(context.Background(), name))(t).ID); err != nil {
				t.Fatal(err)
			}
		}
		w.post.answer = nil
		w.work(t)
		w.pass(t, time.Hour)
		w.work(t)
		same(t, "told", w.post.got(), []string(nil))
		reasons := map[string]string{}
		for _, d := range must(w.alerts.ListDeliveries(context.Background(), DeliveryQuery{State: api.DeliverySkipped, Limit: 10}))(t).Items {
			reasons[d.Subject] = d.Reason
		}
		same(t, "reasons", reasons, map[string]string{
			"paused":    "the service was paused before this could be sent",
			"cancelled": "its client cancelled the service before this could be sent",
			"deleted":   "the service was deleted before this could be sent",
		})
		w.pulse(t, "paused", "mail", "me") // no recovery of what nobody was told
		w.work(t)
		same(t, "told", w.post.got(), []string(nil))
	})
}

func TestRetriesUntilItWorks(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.post.answer = refuse("mail:me", errDown)
		w.down(t, "job")
		w.work(t)
		w.pulse(t, "job", "mail", "me")
		for _, wait := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second} {
			w.work(t)
			same(t, "deliveries", w.deliveries(t), []string{"opened job mail:me waiting", "recovered job mail:me waiting"})
			w.pass(t, wait)
		}
		d := must(w.alerts.ListDeliveries(context.Background(), DeliveryQuery{Limit: 10}))(t).Items[1]
		same(t, "attempts", d.Attempts, 3)
		same(t, "last error", d.LastError, "connection refused")
		w.post.answer = nil
		w.work(t)
		same(t, "told, in order", w.post.got(), []string{"mail:me opened job", "mail:me recovered job"})
		if n := strings.Count(w.log.String(), "alert not sent yet"); n != 1 {
			t.Errorf("%d lines of a delivery that waits, want one:\n%s", n, w.log)
		}
	})
}

func TestPermanentFailureIsShown(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.post.answer = refuse("mail:me", notify.Fail(notify.GiveUp, "550 no such user", nil))
		w.down(t, "job")
		w.work(t)
		same(t, "deliveries", w.deliveries(t), []string{"opened job mail:me failed"})
		status := must(w.alerts.Status(context.Background()))(t)
		same(t, "open", len(status.Open), 1)
		same(t, "failed", len(status.Failed), 1)
		same(t, "last error", status.Failed[0].LastError, "550 no such user")
		same(t, "backlog", status.Backlog, store.Backlog{Failed: 1})
		// The recovery goes to whom it was tried, and a failed one is tried again on request.
		w.post.answer = nil
		w.pulse(t, "job", "mail", "me")
		w.work(t)
		must(w.alerts.RetryDelivery(context.Background(), status.Failed[0].ID))(t)
		w.work(t)
		same(t, "told", w.post.got(), []string{"mail:me recovered job", "mail:me opened job"})
	})
}

func TestNoDefaultRoute(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.alerts.DefaultRoute = nil
		w.pulse(t, "job", "", "")
		w.pass(t, time.Minute)
		w.work(t)
		found := must(w.alerts.ListDeliveries(context.Background(), DeliveryQuery{Limit: 10}))(t).Items
		same(t, "state", found[0].State, api.DeliveryFailed)
		for _, text := range []string{found[0].Reason, found[0].LastError} {
			if !strings.Contains(text, "WATCHKEEPER_DEFAULT_ROUTE") {
				t.Errorf("%q does not say what to set", text)
			}
		}
	})
}

func TestUnknownAlertTypeWarnsOnce(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		pair := api.LegacyTarget{AlertType: "pigeon", AlertTarget: "coop"}
		w.pulse(t, "job", pair.AlertType, pair.AlertTarget)
		for range 3 {
			w.alerts.NotePulse(ctx, "job", pair)
		}
		w.alerts.NotePulse(ctx, "good", api.LegacyTarget{AlertType: "mail", AlertTarget: "me"})
		w.alerts.NotePulse(ctx, "none", api.LegacyTarget{})
		New(w.alerts.Options).NotePulse(ctx, "job", pair) // after a restart
		w.pass(t, time.Minute)
		w.work(t)
		same(t, "told", w.post.got(), []string{"mail:boss@example.org opened job"})
		same(t, "warnings", w.warnings(t, "job"), []string{
			`Alerts of this service go to the default route: there is no channel "pigeon", only mail, pushover, webhook, shoutrrr, ops`,
		})
		same(t, "warnings of the others", append(w.warnings(t, "good"), w.warnings(t, "none")...), []string(nil))
	})
}

func TestStormBecomesDigest(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		names := numbered("job%02d", 100)
		w.down(t, names...)
		w.work(t)
		same(t, "at once", len(w.post.got()), api.StormLimit)
		w.pass(t, 58*time.Second)
		w.work(t)
		same(t, "before the end of the window", len(w.post.got()), api.StormLimit)
		for _, name := range names[:10] {
			w.pulse(t, name, "mail", "me")
		}
		w.pass(t, 2*time.Second)
		w.work(t)
		same(t, "with the digest", len(w.post.got()), api.StormLimit+1)
		digest := w.post.letters[api.StormLimit].message
		same(t, "about", digest.About, notify.AboutDigest)
		states := map[api.State]int{}
		for _, i := range digest.Items {
			states[i.State]++
		}
		// The ten that returned are told by the digest, whether their opening was told by it or before.
		alone := map[string]bool{}
		for _, l := range w.post.letters[:api.StormLimit] {
			alone[l.name] = true
		}
		notTold := 0
		for name := range alone {
			if name >= "job10" {
				notTold++
			}
		}
		same(t, "states as they are now", states, map[api.State]int{api.StateDown: 90 - notTold, api.StateUp: 10})
		for _, d := range w.deliveries(t) {
			if !strings.HasSuffix(d, " sent") {
				t.Errorf("not sent: %s", d)
			}
		}
		// After the digest the rest returns, in a storm of its own.
		for _, name := range names[10:] {
			w.pulse(t, name, "mail", "me")
		}
		w.work(t)
		same(t, "recoveries at once", len(w.post.got()), 2*api.StormLimit+1)
		w.pass(t, time.Minute)
		w.work(t)
		same(t, "and their digest", len(w.post.got()), 2*(api.StormLimit+1))
	})
}

func TestDigestOfNothing(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.down(t, numbered("job%d", 6)...)
		w.work(t)
		for _, d := range must(w.alerts.ListDeliveries(context.Background(), DeliveryQuery{State: api.DeliveryHeld, Limit: 10}))(t).Items {
			must(w.Services.Delete(context.Background(), must(w.Services.ByName(context.Background(), d.Subject))(t).ID))(t)
		}
		w.pass(t, time.Minute)
		w.work(t)
		same(t, "told", len(w.post.got()), api.StormLimit)
		digest := must(w.alerts.ListDeliveries(context.Background(), DeliveryQuery{State: api.DeliverySkipped, Limit: 10}))(t).Items
		same(t, "skipped", []string{string(digest[0].About), string(digest[1].About)}, []string{"digest", "opened"})
		same(t, "reason", digest[0].Reason, "nothing is left to tell")
	})
}

// A server dies between sending and recording: the other sends once more, and nothing is lost.
func TestCrashBetweenSendingAndRecording(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.down(t, "job")
		if err := NewRouter(w.alerts).route(context.Background()); err != nil {
			t.Fatal(err)
		}
		claimed := must(w.Deliveries.Claim(context.Background(), claimAll()))(t)
		m, _ := w.alerts.message(claimed[0], must(w.Deliveries.Content(context.Background(), claimed[0]))(t), w.now())
		must(w.alerts.hand(context.Background(), claimed[0], &m))(t) // and here it dies

		other := w.another(t)
		other.work(t)
		same(t, "told while it may be alive", len(w.post.got()), 1)
		w.clock.Advance(store.Recent)
		other.beat(t)
		other.work(t)
		same(t, "told", w.post.got(), []string{"mail:me opened job", "mail:me opened job"})
		same(t, "a repetition can be told by its id", w.post.letters[0].delivery, w.post.letters[1].delivery)
		_, err := w.Deliveries.Record(context.Background(), claimed[0], store.Outcome{State: api.DeliverySent})
		same(t, "kind of the late record", api.KindOf(err), api.KindConflict)
		w.clock.Advance(time.Hour)
		other.beat(t)
		other.work(t)
		same(t, "told", len(w.post.got()), 2)
	})
}

func claimAll() store.ClaimOptions {
	l := newLanes()
	return store.ClaimOptions{Share: l.share, Lease: lease}
}

// A mistake of ours in a channel must not take the server down, again and again.
func TestPanickingChannel(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.post.answer = func(context.Context, letter) error { panic("nil map") }
		w.down(t, "job")
		w.work(t)
		same(t, "deliveries", w.deliveries(t), []string{"opened job mail:me failed"})
	})
}

func TestChannelThatIsGone(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		must(w.alerts.Channels.Create(ctx, api.ChannelInput{Name: "mine", Kind: api.ChannelWebhook}))(t)
		w.pulse(t, "job", "mine", "https://a.example")
		w.pass(t, time.Minute)
		if err := NewRouter(w.alerts).route(ctx); err != nil {
			t.Fatal(err)
		}
		if err := w.alerts.Channels.Delete(ctx, "mine"); err != nil {
			t.Fatal(err)
		}
		w.work(t)
		list := must(w.alerts.ListDeliveries(ctx, DeliveryQuery{Limit: 10}))(t).Items
		same(t, "the default route is told instead", list[0].Route+" "+list[0].Target, "escalation boss@example.org")
		d := list[1]
		same(t, "state", d.State, api.DeliveryFailed)
		same(t, "target", d.Target, notify.Masked)
		if !strings.Contains(d.LastError, `no channel "mine"`) {
			t.Errorf("last error %q", d.LastError)
		}
	})
}

func TestListsPageAndMask(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		for i := range 7 {
			w.pulse(t, fmt.Sprintf("job%d", i), "webhook", "https://hooks.example.org/secret")
		}
		w.pass(t, time.Minute)
		w.work(t)
		var subjects []string
		q := IncidentQuery{Limit: 2, Keep: func(i *api.Incident) bool { return i.Subject != "job3" }}
		for {
			found := must(w.alerts.ListIncidents(ctx, q))(t)
			for _, i := range found.Items {
				subjects = append(subjects, i.Subject)
				if strings.Contains(fmt.Sprint(i), "secret") {
					t.Errorf("a secret is shown: %+v", i)
				}
				same(t, "target", i.Deliveries[0].Target, "https://hooks.example.org/***")
				same(t, "by id", must(w.alerts.GetIncident(ctx, i.ID))(t), i)
				same(t, "delivery by id", must(w.alerts.GetDelivery(ctx, i.Deliveries[0].ID))(t), i.Deliveries[0])
			}
			if found.Next == (store.Place{}) {
				break
			}
			q.After = found.Next
		}
		same(t, "subjects", sorted(subjects), []string{"job0", "job1", "job2", "job4", "job5", "job6"})
		if strings.Contains(w.log.String(), "secret") {
			t.Errorf("a secret is logged:\n%s", w.log)
		}
		n := 0
		for q := (DeliveryQuery{Limit: 3}); ; {
			found := must(w.alerts.ListDeliveries(ctx, q))(t)
			n += len(found.Items)
			if q.After = found.Next; q.After == (store.Place{}) {
				break
			}
		}
		same(t, "deliveries", n, 8) // and the digest
	})
}
