package command

import (
	"cmp"
	"strings"

	"github.com/spf13/pflag"

	"watchkeeper/api"
)

// matchValue is a flag that may be repeated and holds matchers.
type matchValue struct{ matchers api.Matchers }

func matchFlag(f *pflag.FlagSet, match *matchValue) {
	f.Var(match, "match", `what it is about: matchers on name, kind, host, tag and level such as 'tag=~"prod|staging"'; may be repeated, all must hold`)
}

// Set reads one value.
func (m *matchValue) Set(text string) error {
	more, err := api.ParseMatchers(text)
	m.matchers = append(m.matchers, more...)
	return err
}

// String gives no default.
func (m *matchValue) String() string { return "" }

// Type names the form in help texts.
func (m *matchValue) Type() string { return "matchers" }

// matchOf gives matchers for people.
func matchOf(m api.Matchers) string { return cmp.Or(m.String(), "everything") }

func joined(list []string) string { return strings.Join(list, ", ") }
