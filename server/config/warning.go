package config

import (
	"maps"
	"slices"
	"strings"

	"watchkeeper/api"
)

// otherVariables are ours although no setting has them: the last four are read by the commands that speak to a server.
var otherVariables = []string{FileVariable, prefix + "URL", prefix + "TOKEN", prefix + "TOKEN" + fileSuffix, prefix + "CA"}

// warnUnknown notes our variables that nothing reads, all in one warning.
func (l *loader) warnUnknown() {
	var known []string
	for _, s := range Settings() {
		if !s.FileOnly() {
			known = append(known, s.Variable(), s.Variable()+fileSuffix)
		}
	}
	known = append(known, otherVariables...)
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(l.environment)) {
		if slices.Contains(known, name) {
			continue
		}
		if near := api.Nearest(name, known); near != "" {
			name += " (did you mean " + near + "?)"
		}
		unknown = append(unknown, name)
	}
	if len(unknown) > 0 {
		l.Warnings = append(l.Warnings, "environment variables that are not known: "+strings.Join(unknown, ", "))
	}
}
