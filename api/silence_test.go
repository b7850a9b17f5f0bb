package api

import (
	"testing"
	"time"
)

func TestSilenceTimes(t *testing.T) {
	t.Parallel()
	const now = Time(1_772_366_400_000)
	match := mustMatchers(t, `name="db1"`)
	for name, test := range map[string]struct {
		in       SilenceInput
		from, to Time // 0 for what is refused
	}{
		"for two hours":       {SilenceInput{Match: match, For: 7200, Comment: "c"}, now, now + 7_200_000},
		"until":               {SilenceInput{Match: match, EndsAt: now + 1, Comment: "c"}, now, now + 1},
		"later":               {SilenceInput{Match: match, StartsAt: now + 10, For: 1, Comment: "c"}, now + 10, now + 1010},
		"since before":        {SilenceInput{Match: match, StartsAt: now - 10, EndsAt: now + 10, Comment: "c"}, now - 10, now + 10},
		"a whole year":        {SilenceInput{Match: match, For: MaxSilence, Comment: "c"}, now, now.Add(MaxSilence.Duration())},
		"over already":        {SilenceInput{Match: match, StartsAt: now - 10_000, For: 10, Comment: "c"}, 0, 0},
		"no end":              {SilenceInput{Match: match, Comment: "c"}, 0, 0},
		"two ends":            {SilenceInput{Match: match, For: 1, EndsAt: now + 10, Comment: "c"}, 0, 0},
		"more than a year":    {SilenceInput{Match: match, For: MaxSilence + 1, Comment: "c"}, 0, 0},
		"an end a year ahead": {SilenceInput{Match: match, EndsAt: now.Add(367 * 24 * time.Hour), Comment: "c"}, 0, 0},
		"backwards":           {SilenceInput{Match: match, StartsAt: now + 20, EndsAt: now + 10, Comment: "c"}, 0, 0},
		"no matcher":          {SilenceInput{For: 1, Comment: "c"}, 0, 0},
		"no comment":          {SilenceInput{Match: match, For: 1}, 0, 0},
	} {
		s, err := test.in.Silence(now)
		if test.to == 0 {
			if KindOf(err) != KindInvalid {
				t.Errorf("%s: taken", name)
			}
			continue
		}
		if err != nil || s.StartsAt != test.from || s.EndsAt != test.to {
			t.Errorf("%s: %s to %s, %v", name, s.StartsAt, s.EndsAt, err)
			continue
		}
		for at, want := range map[Time]bool{s.StartsAt - 1: false, s.StartsAt: true, s.EndsAt - 1: true, s.EndsAt: false} {
			if s.At(at) != want {
				t.Errorf("%s: in force at %s: %v", name, at, !want)
			}
		}
	}
}
