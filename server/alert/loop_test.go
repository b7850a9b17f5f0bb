package alert

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/alert/notify/mail"
	"watchkeeper/server/alert/notify/notifytest"
	"watchkeeper/server/alert/notify/pushover"
	"watchkeeper/server/alert/notify/shoutrrr"
	"watchkeeper/server/alert/notify/webhook"
	"watchkeeper/server/dial"
	"watchkeeper/server/hub"
)

// run starts the loops of a server; stop ends them and waits.
func (w *world) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	sender := NewSender(w.alerts)
	sender.random = func() float64 { return 0.5 }
	sender.patience = 100 * time.Millisecond
	for _, loop := range []func(context.Context) error{w.alerts.Channels.Run, NewRouter(w.alerts).Run, sender.Run} {
		loops.Go(func() {
			if err := loop(ctx); err != nil {
				t.Errorf("a loop ended with %v", err)
			}
		})
	}
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); loops.Wait() }) }
	t.Cleanup(stop)
	return stop
}

// realKinds are the channels that ship, with servers of this machine at their other ends.
type realKinds struct {
	smtp     *notifytest.SMTP
	push     *notifytest.Pushover
	receiver *notifytest.Receiver
}

const (
	pushToken = "azGDORePK8gMaC0QOYAMyEEuzJnyUi"
	pushUser  = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"
)

func (w *world) useReal(t *testing.T) realKinds {
	t.Helper()
	r := realKinds{notifytest.StartSMTP(t, notifytest.SMTPOptions{}), notifytest.StartPushover(t), notifytest.StartReceiver(t)}
	dialer := dial.New(dial.AllowPrivate)
	t.Cleanup(dialer.Transport().CloseIdleConnections)
	w.use(t, notify.Registry{
		api.ChannelMail: mail.Kind(), api.ChannelPushover: pushover.Kind(), api.ChannelWebhook: webhook.Kind(), api.ChannelShoutrrr: shoutrrr.Kind(),
	}, notify.Options{Dialer: dialer, Defaults: notify.Defaults{
		SMTPURL: r.smtp.URL(), SMTPFrom: "watchkeeper@example.org", PushoverToken: pushToken, PushoverURL: r.push.URL(), Hostname: "watch",
	}})
	return r
}

func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// From silence to mail, push and webhook and back, through everything that ships.
func TestRealChannels(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		r := w.useReal(t)
		must(w.alerts.Channels.Create(patience(t), api.ChannelInput{
			Name: "hook", Kind: api.ChannelWebhook, Settings: map[string]string{"url": r.receiver.URL() + "/path", "secret": "0123456789abcdef"},
		}))(t)
		w.run(t)
		must(w.Services.Create(patience(t), api.ServiceSettings{Name: "backup", NextIn: 60, Alerts: []string{"mail:me@example.org", "hook"}}))(t)
		w.pulse(t, "backup", "pushover", pushUser)
		r.smtp.Refuse(notifytest.StepRcpt, notifytest.Refusal{Code: 451, Text: "greylisted"})
		w.pass(t, time.Minute)
		push := must(r.push.Wait(patience(t), 1))(t)[0]
		same(t, "pushed title", push["title"], "Service backup has not pulsed")
		hook := must(r.receiver.Wait(patience(t), 1))(t)[0]
		same(t, "signed", hook.Header.Get(webhook.SignatureHeader),
			webhook.Sign("0123456789abcdef", hook.Header.Get(webhook.TimestampHeader), hook.Body))

		w.until(t, func() bool { return w.count(t, api.DeliveryWaiting) == 1 && w.count(t, api.DeliverySent) == 2 })
		w.pulse(t, "backup", "pushover", pushUser) // recovers while the mail waits for its second attempt
		must(r.push.Wait(patience(t), 2))(t)
		w.until(t, func() bool {
			w.pass(t, time.Second) // the second attempt is due after five, and the sender looks once in one
			return w.count(t, api.DeliverySent) == 6
		})
		mails := must(r.smtp.Wait(patience(t), 2))(t)
		same(t, "mails", []string{mails[0].Subject, mails[1].Subject}, []string{"Service backup has not pulsed", "Service backup is pulsing again"})
		same(t, "thread", mails[1].Header.Get("In-Reply-To"), mails[0].Header.Get("Message-Id"))
	})
}

// until waits for what the loops have yet to do: it looks when a delivery has changed, and now and then for what other
// servers and the passing of time do.
func (w *world) until(t *testing.T, done func() bool) {
	t.Helper()
	woken := w.hub.Subscribe(hub.Deliveries)
	defer woken.Close()
	now := time.NewTicker(10 * time.Millisecond)
	defer now.Stop()
	ctx := patience(t)
	for !done() {
		select {
		case <-woken.C():
		case <-now.C:
		case <-ctx.Done():
			t.Fatalf("it did not come to be; deliveries: %v\n%s", w.deliveries(t), w.log)
		}
	}
}

