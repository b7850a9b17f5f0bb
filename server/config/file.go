package config

import (
	"fmt"
	"strings"
	"unicode"

	"watchkeeper/api"
	"watchkeeper/api/yamlfile"
)

// maxFile is the largest settings file, in bytes.
const maxFile = 256 << 10

// file reads a YAML file into a Config.
type file struct {
	name     string
	lines    []string
	settings map[string]Setting
	into     *Config
	found    map[string]Source // where each setting stands, by key
	problems []*problem
}

// readFile reads the settings of a file into c.
func readFile(name string, data []byte, c *Config) *file {
	f := &file{name: name, settings: byKey(), into: c, found: map[string]Source{}}
	if len(data) > maxFile {
		f.problem(Setting{}, fault{message: fmt.Sprintf("must be at most %s", FormatSize(maxFile))})
		return f
	}
	f.lines = yamlfile.Lines(data)
	root, faults := yamlfile.Read(data)
	for _, found := range faults {
		f.problem(Setting{}, fault{line: found.Line, message: found.Message})
	}
	if len(faults) == 0 {
		f.section("", root)
	}
	return f
}

func byKey() map[string]Setting {
	settings := map[string]Setting{}
	for _, s := range Settings() {
		settings[s.Key] = s
	}
	return settings
}

// section reads a map of settings, whose keys all begin the same.
func (f *file) section(beginning string, n yamlfile.Node) {
	pairs, err := pairsIn(n)
	if err != nil {
		f.problem(Setting{}, fault{line: n.Line, path: strings.TrimSuffix(beginning, "."), message: err.Error()})
	}
	for _, p := range pairs {
		key := beginning + p.Key
		setting, known := f.settings[key]
		switch {
		case known:
			f.setting(setting, p)
		case f.isSection(key + "."):
			f.section(key+".", p.Value)
		default:
			f.problem(Setting{}, fault{line: p.Line, path: key, message: unknownKey(key, keysOf(f.settings))})
		}
	}
}

func (f *file) isSection(beginning string) bool {
	for key := range f.settings {
		if strings.HasPrefix(key, beginning) {
			return true
		}
	}
	return false
}

func (f *file) setting(s Setting, p yamlfile.Pair) {
	if _, twice := f.found[s.Key]; twice {
		f.problem(s, fault{line: p.Line, message: "must not be given twice"})
		return
	}
	if p.Value.Kind == yamlfile.None || p.Value.Kind == yamlfile.Text && p.Value.Text == "" {
		return // as an empty variable: not set
	}
	var faults []fault
	var err error
	field := s.field(f.into)
	structured, isNode := field.(nodeValue)
	several, isMany := field.(manyValue)
	switch {
	case isNode:
		faults = structured.decode(p.Value)
	case isMany && p.Value.Kind == yamlfile.List:
		var items []string
		if items, err = textsIn(p.Value); err == nil {
			err = several.setAll(items)
		}
	default:
		if err = p.Value.Expect(yamlfile.Text); err == nil {
			err = field.set(p.Value.Text)
		}
	}
	if err != nil {
		faults = append(faults, fault{line: p.Value.Line, message: err.Error()})
	}
	for _, found := range faults {
		f.problem(s, found)
	}
	f.found[s.Key] = f.source(p.Line)
}

func (f *file) source(line int) Source { return Source{Origin: OriginFile, Name: f.name, Line: line} }

func (f *file) problem(s Setting, found fault) {
	f.problems = append(f.problems, &problem{
		key: s.Key, path: found.path, source: f.source(found.line), message: found.message, line: f.line(s, found.line),
	})
}

// line gives a line of the file to show beside a problem: whole for a setting that is no secret, else its key alone,
// because a misspelt or misplaced line may hold a password.
func (f *file) line(s Setting, number int) string {
	if number < 1 || number > len(f.lines) {
		return ""
	}
	text := strings.TrimRight(f.lines[number-1], " \t")
	if s.Key != "" && !s.Secret() && !f.mentionsSecret(text) {
		return cut(text)
	}
	start := len(text) - len(strings.TrimLeft(text, " \t-{[\"'"))
	end := start + strings.IndexAny(text[start:]+" ", ": ")
	_, known := f.settings[text[start:end]]
	switch after := text[end:]; {
	case after == ":", strings.HasPrefix(after, ": "):
		return cut(text[:end]) + ": ..."
	case known:
		return cut(text[:end]) + " ..."
	}
	return cut(text[:start]) + "..."
}

// mentionsSecret reports whether a line in braces may hold another setting that is a secret.
func (f *file) mentionsSecret(text string) bool {
	for key, s := range f.settings {
		if s.Secret() && strings.Contains(text, key) {
			return true
		}
	}
	return false
}

// cut makes a text fit for one line of a terminal.
func cut(text string) string {
	const most = 120
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

func keysOf[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}

// unknownKey says that a key is not known, and which one may have been meant.
func unknownKey(key string, known []string) string {
	if near := api.Nearest(key, known); near != "" {
		return "is not known, did you mean " + near + "?"
	}
	return "is not known"
}
