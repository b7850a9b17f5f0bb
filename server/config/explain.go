package config

import (
	"fmt"
	"log/slog"
	"strings"
)

// Explained is the value of one setting as it may be shown to anybody who may see settings.
type Explained struct {
	Key    string
	Value  string // secrets are ***
	Source Source
}

// Source gives where the value of a setting came from.
func (l *Loaded) Source(key string) Source {
	if source, ok := l.sources[key]; ok {
		return source
	}
	return Source{Origin: OriginDefault}
}

// Explain gives every setting with its value and where that came from, in the order of Settings.
func (l *Loaded) Explain() []Explained {
	var all []Explained
	for _, s := range Settings() {
		all = append(all, Explained{Key: s.Key, Value: s.shown(&l.Config), Source: l.Source(s.Key)})
	}
	return all
}

// String gives the settings that are not empty, with secrets masked, so that printing a Config by mistake shows none.
func (c Config) String() string {
	var parts []string
	for _, s := range Settings() {
		if text := s.shown(&c); text != "" {
			parts = append(parts, fmt.Sprintf("%s=%q", s.Key, text))
		}
	}
	return strings.Join(parts, " ")
}

// GoString is String, for the verb %#v.
func (c Config) GoString() string { return c.String() }

// LogValue gives the same as String, as attributes.
func (c Config) LogValue() slog.Value {
	var attributes []slog.Attr
	for _, s := range Settings() {
		if text := s.shown(&c); text != "" {
			attributes = append(attributes, slog.String(s.Key, text))
		}
	}
	return slog.GroupValue(attributes...)
}
