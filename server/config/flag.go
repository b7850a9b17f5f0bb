package config

import (
	"slices"

	"github.com/spf13/pflag"
)

// FileFlag is the name of the flag that names the settings file, and FileVariable the variable.
const (
	FileFlag     = "config"
	FileVariable = prefix + "CONFIG"
)

// Flags adds the flag of the settings file and those of all settings of the groups, of every group when none is given.
// Load reads them; a mistake in a value is reported there.
func Flags(fs *pflag.FlagSet, wanted ...Group) {
	fs.Var(&flagValue{form: "file"}, FileFlag, "YAML file with settings ["+FileVariable+"]")
	for _, s := range Settings() {
		if s.FileOnly() || len(wanted) > 0 && !slices.Contains(wanted, s.Group) {
			continue
		}
		f := fs.VarPF(&flagValue{form: s.Form, initial: s.Default()}, s.Flag(), "", s.Help+" ["+s.Variable()+"]")
		if s.Form == formSwitch {
			f.NoOptDefVal = "true"
		}
	}
}

// flagValue keeps what was given on the command line as it is, so that everything is judged in one place.
type flagValue struct {
	form    string
	initial string
	given   []string
}

// Set notes one more occurrence of the flag.
func (f *flagValue) Set(text string) error {
	f.given = append(f.given, text)
	return nil
}

// String gives the default and never what was given, which may be a secret.
func (f *flagValue) String() string { return f.initial }

// Type gives the form of the value, for the help text.
func (f *flagValue) Type() string { return f.form }

// given gives every occurrence of a flag, none when there are none or no flags at all.
func given(fs *pflag.FlagSet, name string) []string {
	if fs == nil {
		return nil
	}
	f := fs.Lookup(name)
	if f == nil {
		return nil
	}
	if v, ok := f.Value.(*flagValue); ok {
		return v.given
	}
	return nil
}
