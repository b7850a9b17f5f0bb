package storetest

import (
	"context"
	"testing"
	"time"
)

var uptimeTests = map[string]func(*testing.T, *Fixture){
	"uptime is counted from the changes": uptimeOfChanges,
}

func uptimeOfChanges(t *testing.T, f *Fixture) {
	ctx := context.Background()
	must(f.Pulses.Add(f.pulse("other", 60)))(t)
	must(f.Pulses.Add(f.pulse("job", 86_400)))(t)
	fail := f.pulse("job", 86_400)
	fail.Pulse.Kind = "fail"
	f.Clock.Advance(18 * time.Hour)
	fail.Pulse.ReceivedAt, fail.Pulse.Time = f.now(), f.now()
	must(f.Pulses.Add(fail))(t)
	f.Clock.Advance(6 * time.Hour)
	up := must(f.Changes.Uptime(ctx, f.service(t, "job")))(t)
	day, week := up.Periods[0], up.Periods[1]
	same(t, "seconds down", day.Down, (6 * time.Hour).Seconds())
	same(t, "seconds up", day.Up, (18 * time.Hour).Seconds())
	same(t, "percent", *day.Percent, 75.0)
	same(t, "percent of the week, of which it was watched for a day", *week.Percent, 75.0)
	same(t, "outages", week.Outages, 1)
	same(t, "seconds before it was made", week.Unwatched, (6 * 24 * time.Hour).Seconds())
}
