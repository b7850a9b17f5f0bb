package clock

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDecide(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	at := func(offset, roundTrip time.Duration) *answer { return &answer{offset: offset, roundTrip: roundTrip} }
	still := slew{}
	tests := []struct {
		name    string
		state   state
		look    look
		want    state
		verdict verdict
	}{
		{
			name: "no answer", state: state{slew: slew{to: s}}, look: look{elapsed: 9 * s},
			want: state{slew: slew{to: s}}, verdict: verdict{reason: unmeasured},
		},
		{
			name: "too slow to mean anything", look: look{elapsed: s, answer: at(time.Hour, 101*ms)},
			want: state{slew: still}, verdict: verdict{reason: slow},
		},
		{
			name: "just quick enough", look: look{elapsed: s, answer: at(time.Hour, 100*ms)},
			want: state{slew: slew{since: s, to: time.Hour}}, verdict: verdict{reason: stepped, by: time.Hour},
		},
		{
			name: "within what the round trip can tell", look: look{elapsed: s, answer: at(-20*ms, 40*ms)},
			want: state{slew: still}, verdict: verdict{reason: steady},
		},
		{
			name: "beyond what the round trip can tell", look: look{elapsed: s, answer: at(-21*ms, 40*ms)},
			want: state{slew: slew{since: s, to: -21 * ms}}, verdict: verdict{reason: adjusted},
		},
		{
			name: "two seconds are no step", look: look{elapsed: s, answer: at(2*s, 0)},
			want: state{slew: slew{since: s, to: 2 * s}}, verdict: verdict{reason: adjusted},
		},
		{
			name: "more is", look: look{elapsed: s, answer: at(2*s+1, 0)},
			want: state{slew: slew{since: s, to: 2*s + 1}}, verdict: verdict{reason: stepped, by: 2*s + 1},
		},
		{
			name: "back as well", look: look{elapsed: s, answer: at(-time.Hour, 0)},
			want: state{slew: slew{since: s, to: -time.Hour}}, verdict: verdict{reason: stepped, by: -time.Hour},
		},
		{
			name:  "a step that is being made good is no news",
			state: state{slew: slew{since: s, to: time.Hour}}, look: look{elapsed: 2 * s, answer: at(time.Hour, 0)},
			want: state{slew: slew{since: s, to: time.Hour}}, verdict: verdict{reason: steady},
		},
		{
			name:  "a second step begins where the first has come to",
			state: state{slew: slew{since: s, to: time.Hour}}, look: look{elapsed: 201 * s, answer: at(0, 0)},
			want:    state{slew: slew{since: 201 * s, from: s}},
			verdict: verdict{reason: stepped, by: -time.Hour},
		},
		{
			name:  "the machine slept",
			state: state{slept: s, suspended: s}, look: look{elapsed: 5 * s, slept: 11 * s, ahead: 11 * s},
			want: state{slept: 11 * s, suspended: 11 * s, ahead: 11 * s}, verdict: verdict{reason: resumed, by: 10 * s},
		},
		{
			name: "an answer from before the sleep", look: look{elapsed: s, slept: time.Hour, answer: at(-time.Hour, ms)},
			want: state{slept: time.Hour, suspended: time.Hour}, verdict: verdict{reason: resumed, by: time.Hour},
		},
		{
			name:  "an answer from before a sleep that is known already",
			state: state{slept: time.Hour, suspended: time.Hour},
			look:  look{elapsed: s, slept: time.Hour, answer: at(-time.Hour, ms)},
			want:  state{slept: time.Hour, suspended: time.Hour}, verdict: verdict{reason: resumed},
		},
		{
			name: "a nap is left to the reference", look: look{elapsed: 3 * s, slept: s, answer: at(s, 0)},
			want: state{slept: s, slew: slew{since: 3 * s, to: s}}, verdict: verdict{reason: adjusted},
		},
		{
			name: "a reading of sleep that shrinks is noise", state: state{slept: 3 * s}, look: look{slept: s},
			want: state{slept: 3 * s}, verdict: verdict{reason: unmeasured},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, v := decide(test.state, test.look)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(state{}, slew{})); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			if v != test.verdict {
				t.Errorf("verdict %+v, want %+v", v, test.verdict)
			}
		})
	}
}

func TestSlewMovesByHalfAPercentAndStops(t *testing.T) {
	const s = time.Second
	tests := []struct {
		slew    slew
		elapsed time.Duration
		want    time.Duration
	}{
		{slew{since: 100 * s, to: s}, 0, 0},
		{slew{since: 100 * s, to: s}, 100 * s, 0},
		{slew{since: 100 * s, to: s}, 101 * s, 5 * time.Millisecond},
		{slew{since: 100 * s, to: s}, 299 * s, 995 * time.Millisecond},
		{slew{since: 100 * s, to: s}, 300 * s, s},
		{slew{since: 100 * s, to: s}, 9999 * s, s},
		{slew{since: 100 * s, from: s, to: -s}, 300 * s, 0},
		{slew{since: 100 * s, from: s, to: -s}, 9999 * s, -s},
		{slew{since: 100 * s, from: s, to: s}, 9999 * s, s},
	}
	for _, test := range tests {
		if got := test.slew.at(test.elapsed); got != test.want {
			t.Errorf("%+v at %v: %v, want %v", test.slew, test.elapsed, got, test.want)
		}
	}
}
