package alert

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
	"watchkeeper/server/store"
)

// story lets anything happen in any order, with failures and crashes, and then checks what people were told.
type story struct {
	*world
	random  *rand.Rand
	sender  *Sender
	crashed map[string]int // claims that were never recorded, by delivery
	sent    map[string][]api.Time
}

func TestWhateverHappensEverybodyIsToldOnce(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				s := &story{world: w, random: rand.New(rand.NewPCG(seed, 1)), crashed: map[string]int{}, sent: map[string][]api.Time{}}
				s.sender = NewSender(w.alerts)
				s.sender.random = s.random.Float64
				for range 150 {
					s.step(t)
				}
				s.end(t)
				s.check(t)
			})
		})
	}
}

func (s *story) step(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	name := fmt.Sprint("job", s.random.IntN(14))
	switch s.random.IntN(12) {
	case 0, 1, 2:
		pairs := [][2]string{{"mail", "a"}, {"mail", "b"}, {"pushover", "c"}, {"", ""}, {"pigeon", "d"}}
		pair := pairs[s.random.IntN(len(pairs))]
		s.pulse(t, name, pair[0], pair[1])
	case 3, 4:
		s.pass(t, time.Duration(s.random.IntN(40_000))*time.Millisecond)
	case 5:
		s.pass(t, time.Minute) // everything is silent at once
	case 6:
		must(s.Events.Add([]api.Event{{Service: name, Message: "help", Alert: true, Time: s.now(), ReceivedAt: s.now()}}, nil))(t)
	case 7:
		if svc, err := s.Services.ByName(ctx, name); err == nil {
			must(s.Services.Pause(ctx, svc.ID, api.ReasonPaused))(t)
		}
	case 8:
		if svc, err := s.Services.ByName(ctx, name); err == nil && s.random.IntN(3) == 0 {
			must(s.Services.Delete(ctx, svc.ID))(t)
		}
	case 9, 10:
		s.route(t)
	case 11:
		s.route(t)
		s.send(t)
	}
	if s.random.IntN(3) == 0 {
		s.send(t)
	}
}