func (w *world) count(t *testing.T, state api.DeliveryState) int {
	t.Helper()
	return len(must(w.alerts.ListDeliveries(context.Background(), DeliveryQuery{State: state, Limit: 1000}))(t).Items)
}

// Mail hangs, more of it than its lane has places; the others are told all the same.
func TestSlowLaneDelaysNoOther(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		release := make(chan struct{})
		w.post.answer = func(ctx context.Context, l letter) error {
			if strings.HasPrefix(l.to, "mail:") {
				<-release
			}
			return nil
		}
		stop := w.run(t)
		const n = 3 * laneLimit
		for i := range n {
			must(w.Services.Create(patience(t), api.ServiceSettings{
				Name: fmt.Sprint("job", i), NextIn: 60,
				Alerts: []string{fmt.Sprint("mail:", i), fmt.Sprint("pushover:", i), fmt.Sprintf("webhook:https://%d.example", i)},
			}))(t)
			w.pulse(t, fmt.Sprint("job", i), "", "")
		}
		w.pass(t, time.Minute)
		w.post.wait(t, 2*n)
		close(release)
		w.post.wait(t, 3*n)
		stop()
		same(t, "different letters", len(unique(w.post.got())), 3*n)
	})
}

func unique(list []string) map[string]bool {
	set := map[string]bool{}
	for _, s := range list {
		set[s] = true
	}
	return set
}

// Two servers with all their loops on one database: nobody hears anything twice, and everybody hears everything.
func TestTwoServersTellOnce(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		other := w.another(t)
		stop, stopOther := w.run(t), other.run(t)
		const n = 40
		names := numbered("job%02d", n)
		for i, name := range names {
			w.pulse(t, name, "mail", fmt.Sprint("person", i))
		}
		for range 31 { // both are alive, both judge, a little after the deadline, as each waits for pulses of the other
			w.clock.Advance(2 * time.Second)
			w.beat(t)
			other.beat(t)
			w.pass(t, 0)
			other.pass(t, 0)
		}
		w.post.wait(t, n)
		for i, name := range names {
			server := []*world{w, other}[i%2]
			server.pulse(t, name, "mail", fmt.Sprint("person", i))
		}
		w.until(t, func() bool {
			w.clock.Advance(100 * time.Millisecond) // so that each hears of what the other wrote
			w.beat(t)
			other.beat(t)
			return w.count(t, api.DeliverySent) == 2*n
		})
		stop()
		stopOther()
		same(t, "letters", len(w.post.got()), 2*n)
		same(t, "different letters", len(unique(w.post.got())), 2*n)
		if diff := strings.Count(w.log.String()+other.log.String(), "may arrive twice"); diff != 0 {
			t.Errorf("a claim was lost:\n%s%s", w.log, other.log)
		}
	})
}

// At a stop an attempt may end; one that takes long is broken off and is the first thing that is done after a start.
func TestStopWhileSending(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		begun := make(chan struct{}, 10)
		w.post.answer = func(ctx context.Context, l letter) error {
			begun <- struct{}{}
			<-ctx.Done()
			return notify.FailConnection(ctx.Err())
		}
		stop := w.run(t)
		w.down(t, "job")
		<-begun
		stop()
		d := must(w.alerts.ListDeliveries(context.Background(), DeliveryQuery{Limit: 10}))(t).Items[0]
		same(t, "state", d.State, api.DeliveryWaiting)
		same(t, "next attempt", d.NextAttempt, w.now())
		w.post.answer = nil
		stop = w.run(t)
		w.post.wait(t, 1)
		stop()
		same(t, "deliveries", w.deliveries(t), []string{"opened job mail:me sent"})
	})
}

// A server that is killed and comes back under its name does not wait for its own lease.
func TestRestartFreesWhatWasUnderWay(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.down(t, "job")
		if err := NewRouter(w.alerts).route(context.Background()); err != nil {
			t.Fatal(err)
		}
		must(w.Deliveries.Claim(context.Background(), claimAll()))(t)
		stop := w.run(t)
		w.post.wait(t, 1)
		stop()
		same(t, "told", w.post.got(), []string{"mail:me opened job"})
	})
}

// The loops begin with channels that they have yet to read: nobody is sent to the default route for that.
func TestStartWithChannelsOfTheDatabase(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		must(w.alerts.Channels.Create(patience(t), api.ChannelInput{Name: "mine", Kind: api.ChannelWebhook, Settings: map[string]string{"to": "x"}}))(t)
		w.pulse(t, "job", "mine", "")
		w.pass(t, time.Minute)
		w.alerts.Channels = must(NewChannels(w.alerts.Channels.ChannelOptions))(t)
		w.alerts.NotePulse(patience(t), "job", api.LegacyTarget{AlertType: "mine"})
		stop := w.run(t)
		w.post.wait(t, 1)
		stop()
		same(t, "told", w.post.got(), []string{"webhook:x opened job"})
		same(t, "warnings", w.warnings(t, "job"), []string(nil))
	})
}
