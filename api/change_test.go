package api

import (
	"testing"
	"time"
)

func TestTextsOfChanges(t *testing.T) {
	t.Parallel()
	paris := time.FixedZone("CET", 3600)
	since := Facts{LastPulse: moment(1.9), Since: moment(60)}
	for _, c := range []struct {
		name                     string
		change                   Change
		title, sentence, message string
		level                    Level
	}{
		{
			"down by silence",
			Change{From: StateUp, To: StateDown, Facts: since},
			"Service S has not pulsed", "The service S is not pulsing since 20260131 13:00:01",
			"Service S has not pulsed - The service S is not pulsing since 20260131 13:00:01", 3,
		},
		{
			"down before the first pulse",
			Change{From: StateNew, To: StateDown, Facts: Facts{Since: moment(60)}},
			"Service S has not pulsed", "The service S is not pulsing since 20260131 13:01:00",
			"Service S has not pulsed - The service S is not pulsing since 20260131 13:01:00", 3,
		},
		{
			"recovered",
			Change{From: StateDown, To: StateUp, Facts: since},
			"Service S is pulsing again", "The service S is pulsing again",
			"Service S is pulsing again - The service S is pulsing again", 1,
		},
		{"late", Change{From: StateUp, To: StateLate}, "Service S is late (was up)", "Service S is late (was up)", "Service S is late (was up)", 2},
		{"in time", Change{From: StateLate, To: StateUp}, "Service S is up (was late)", "Service S is up (was late)", "Service S is up (was late)", 1},
		{"cancelled", Change{From: StateDown, To: StatePaused}, "Service S is paused (was down)", "Service S is paused (was down)", "Service S is paused (was down)", 1},
		{"deleted", Change{From: StateDown, To: StateDeleted}, "Service S is deleted (was down)", "Service S is deleted (was down)", "Service S is deleted (was down)", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.change.Subject, c.change.SubjectKind = "S", SubjectService
			if got := c.change.Title(); got != c.title {
				t.Errorf("title %q, want %q", got, c.title)
			}
			if got := c.change.Sentence(paris); got != c.sentence {
				t.Errorf("sentence %q, want %q", got, c.sentence)
			}
			if got := c.change.EventMessage(paris); got != c.message {
				t.Errorf("message %q, want %q", got, c.message)
			}
			if got := c.change.EventLevel(); got != c.level {
				t.Errorf("level %d, want %d", got, c.level)
			}
		})
	}
}

func TestIncidentsOfChanges(t *testing.T) {
	t.Parallel()
	states := []State{StateNew, StateUp, StateLate, StateDown, StatePaused, StateDeleted}
	for _, from := range states {
		for _, to := range states {
			if from == to {
				continue
			}
			c := Change{From: from, To: to}
			if got, want := c.Opens(), to == StateDown; got != want {
				t.Errorf("%s>%s opens: %v", from, to, got)
			}
			if got, want := c.Closes(), from == StateDown; got != want {
				t.Errorf("%s>%s closes: %v", from, to, got)
			}
			if got, want := c.Recovers(), from == StateDown && to == StateUp; got != want {
				t.Errorf("%s>%s recovers: %v", from, to, got)
			}
		}
	}
}

func TestSubjectKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range []SubjectKind{
		SubjectService, SubjectHost, SubjectRule, SubjectRun, SubjectFirewall, SubjectServer, SubjectEvent,
	} {
		if !kind.Valid() {
			t.Errorf("%q is no kind", kind)
		}
	}
	if SubjectKind("").Valid() || SubjectKind("probe").Valid() {
		t.Error("what is no kind is valid")
	}
}
