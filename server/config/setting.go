package config

import (
	"slices"
	"strings"
)

// prefix is that of all our environment variables.
const prefix = "WATCHKEEPER_"

// fileSuffix makes the name of the variable that names a file with the value.
const fileSuffix = "_FILE"

// Group gathers settings that belong together, for the documentation and for commands that need only some.
type Group string

// The groups of settings, in the order in which they are shown.
const (
	GroupServer    Group = "Server"
	GroupStorage   Group = "Storage"
	GroupRetention Group = "Retention"
	GroupAccess    Group = "Access and TLS"
	GroupAlerts    Group = "Alerts"
	GroupInput     Group = "Pulses and events"
)

var groups = []Group{GroupServer, GroupStorage, GroupRetention, GroupAccess, GroupAlerts, GroupInput}

// Valid reports whether g is one of the groups.
func (g Group) Valid() bool {
	return slices.Contains(groups, g)
}

// Setting is one entry of the table: a name, and everything that follows from it.
type Setting struct {
	Key   string // as in the file, with a dot for each level
	Group Group
	Form  string // what a value looks like
	Help  string

	field func(*Config) value
	check func(Config) error  // what must hold beyond the form; its error reads like one of value
	mask  func(Config) string // what may be shown of a value with something secret inside; nil shows all
}

// formSwitch is the form of a setting that is true or false.
const formSwitch = "bool"

// formFileOnly is the form of a setting that only the file can hold.
const formFileOnly = "list"

// formOf gives the form of a setting that is one of a few words.
func formOf[T ~string](words []T) string { return strings.ReplaceAll(joined(words), ", ", "|") }

// Flag gives the name of the flag, without its dashes.
func (s Setting) Flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.Key) }

// Variable gives the name of the environment variable.
func (s Setting) Variable() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
}

// FileOnly reports whether only the file can hold the setting, which then has no flag and no variable.
func (s Setting) FileOnly() bool { return s.Form == formFileOnly }

// Secret reports whether the value is or may contain a secret.
func (s Setting) Secret() bool { return s.mask != nil }

// Default gives the text of the default, empty where there is none.
func (s Setting) Default() string {
	c := Default()
	return s.field(&c).String()
}

// shown gives the text of the value in c, without what is secret.
func (s Setting) shown(c *Config) string {
	text := s.field(c).String()
	if s.mask == nil || text == "" {
		return text
	}
	return s.mask(*c)
}
