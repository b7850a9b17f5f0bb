package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

var deliveryTests = map[string]func(*testing.T, *Fixture){
	"a delivery is claimed and recorded":               claimed,
	"only a registered server claims":                  unregistered,
	"a delivery waits for its next attempt":            waits,
	"a lease ends by time":                             leaseEnds,
	"a lease of a silent server ends at once":          silentServer,
	"a server that begins anew frees its own":          freesOwn,
	"messages of one incident go in order":             inOrder,
	"a lane gets its share":                            shared,
	"two servers send each delivery once":              twoSend,
	"a failed delivery is tried again on request":      retried,
	"deliveries are listed from the newest":            deliveryPages,
	"the backlog counts what is not sent":              backlog,
	"an alert that names nobody is recorded as failed": nobody,
}

const leaseTime = time.Minute

func (f *Fixture) register(tb testing.TB, id string) {
	tb.Helper()
	f.Servers.Register(store.Presence{ID: id, Name: id})
	must(f.Servers.Beat(context.Background()))(tb)
}

// claim takes deliveries, as many as free says of each lane, and gives them by channel.
func (f *Fixture) claim(tb testing.TB, free func(lane string) int) map[string]store.Delivery {
	tb.Helper()
	byChannel := map[string]store.Delivery{}
	for _, d := range f.claimList(tb, free) {
		byChannel[d.Channel] = d
	}
	return byChannel
}

func (f *Fixture) claimList(tb testing.TB, free func(lane string) int) []store.Delivery {
	tb.Helper()
	return must(f.Deliveries.Claim(context.Background(), store.ClaimOptions{Lease: leaseTime, Share: share(free)}))(tb)
}

func share(free func(lane string) int) func([]store.LaneLoad) map[string]int {
	return func(due []store.LaneLoad) map[string]int {
		shares := map[string]int{}
		for _, l := range due {
			if n := free(l.Lane); n > 0 {
				shares[l.Lane] = n
			}
		}
		return shares
	}
}

func everything(string) int { return 1000 }

func (f *Fixture) record(tb testing.TB, d store.Delivery, o store.Outcome) {
	tb.Helper()
	same(tb, "state", must(f.Deliveries.Record(context.Background(), d, o))(tb), o.State)
}

// one makes a service that is down and the only delivery of its incident, to a channel.
func (f *Fixture) one(tb testing.TB, service, channel string) {
	tb.Helper()
	f.down(tb, service)
	f.attend(tb, tell(channel))
}

func claimed(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.one(t, "job", "mail:a@example.org")
	d := f.claim(t, everything)["mail"]
	i := f.incident(t, "job")
	want := api.Delivery{
		ID: d.ID, Incident: i.ID, SubjectKind: api.SubjectService, Subject: "job", About: api.AboutOpened, Channel: "mail",
		State: api.DeliverySending, Attempts: 1, NextAttempt: f.now().Add(leaseTime), CreatedAt: f.now(),
	}
	same(t, "claimed", d.Delivery, want)
	same(t, "address", d.Address, "a@example.org")
	same(t, "claimed again", len(f.claim(t, everything)), 0)
	content := must(f.Deliveries.Content(context.Background(), d))(t)
	same(t, "incident", content.Incident.Incident, i.Incident)
	same(t, "change", [2]api.State{content.Change.From, content.Change.To}, [2]api.State{api.StateUp, api.StateDown})
	f.Clock.Advance(time.Second)
	f.record(t, d, store.Outcome{State: api.DeliverySent, Receipt: "250 OK"})
	want.State, want.NextAttempt, want.SentAt, want.Receipt = api.DeliverySent, 0, f.now(), "250 OK"
	got := must(f.Deliveries.Get(context.Background(), d.ID))(t)
	same(t, "sent", got.Delivery, want)
	_, err := f.Deliveries.Record(context.Background(), d, store.Outcome{State: api.DeliveryFailed})
	if !errors.Is(err, store.ErrClaimLost) {
		t.Errorf("recording twice: %v", err)
	}
	_, err = f.Deliveries.Get(context.Background(), "nothing")
	wantKind(t, err, api.KindNotFound)
}

func unregistered(t *testing.T, f *Fixture) {
	f.one(t, "job", "ops")
	_, err := f.Deliveries.Claim(context.Background(), store.ClaimOptions{Lease: leaseTime, Share: share(everything)})
	if !errors.Is(err, store.ErrUnregistered) {
		t.Errorf("claiming without a name: %v", err)
	}
}

func waits(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.one(t, "job", "ops")
	for attempt := 1; attempt <= 3; attempt++ {
		d := f.claim(t, everything)["ops"]
		same(t, "attempts", d.Attempts, attempt)
		f.record(t, d, store.Outcome{State: api.DeliveryWaiting, NextAttempt: f.now().Add(5 * time.Second), LastError: fmt.Sprint("no ", attempt)})
		same(t, "claimed at once", len(f.claim(t, everything)), 0)
		f.Clock.Advance(5*time.Second - time.Millisecond)
		same(t, "claimed too early", len(f.claim(t, everything)), 0)
		f.Clock.Advance(time.Millisecond)
	}
	d := f.claim(t, everything)["ops"]
	same(t, "last error", d.LastError, "no 3")
	f.record(t, d, store.Outcome{State: api.DeliverySent})
	same(t, "last error of a sent one", must(f.Deliveries.Get(context.Background(), d.ID))(t).LastError, "no 3")
}

