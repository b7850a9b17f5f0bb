package alert

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

// silence keeps everybody from being told of what matches.
func (w *world) silence(t *testing.T, match string, d time.Duration) api.Silence {
	t.Helper()
	return must(w.Silences.Create(context.Background(), api.Silence{
		Match: matchers(t, match), StartsAt: w.now(), EndsAt: w.now().Add(d), Comment: "upgrade", CreatedBy: "ops",
	}))(t)
}

// route makes a route behind those that there are.
func (w *world) addRoute(t *testing.T, in api.RouteInput) {
	t.Helper()
	must(w.Routes.Create(context.Background(), in))(t)
}

// reasons gives the deliveries of a service with their reasons, oldest first.
func (w *world) reasons(t *testing.T, service string) (out []string) {
	t.Helper()
	found := must(w.Incidents.List(context.Background(), store.IncidentFilter{Subject: service, Limit: 100}))(t)
	for i := len(found) - 1; i >= 0; i-- {
		for _, d := range found[i].Told {
			text := fmt.Sprintf("%s %s:%s %s", d.About, d.Channel, d.Address, d.State)
			if d.Reason != "" {
				text += ": " + d.Reason
			}
			out = append(out, text)
		}
	}
	return out
}

// live lets time pass in small steps, with all that a server does.
func (w *world) live(t *testing.T, d time.Duration) {
	t.Helper()
	for ; d > 0; d -= 10 * time.Second {
		w.pass(t, min(d, 10*time.Second))
		w.work(t)
	}
}

// A silence that is made while a message is on its way to the sender holds it; when it ends the message goes out, once.
func TestSilenceBetweenOrderAndSending(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.down(t, "job", "other")
		if err := w.router.route(context.Background()); err != nil {
			t.Fatal(err)
		}
		same(t, "ordered", w.deliveries(t), []string{"opened job mail:me waiting", "opened other mail:me waiting"})
		made := w.silence(t, `name="job"`, time.Hour)
		w.work(t)
		until := "silenced until 13:01 by token ops: upgrade"
		same(t, "silenced", w.reasons(t, "job"), []string{"opened mail:me held: " + until})
		same(t, "the other", w.reasons(t, "other"), []string{"opened mail:me sent"})
		must(w.Silences.End(context.Background(), made.ID))(t)
		w.work(t)
		w.work(t)
		same(t, "after its end", w.reasons(t, "job"), []string{"opened mail:me sent"})
		same(t, "letters", len(w.post.got()), 2)
	})
}

// A digest tells nothing of what has been silenced since it began to gather.
func TestSilenceOfWhatADigestGathers(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		names := numbered("job%d", api.StormLimit+3)
		w.down(t, names...)
		w.work(t)
		w.silence(t, `name=~"job[67]"`, 20*time.Minute)
		w.pass(t, time.Minute)
		w.work(t)
		var held, told []string
		for _, name := range names {
			switch r := w.reasons(t, name)[0]; {
			case strings.Contains(r, "silenced until"):
				held = append(held, name)
			case strings.Contains(r, "sent"):
				told = append(told, name)
			}
		}
		same(t, "silenced", held, []string{"job6", "job7"})
		same(t, "told", len(told), len(names)-2)
		for _, name := range names {
			w.pulse(t, name, "mail", "me")
		}
		w.work(t)
		for _, name := range held {
			same(t, name, len(w.reasons(t, name)), 1)
			if r := w.reasons(t, name)[0]; !strings.Contains(r, "skipped: silenced until") {
				t.Errorf("%s: %s", name, r)
			}
		}
	})
}

func TestLaterStepsAndReminders(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.addRoute(t, api.RouteInput{Name: "first", Match: matchers(t, `tag="db"`), To: []string{"mail:a"}, Continue: true, Repeat: 1800})
		w.addRoute(t, api.RouteInput{Name: "later", To: []string{"mail:b"}, After: 600})
		w.down(t, "job")
		w.pulse(t, "job", "", "") // no target of its own
		w.pass(t, time.Minute)
		w.live(t, 70*time.Minute)
		incident := must(w.Incidents.List(context.Background(), store.IncidentFilter{State: api.IncidentOpen, Limit: 1}))(t)[0]
		same(t, "told", w.reasons(t, "job")[len(w.reasons(t, "job"))-4:], []string{
			"opened mail:a sent", "opened mail:b sent", "repeated mail:a sent", "repeated mail:a sent",
		})
		must(w.Incidents.Acknowledge(context.Background(), incident.ID, store.Acknowledgement{By: "ops"}))(t)
		w.live(t, 70*time.Minute)
		w.pulse(t, "job", "", "")
		w.work(t)
		same(t, "after", w.reasons(t, "job")[len(w.reasons(t, "job"))-2:], []string{"recovered mail:a sent", "recovered mail:b sent"})
	})
}

