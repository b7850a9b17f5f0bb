package watchtower_test

import (
	"encoding/json"
	"testing"
	"time"

	"watchkeeper/server/httpapi/httpapitest"
)

const (
	deadText     = "Service job has not pulsed - The service job is not pulsing since 20260301 12:00:00"
	returnedText = "Service job is pulsing again - The service job is pulsing again"
)

// automatic gives what the server wrote of a service: newest first, all of it.
func (s tower) automatic(tb testing.TB) []string {
	tb.Helper()
	return s.messages(tb, "from=0&message=pulsing")
}

func TestDeadAtTheExactDeadline(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		s.Clock.Advance(345 * time.Millisecond)
		beat := s.pulse(t, "job", 60)
		s.Pass(t, time.Minute-time.Millisecond)
		same(t, "a millisecond before", s.get(t, "job"), beat)
		s.Pass(t, time.Millisecond)
		beat["alerted"] = true
		same(t, "at the deadline", s.get(t, "job"), beat)
		s.Pass(t, 24*time.Hour)
		same(t, "told once", s.automatic(t), []string{deadText})
		event := s.events(t, "from=0&message=pulsing")[0].(object)
		same(t, "event", event, object{
			"alert": false, "date": beat["expected"], "level": 0.0, "message": deadText, "service": "job",
		})

		beat = s.pulse(t, "job", 60)
		same(t, "alerted", beat["alerted"], false)
		same(t, "returned", s.automatic(t), []string{returnedText, deadText})
		same(t, "its level", s.events(t, "message=again")[0].(object)["level"], 0.0)
		s.pulse(t, "job", 60)
		same(t, "told once", len(s.automatic(t)), 2)

		// Elsewhere the same events have the levels of the design.
		levels := map[string]float64{}
		var list struct {
			Items []struct {
				Message string
				Level   float64
			}
		}
		r := s.Ask(t, httpapitest.Ask{To: "GET /api/v1/events?service=job"})
		if err := json.Unmarshal([]byte(r.Body), &list); err != nil {
			t.Fatal(err)
		}
		for _, e := range list.Items {
			levels[e.Message] = e.Level
		}
		same(t, "levels in REST", levels, map[string]float64{deadText: 3, returnedText: 1, "Service job is up (was new)": 1})
	})
}

func TestPulseMovesTheDeadline(t *testing.T) {
	s := onSQLite(t)
	s.pulse(t, "job", 60)
	s.Pass(t, 59*time.Second)
	s.pulse(t, "job", 10)
	s.Pass(t, 9999*time.Millisecond)
	same(t, "alive", s.get(t, "job")["alerted"], false)
	s.Pass(t, time.Millisecond)
	same(t, "dead", s.get(t, "job")["alerted"], true)
}

// A pulse that comes when the deadline is over, but before anybody looked, finds the service dead.
func TestLatePulseIsARecovery(t *testing.T) {
	s := onSQLite(t)
	s.pulse(t, "job", 60)
	s.Clock.Advance(61 * time.Second)
	s.pulse(t, "job", 60)
	same(t, "events", s.automatic(t), []string{returnedText, deadText})
}

func TestCancelAfterDeath(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		s.pulse(t, "job", 60)
		s.Pass(t, time.Minute)
		beat := s.cancel(t, "job").(object)
		same(t, "cancelled", []any{beat["alerted"], beat["cancelled"]}, []any{false, true})
		s.Pass(t, time.Minute)
		s.pulse(t, "job", 60)
		same(t, "no recovery is told", s.automatic(t), []string{deadText})
		same(t, "alive", s.get(t, "job")["cancelled"], false)
	})
}

func TestRestartWhileAliveAndDead(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		s.Watch(t)
		s.pulse(t, "job", 60)
		s.pulse(t, "alive", 3600)
		s.pulse(t, "cancelled", 60)
		s.cancel(t, "cancelled")
		s.Pass(t, time.Minute)
		before := s.done(t, "GET /heartbeats", "")
		s.Restart(t, time.Second)
		same(t, "heartbeats", s.done(t, "GET /heartbeats", ""), before)
		same(t, "events", s.automatic(t), []string{deadText})
		s.Pass(t, 10*time.Minute)
		same(t, "not told again", s.automatic(t), []string{deadText})
		s.pulse(t, "job", 60)
		same(t, "returned", s.automatic(t), []string{returnedText, deadText})
	})
}

// Nobody is dead because the server was away: what is due is judged as long after its return as a client needs to pulse.
func TestDownForLongerThanNextIn(t *testing.T) {
	onEach(t, func(t *testing.T, s tower) {
		s.Watch(t)
		beat := s.pulse(t, "job", 60)
		s.pulse(t, "other", 60)
		s.Pass(t, 30*time.Second)
		s.Restart(t, 10*time.Minute)
		same(t, "held, and shown as it was", s.get(t, "job"), beat)
		s.Pass(t, 59*time.Second)
		s.pulse(t, "other", 60)
		s.Pass(t, time.Second-time.Millisecond)
		same(t, "held", s.get(t, "job"), beat)
		s.Pass(t, time.Millisecond)
		beat["alerted"] = true
		same(t, "dead", s.get(t, "job"), beat)
		same(t, "the other", s.get(t, "other")["alerted"], false)
		same(t, "events", s.automatic(t), []string{deadText})
	})
}