func leaseEnds(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.one(t, "job", "ops")
	first := f.claim(t, everything)["ops"]
	other := f.second(t, f.Clock)
	other.Servers.Register(store.Presence{ID: "two"})
	f.pass(t, leaseTime-time.Second)
	same(t, "claimed under the lease", len(other.claim(t, everything)), 0)
	f.pass(t, time.Second)
	second := other.claim(t, everything)["ops"]
	same(t, "attempts", second.Attempts, 2)
	_, err := f.Deliveries.Record(context.Background(), first, store.Outcome{State: api.DeliverySent})
	if !errors.Is(err, store.ErrClaimLost) {
		t.Errorf("recording after the lease: %v", err)
	}
	other.record(t, second, store.Outcome{State: api.DeliverySent})
}

func silentServer(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.one(t, "job", "ops")
	must(f.Servers.Beat(context.Background()))(t)
	f.claim(t, everything)
	other := f.second(t, f.Clock)
	other.register(t, "two")
	f.Clock.Advance(store.Recent - time.Millisecond)
	same(t, "claimed before it is silent", len(other.claim(t, everything)), 0)
	f.Clock.Advance(time.Millisecond)
	same(t, "its own is not silent to itself", len(f.claim(t, everything)), 0)
	same(t, "attempts", other.claim(t, everything)["ops"].Attempts, 2)
}

func freesOwn(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.one(t, "job", "ops")
	f.claim(t, everything)
	if err := f.Deliveries.FreeOwn(context.Background()); err != nil {
		t.Fatal(err)
	}
	same(t, "attempts", f.claim(t, everything)["ops"].Attempts, 2)
}

// inOrder checks that a recovery waits for the opening to the same target, and for that alone.
func inOrder(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.down(t, "job")
	must(f.Pulses.Add(f.pulse("job", 60)))(t)
	f.attend(t, tell("quick", "slow"))
	abouts := func() (out []string) {
		for _, d := range f.claimList(t, everything) {
			out = append(out, string(d.About)+" "+d.Channel)
			if d.Channel == "quick" {
				f.record(t, d, store.Outcome{State: api.DeliverySent})
			} else {
				f.record(t, d, store.Outcome{State: api.DeliveryWaiting, NextAttempt: f.now().Add(time.Minute)})
			}
		}
		return out
	}
	same(t, "first", abouts(), []string{"opened quick", "opened slow"})
	same(t, "then", abouts(), []string{"recovered quick"})
	same(t, "while the other waits", abouts(), nil2)
	f.pass(t, time.Minute)
	d := f.claim(t, everything)["slow"]
	same(t, "again", d.About, api.AboutOpened)
	f.record(t, d, store.Outcome{State: api.DeliveryFailed, LastError: "no"})
	same(t, "after it failed for good", f.claim(t, everything)["slow"].About, api.AboutRecovered)
}

func shared(t *testing.T, f *Fixture) {
	f.register(t, "one")
	for i := range 3 {
		f.one(t, fmt.Sprint("job", i), "a")
	}
	f.one(t, "other", "b")
	var loads []store.LaneLoad
	took := must(f.Deliveries.Claim(context.Background(), store.ClaimOptions{Lease: leaseTime, Share: func(due []store.LaneLoad) map[string]int {
		loads = due
		return map[string]int{"a": 2, "none": 5}
	}}))(t)
	same(t, "loads, the one that waits longest first", loads, []store.LaneLoad{{Lane: "a", Due: 3}, {Lane: "b", Due: 1}})
	same(t, "claimed", len(took), 2)
	subjects := map[string]bool{took[0].Subject: true, took[1].Subject: true}
	same(t, "those that were due first", subjects, map[string]bool{"job0": true, "job1": true})
}

