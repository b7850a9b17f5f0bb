package api

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFlap(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		spans [][2]float64 // minutes at which each outage began and ended
		want  []string
	}{
		{"three downs", [][2]float64{{0, 1}, {2, 3}, {4, 5}}, []string{"1", "2", "3"}},
		{"the fourth and what follows", [][2]float64{{0, 1}, {2, 3}, {4, 5}, {6, 7}, {8, 9}}, []string{"1", "2", "3", "led by 3, 4 downs", "led by 3, 5 downs"}},
		{"four in half an hour and a moment", [][2]float64{{0, 1}, {10, 11}, {20, 21}, {30, 31}}, []string{"1", "2", "3", "3"}},
		{"four in just less", [][2]float64{{0.1, 1}, {10, 11}, {20, 21}, {30, 31}}, []string{"1", "2", "3", "led by 3, 4 downs"}},
		{
			"calm, and down again",
			[][2]float64{{0, 1}, {2, 3}, {4, 5}, {6, 7}, {22, 23}, {24, 25}},
			[]string{"1", "2", "3", "led by 3, 4 downs", "1", "2"},
		},
		{
			"not calm for long enough",
			[][2]float64{{0, 1}, {2, 3}, {4, 5}, {6, 7}, {21.9, 22}},
			[]string{"1", "2", "3", "led by 3, 4 downs", "led by 3, 5 downs"},
		},
		{
			"down for long ends it, too",
			[][2]float64{{0, 1}, {2, 3}, {4, 5}, {6, 21}, {22, 23}},
			[]string{"1", "2", "3", "led by 3, 4 downs", "1"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before *Outage
			var got []string
			for i, span := range test.spans {
				at := func(m float64) Time { return noon.Add(time.Duration(m * float64(time.Minute))) }
				f := before.Next(fmt.Sprint(i), at(span[0]))
				text := fmt.Sprint(len(f.Downs))
				if f.Leader != "" {
					text = fmt.Sprintf("led by %s, %d downs", f.Leader, f.Count)
				}
				got = append(got, text)
				before = &Outage{ID: fmt.Sprint(i), OpenedAt: at(span[0]), ClosedAt: at(span[1]), Flap: f}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("flapping (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUntold(t *testing.T) {
	t.Parallel()
	held := Delivery{State: DeliveryHeld, Reason: "silenced"}
	for name, test := range map[string]struct {
		deliveries []Delivery
		want       string
	}{
		"nobody looked":        {nil, ""},
		"held":                 {[]Delivery{held}, "silenced"},
		"held and sent":        {[]Delivery{held, {State: DeliverySent}}, ""},
		"held and in a digest": {[]Delivery{held, {State: DeliveryHeld, Digest: "1", Reason: "gathered"}}, ""},
		"tried":                {[]Delivery{{State: DeliveryFailed, Attempts: 1, LastError: "no"}}, ""},
		"no route":             {[]Delivery{{State: DeliveryFailed, LastError: "no route"}}, "no route"},
	} {
		if got := Untold(test.deliveries); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
