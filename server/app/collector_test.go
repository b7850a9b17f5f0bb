package app

import "testing"

func TestCollectorPercent(t *testing.T) {
	for name, c := range map[string]struct {
		now   int
		share float64
		want  int
	}{
		"at rest":                         {calmPercent, 0.001, calmPercent},
		"a little work":                   {calmPercent, 0.02, calmPercent},
		"much work":                       {calmPercent, 0.08, busyPercent},
		"much work that now costs less":   {busyPercent, 0.02, busyPercent},
		"still much":                      {busyPercent, 0.05, busyPercent},
		"the work is over":                {busyPercent, 0.004, calmPercent},
		"nothing was collected meanwhile": {busyPercent, 0, calmPercent},
	} {
		if got := collectorPercent(c.now, c.share); got != c.want {
			t.Errorf("%s: %d percent, want %d", name, got, c.want)
		}
	}
}