// family makes a service router with two services behind it, one by its parents and one by its host, all of them up.
func (w *world) family(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	must(w.Services.Create(ctx, api.ServiceSettings{Name: "router", NextIn: 60}))(t)
	must(w.Services.Create(ctx, api.ServiceSettings{Name: "web", NextIn: 120, Parents: []string{"router"}}))(t)
	must(w.Services.Create(ctx, api.ServiceSettings{Name: "db", NextIn: 120, Host: "router"}))(t)
	for _, name := range []string{"router", "web", "db"} {
		w.beatOf(t, name)
	}
}

func (w *world) beatOf(t *testing.T, name string) {
	t.Helper()
	must(w.Pulses.Add(store.PulseWrite{Name: name, Pulse: api.Pulse{Kind: api.PulseSuccess, ReceivedAt: w.now(), Time: w.now()}}))(t)
}

func TestParentThatDies(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.family(t)
		w.live(t, 3*time.Minute)
		same(t, "router", w.reasons(t, "router"), []string{"opened mail:boss@example.org sent"})
		for _, child := range []string{"web", "db"} {
			same(t, child, w.reasons(t, child), []string{"opened mail:boss@example.org held: held: parent router is down since 12:01"})
		}
		facts := fmt.Sprint(w.post.letters[0].message.Facts())
		if !strings.Contains(facts, "{Also affects db, web}") {
			t.Errorf("the parent's message names its children nowhere: %s", facts)
		}
		w.beatOf(t, "router")
		w.beatOf(t, "web")
		for range 2 {
			w.live(t, 50*time.Second)
			w.beatOf(t, "router")
		}
		same(t, "one that is back", w.reasons(t, "web"), []string{
			"opened mail:boss@example.org skipped: held: parent router is down since 12:01; it was over before that ended",
		})
		w.live(t, 30*time.Second)
		same(t, "one that is still silent", w.reasons(t, "db"), []string{"opened mail:boss@example.org sent"})
	})
}

// A child whose deadline comes before that of its parent waits until the parent is judged.
func TestChildThatIsFirst(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.family(t)
		w.live(t, 30*time.Second)
		must(w.Services.Create(context.Background(), api.ServiceSettings{Name: "cache", NextIn: 25, Parents: []string{"router"}}))(t)
		w.beatOf(t, "cache")
		w.live(t, 30*time.Second)
		w.beat(t)
		same(t, "held", w.reasons(t, "cache"), []string{"opened mail:boss@example.org held: held: parent router is down since 12:01"})
	})
}

func TestFlapping(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		for range 6 { // down a minute after each pulse, back a minute later
			w.pulse(t, "job", "mail", "me")
			w.live(t, 2*time.Minute)
		}
		w.pulse(t, "job", "mail", "me")
		for range 20 {
			w.live(t, 50*time.Second)
			w.pulse(t, "job", "mail", "me")
		}
		var titles []string
		for _, l := range w.post.letters {
			titles = append(titles, string(l.message.About)+" "+l.message.Title)
		}
		same(t, "told", titles, []string{
			"opened Service job has not pulsed", "recovered Service job is pulsing again",
			"opened Service job has not pulsed", "recovered Service job is pulsing again",
			"opened Service job has not pulsed", "recovered Service job is pulsing again",
			"opened Service job is flapping", "recovered Service job is no longer flapping",
		})
		service := must(w.Services.ByName(context.Background(), "job"))(t)
		same(t, "changes", len(must(w.Changes.OfService(context.Background(), service.ID, 0, 100))(t)), 13)
	})
}

// A message that cannot be delivered is told by a channel of another kind.
func TestEscalation(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.alerts.DefaultRoute = []api.Target{{Channel: "mail", Address: "boss@example.org"}, {Channel: "ops"}}
		w.post.answer = refuse("mail:me", errDown)
		w.down(t, "job")
		w.live(t, 9*time.Minute)
		same(t, "for nine minutes", w.deliveries(t), []string{"opened job mail:me waiting"})
		w.live(t, 2*time.Minute)
		same(t, "for eleven", w.deliveries(t), []string{"opened job mail:me waiting", "opened job ops: sent"})
		w.post.answer = nil
		w.pulse(t, "job", "mail", "me")
		w.live(t, 16*time.Minute)
		same(t, "at the end", w.reasons(t, "job")[:4], []string{
			"opened mail:me sent", "opened ops: sent", "recovered mail:me sent", "recovered ops: sent",
		})
		w.post.answer = refuse("mail:me", notify.Fail(notify.GiveUp, "no such user", nil))
		w.down(t, "other")
		w.work(t)
		same(t, "for good", w.reasons(t, "other"), []string{"opened mail:me failed", "opened ops: sent"})
	})
}