func (s *story) route(t *testing.T) {
	t.Helper()
	if err := NewRouter(s.alerts).route(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// send makes attempts that go well, go badly, or end with the server.
func (s *story) send(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	for _, d := range must(s.Deliveries.Claim(ctx, claimAll()))(t) {
		switch s.random.IntN(6) {
		case 0:
			s.post.answer = refuse(d.Channel+":"+d.Address, errDown)
		case 1:
			s.post.answer = refuse(d.Channel+":"+d.Address, notify.Fail(notify.GiveUp, "no", nil))
		case 2:
			s.crash(t, d)
			continue
		default:
			s.post.answer = nil
		}
		before := len(s.post.letters)
		s.sender.attempt(ctx, d)
		s.note(d, before)
	}
}

// crash sends, or not, and records nothing.
func (s *story) crash(t *testing.T, d store.Delivery) {
	s.crashed[d.ID]++
	s.post.answer = nil
	m, left := s.alerts.message(d, must(s.Deliveries.Content(context.Background(), d))(t), s.now())
	if before := len(s.post.letters); left && s.random.IntN(2) == 0 {
		must(s.alerts.hand(context.Background(), d, &m))(t)
		s.note(d, before)
	}
}

func (s *story) note(d store.Delivery, before int) {
	if len(s.post.letters) > before {
		s.sent[d.ID] = append(s.sent[d.ID], s.now())
	}
}

// end lets time pass until nothing is left to do.
func (s *story) end(t *testing.T) {
	t.Helper()
	s.post.answer = nil
	for range 40 {
		s.route(t)
		for _, d := range must(s.Deliveries.Claim(context.Background(), claimAll()))(t) {
			before := len(s.post.letters)
			s.sender.attempt(context.Background(), d)
			s.note(d, before)
		}
		s.clock.Advance(time.Minute)
		s.beat(t)
	}
	same(t, "backlog", must(s.Deliveries.Backlog(context.Background()))(t).Waiting, int64(0))
}

func (s *story) check(t *testing.T) {
	t.Helper()
	incidents := must(s.Incidents.List(context.Background(), store.IncidentFilter{Limit: 1000}))(t)
	if len(incidents) < 10 {
		t.Fatalf("only %d incidents: this tells little", len(incidents))
	}
	alone := map[string][]api.Time{}
	for _, i := range incidents {
		s.checkIncident(t, i)
		for _, d := range i.Told {
			if d.Digest == "" && d.Attempts > 0 {
				alone[d.Channel+":"+d.Address] = append(alone[d.Channel+":"+d.Address], d.DueAt)
			}
		}
	}
	for target, times := range alone {
		slices.Sort(times)
		for i := api.StormLimit; i < len(times); i++ {
			if times[i].Sub(times[i-api.StormLimit]) < api.StormWindow {
				t.Errorf("%s gets more than %d messages of their own within a minute", target, api.StormLimit)
			}
		}
	}
	for id, times := range s.sent {
		if len(times) > 1+s.crashed[id] {
			t.Errorf("delivery %s was sent %d times after %d crashes", id, len(times), s.crashed[id])
		}
	}
}

// inDigest reports whether a digest that was sent has a line about the subject of a delivery.
func (s *story) inDigest(d store.Delivery) bool {
	return slices.ContainsFunc(s.post.letters, func(l letter) bool {
		return l.delivery == d.Digest && slices.ContainsFunc(l.message.Items, func(i notify.Item) bool {
			return i.Kind == api.SubjectEvent && d.SubjectKind == api.SubjectEvent || i.Name == d.Subject
		})
	})
}

// checkIncident looks at what was told of one incident, and when.
func (s *story) checkIncident(t *testing.T, i store.Incident) {
	t.Helper()
	var openings, recoveries []string
	when := map[string]api.Time{} // the opening was told to a target
	for _, d := range i.Told {
		to := d.Channel + ":" + d.Address
		var first api.Time
		if carrier := s.sent[d.ID]; len(carrier) > 0 {
			first = carrier[0]
		} else if carrier := s.sent[d.Digest]; len(carrier) > 0 && s.inDigest(d) {
			first = carrier[0]
		}
		if d.State == api.DeliverySent && first == 0 {
			t.Errorf("%s of %s to %s counts as sent, and nobody got it", d.About, i.Subject, to)
		}
		if d.State == api.DeliverySkipped {
			continue
		}
		switch d.About {
		case api.AboutOpened:
			openings = append(openings, to)
			when[to] = first
		case api.AboutRecovered:
			recoveries = append(recoveries, to)
			if first > 0 && when[to] > first {
				t.Errorf("%s heard of the recovery of %s before it heard that it was down", to, i.Subject)
			}
		}
	}
	recovered := slices.ContainsFunc(must(s.Changes.OfService(context.Background(), i.SubjectID, 0, 1000))(t), func(c api.Change) bool {
		return c.Recovers() && c.At == i.ClosedAt
	})
	slices.Sort(openings)
	slices.Sort(recoveries)
	switch {
	case recovered && i.Flap.Leader == i.ID: // what is told at its end depends on what followed
	case recovered && !slices.Equal(openings, recoveries):
		t.Errorf("%s: down told to %v, up told to %v", i.Subject, openings, recoveries)
	case !recovered && len(recoveries) > 0:
		t.Errorf("%s did not recover, and that is what %v were told", i.Subject, recoveries)
	case i.State == api.IncidentOpen && len(openings) == 0:
		t.Errorf("%s is down and nobody was told", i.Subject)
	}
	if len(unique(openings)) != len(openings) {
		t.Errorf("%s: down told twice to one of %v", i.Subject, openings)
	}
}