func twoSend(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.downMany(t, 60)
	other := f.second(t, f.Clock)
	other.register(t, "two")
	n := 0
	f.attend(t, func(a store.Attended) store.Verdict {
		n++
		return tell(fmt.Sprint("mail:", n))(a) // a target of its own for each
	})
	var mu sync.Mutex
	sent := map[string]int{}
	var wg sync.WaitGroup
	for _, server := range []*Fixture{f, other} {
		for range 2 {
			wg.Go(func() {
				for {
					list, err := server.Deliveries.Claim(context.Background(), store.ClaimOptions{
						Lease: leaseTime, Share: share(func(string) int { return 3 }),
					})
					if err != nil || len(list) == 0 {
						if err != nil {
							t.Error(err)
						}
						return
					}
					for _, d := range list {
						mu.Lock()
						sent[d.ID]++
						mu.Unlock()
						if _, err := server.Deliveries.Record(context.Background(), d, store.Outcome{State: api.DeliverySent}); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
	}
	wg.Wait()
	// Rows that another had locked at the last look were left to it, and it may have ended before: look once more.
	for _, d := range f.claimList(t, everything) {
		sent[d.ID]++
		f.record(t, d, store.Outcome{State: api.DeliverySent})
	}
	same(t, "sent", len(sent), 60)
	for id, n := range sent {
		same(t, "times that "+id+" was sent", n, 1)
	}
}

func retried(t *testing.T, f *Fixture) {
	ctx := context.Background()
	f.register(t, "one")
	f.one(t, "job", "ops")
	d := f.claim(t, everything)["ops"]
	_, err := f.Deliveries.Retry(ctx, d.ID)
	wantKind(t, err, api.KindConflict)
	_, err = f.Deliveries.Retry(ctx, "nothing")
	wantKind(t, err, api.KindNotFound)
	due := d.DueAt
	f.record(t, d, store.Outcome{State: api.DeliveryWaiting, LastError: "not now", NextAttempt: f.now().Add(time.Hour)})
	soon := must(f.Deliveries.Retry(ctx, d.ID))(t)
	same(t, "the next attempt of one that waits for it", soon.NextAttempt, f.now())
	same(t, "since when it is due", soon.DueAt, due)
	d = f.claim(t, everything)["ops"]
	f.record(t, d, store.Outcome{State: api.DeliveryFailed, LastError: "no"})
	f.Clock.Advance(48 * time.Hour)
	again := must(f.Deliveries.Retry(ctx, d.ID))(t)
	same(t, "state", again.State, api.DeliveryWaiting)
	same(t, "due", again.DueAt, f.now())
	same(t, "attempts", f.claim(t, everything)["ops"].Attempts, 3)
}

func deliveryPages(t *testing.T, f *Fixture) {
	f.register(t, "one")
	for i := range 3 {
		f.down(t, fmt.Sprint("job", i))
		f.attend(t, tell("a", "b"))
	}
	for _, d := range f.claimList(t, func(lane string) int { return map[string]int{"a": 2}[lane] }) {
		f.record(t, d, store.Outcome{State: api.DeliveryFailed})
	}
	list := func(filter store.DeliveryFilter) (out []string) {
		for {
			page := must(f.Deliveries.List(context.Background(), filter))(t)
			for _, d := range page {
				out = append(out, d.Subject+" "+d.Channel)
				filter.Before = store.Place{Time: d.CreatedAt, ID: d.ID}
			}
			if len(page) < filter.Limit {
				return out
			}
		}
	}
	same(t, "all", list(store.DeliveryFilter{Limit: 4}), []string{"job2 b", "job2 a", "job1 b", "job1 a", "job0 b", "job0 a"})
	same(t, "of a channel", list(store.DeliveryFilter{Channel: "b", Limit: 1}), []string{"job2 b", "job1 b", "job0 b"})
	same(t, "failed", list(store.DeliveryFilter{State: api.DeliveryFailed, Limit: 5}), []string{"job1 a", "job0 a"})
	same(t, "of an incident", list(store.DeliveryFilter{Incident: f.incident(t, "job1").ID, Limit: 2}), []string{"job1 b", "job1 a"})
}

func backlog(t *testing.T, f *Fixture) {
	f.register(t, "one")
	want := func(what string, b store.Backlog) {
		t.Helper()
		same(t, what, must(f.Deliveries.Backlog(context.Background()))(t), b)
	}
	want("nothing", store.Backlog{})
	f.downMany(t, 7)
	f.attend(t, tell("ops"))
	due := f.now()
	f.Clock.Advance(10 * time.Second)
	want("five, their digest and its two members", store.Backlog{Waiting: 8, Oldest: due})
	for i, d := range f.claimList(t, everything) {
		state := api.DeliverySent
		if i == 0 {
			state = api.DeliveryFailed
		}
		f.record(t, d, store.Outcome{State: state})
	}
	want("the digest is not due", store.Backlog{Waiting: 3, Failed: 1})
	f.pass(t, time.Minute)
	want("it is", store.Backlog{Waiting: 3, Failed: 1, Oldest: due.Add(time.Minute)})
}

func nobody(t *testing.T, f *Fixture) {
	f.register(t, "one")
	f.downMany(t, 8)
	f.attend(t, func(a store.Attended) store.Verdict {
		return store.Verdict{Deliver: []store.DeliveryOrder{{ChangeID: a.Changes[0].ID, About: api.AboutOpened, State: api.DeliveryFailed, Reason: "no route"}}}
	})
	same(t, "claimed", len(f.claimList(t, everything)), 0)
	failed := must(f.Deliveries.List(context.Background(), store.DeliveryFilter{State: api.DeliveryFailed, Limit: 100}))(t)
	same(t, "failed", len(failed), 8)
	same(t, "reason", failed[0].Reason, "no route")
	same(t, "last error", failed[0].LastError, "no route")
	_, err := f.Deliveries.Retry(context.Background(), failed[0].ID)
	wantKind(t, err, api.KindConflict)
}
