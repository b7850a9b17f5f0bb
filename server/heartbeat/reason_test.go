package heartbeat

import (
	"errors"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/store"
)

func TestWhyAHeartbeatIsWithheld(t *testing.T) {
	now := api.Time(1_800_000_000_000)
	ago := func(d time.Duration) api.Time { return now.Add(-d) }
	const least = time.Millisecond
	for name, tt := range map[string]struct {
		v    store.Vitals
		err  error
		want Reason
	}{
		"all is well": {store.Vitals{Marked: ago(0)}, nil, ReasonNone},
		"everything is as late as it may be": {store.Vitals{
			Marked: ago(maxMarks), Judge: ago(maxDeadlines), Attend: ago(maxIncidents), Send: ago(maxSending), Vain: ago(maxVain),
		}, nil, ReasonNone},
		"what comes later is no trouble": {store.Vitals{Marked: now, Judge: now + 1, Attend: now + 1, Send: now + 1}, nil, ReasonNone},
		"no answer":                      {store.Vitals{Marked: now}, errors.New("gone"), ReasonDatabase},
		"no mark":                        {store.Vitals{Marked: ago(maxMarks + least), Judge: ago(time.Hour)}, nil, ReasonMarks},
		"never a mark":                   {store.Vitals{}, nil, ReasonMarks},
		"nobody judges":                  {store.Vitals{Marked: now, Judge: ago(maxDeadlines + least), Attend: ago(time.Hour)}, nil, ReasonDeadlines},
		"nobody attends":                 {store.Vitals{Marked: now, Attend: ago(maxIncidents + least), Send: ago(time.Hour)}, nil, ReasonIncidents},
		"nobody sends":                   {store.Vitals{Marked: now, Send: ago(maxSending + least), Vain: ago(time.Hour)}, nil, ReasonSending},
		"all in vain":                    {store.Vitals{Marked: now, Vain: ago(maxVain + least)}, nil, ReasonVain},
		"one in vain":                    {store.Vitals{Marked: now, Vain: ago(maxVain + least), Sent: true}, nil, ReasonNone},
	} {
		tt.v.Now = now
		if got := withhold(tt.v, tt.err); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
