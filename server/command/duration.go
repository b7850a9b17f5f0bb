package command

import (
	"time"

	"github.com/spf13/pflag"

	"watchkeeper/api"
)

// durationValue is a flag such as 25h or 14d.
type durationValue struct {
	value time.Duration
	given bool
}

func durationFlag(fs *pflag.FlagSet, name, help string) *durationValue {
	d := &durationValue{}
	fs.Var(d, name, help)
	return d
}

// Set reads the value.
func (d *durationValue) Set(text string) error {
	var err error
	d.value, err = api.ParseDuration(text)
	d.given = err == nil
	return err
}

// String gives no default.
func (d *durationValue) String() string { return "" }

// Type names the form in help texts.
func (d *durationValue) Type() string { return "duration" }

// seconds gives the value for a field that may be left out, rounded up to a whole second.
func (d *durationValue) seconds() *api.Seconds {
	if !d.given {
		return nil
	}
	s := api.Seconds((d.value + time.Second - 1) / time.Second)
	return &s
}

// momentValue is a flag such as 2026-01-31T08:00:00Z, or a duration that is counted from now.
type momentValue struct {
	value api.Time
	sign  time.Duration // of what a duration means: 1 ahead, -1 back
	now   func() time.Time
}

// Set reads the value.
func (m *momentValue) Set(text string) error {
	if d, err := api.ParseDuration(text); err == nil {
		m.value = api.TimeOf(m.now().Add(m.sign * d))
		return nil
	}
	var err error
	m.value, err = api.ParseTime(text)
	return err
}

// String gives no default.
func (m *momentValue) String() string { return "" }

// Type names the form in help texts.
func (m *momentValue) Type() string { return "time" }