// explained gives what is foreseen of a service as text.
func (w *world) explained(t *testing.T, service string) (out []string) {
	t.Helper()
	e := must(w.alerts.Explain(context.Background(), must(w.Services.ByName(context.Background(), service))(t)))(t)
	for _, note := range []string{e.Note, e.Warning} {
		if note != "" {
			out = append(out, note)
		}
	}
	for _, f := range e.Telling {
		text := fmt.Sprintf("%s %s %s:%s by %q %s", f.At.Std().Format("15:04"), f.About, f.Channel, f.Target, f.Route, f.State)
		if f.Reason != "" {
			text += ": " + f.Reason
		}
		out = append(out, text)
	}
	return out
}

// What is explained is what happens then.
func TestExplanation(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.family(t)
		w.addRoute(t, api.RouteInput{Name: "first", Match: matchers(t, `name="web"`), To: []string{"mail:a", "gone"}, Continue: true, Repeat: 3600})
		w.addRoute(t, api.RouteInput{
			Name: "later", Match: matchers(t, `name="web"`), To: []string{"mail:b"}, After: 600, Hours: &api.Hours{From: "14:00", To: "20:00"},
		})
		same(t, "up", w.explained(t, "web"), []string{
			`Alerts of this service go to the default route: there is no channel "gone", only mail, pushover, webhook, shoutrrr, ops`,
			`12:00 opened mail:a by "first" waiting`, `12:00 opened mail:boss@example.org by "first" waiting`,
			`13:00 repeated mail:a by "first" waiting`, `13:00 repeated mail:boss@example.org by "first" waiting`,
			`14:00 opened mail:b by "later" waiting: held: route later tells from 14:00`,
			`14:00 repeated mail:a by "first" waiting`, `14:00 repeated mail:boss@example.org by "first" waiting`,
		})
		w.silence(t, `name="db"`, time.Hour)
		same(t, "silenced", w.explained(t, "db"), []string{
			`13:00 opened mail:boss@example.org by "default" waiting: silenced until 13:00 by token ops: upgrade`,
		})
		w.live(t, 3*time.Minute)
		same(t, "down", w.explained(t, "router"), []string{`12:01 opened mail:boss@example.org by "default" sent`})
		if got := w.explained(t, "web"); got[0] != `12:02 opened mail:a by "first" held: held: parent router is down since 12:01` {
			t.Errorf("behind a parent: %v", got)
		}
		same(t, "nothing is changed", len(w.post.got()), 1)
		web := must(w.Services.ByName(context.Background(), "web"))(t)
		must(w.Services.Pause(context.Background(), web.ID, api.ReasonPaused))(t)
		same(t, "paused", w.explained(t, "web")[0], "the service is paused: nobody watches it")
	})
}

func TestReminderWhenAChannelIsThereAgain(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		team := api.ChannelInput{Name: "team", Kind: api.ChannelWebhook, Settings: map[string]string{"to": "team", "key": "token"}}
		must(w.alerts.Channels.Create(ctx, team))(t)
		w.addRoute(t, api.RouteInput{Name: "first", To: []string{"team"}, Repeat: 3600})
		w.down(t, "job")
		w.pulse(t, "job", "", "") // no target of its own
		w.pass(t, time.Minute)
		w.live(t, time.Minute)
		must(0, w.alerts.Channels.Delete(ctx, "team"))(t)
		w.live(t, 2*time.Hour)
		must(w.alerts.Channels.Create(ctx, team))(t)
		w.live(t, time.Minute)
		all := w.reasons(t, "job")
		same(t, "told", all[len(all)-2:], []string{"opened team: sent", "repeated team: sent"})
	})
}

func TestAParentThatIsTakenAwayHoldsNothing(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.down(t, "db")
		must(w.Services.Create(ctx, api.ServiceSettings{Name: "web", NextIn: 6 * 3600, Parents: []string{"db"}}))(t)
		must(w.Pulses.Add(store.PulseWrite{Name: "web", Pulse: api.Pulse{Kind: api.PulseFail, ReceivedAt: w.now(), Time: w.now()}}))(t)
		w.live(t, time.Minute)
		w.pulse(t, "db", "", "")
		w.live(t, 10*time.Second)
		web := must(w.Services.ByName(ctx, "web"))(t)
		if all := w.reasons(t, "web"); len(all) != 1 || !strings.Contains(all[0], "held: parent db is back") {
			t.Fatalf("behind its parent: %v", all)
		}
		must(w.Services.Update(ctx, web.ID, func(s api.Service) (api.ServiceSettings, error) {
			s.Parents = nil
			return s.ServiceSettings, nil
		}))(t)
		w.live(t, 10*time.Second)
		same(t, "told", w.reasons(t, "web"), []string{"opened mail:boss@example.org sent"})
	})
}
