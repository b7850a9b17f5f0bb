package config

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Input is where settings come from.
type Input struct {
	Flags   *pflag.FlagSet // filled by Flags and parsed; nil for none
	Environ []string       // as os.Environ gives it
}

// Loaded is the outcome of Load.
type Loaded struct {
	Config   Config
	File     string   // the settings file, empty for none
	Warnings []string // what is worth a line in the log at start
	sources  map[string]Source
}

// Load gathers the settings: a flag wins over a variable, a variable over the file, the file over the default; an empty
// variable or value in the file counts as not given. The error holds every problem, one or two lines each, and names
// the setting in the form in which it was given.
func Load(in Input) (*Loaded, error) {
	l := &loader{
		Loaded:      &Loaded{Config: Default(), sources: map[string]Source{}},
		flags:       in.Flags,
		environment: environment(in.Environ),
	}
	l.file()
	for _, s := range Settings() {
		l.setting(s)
	}
	l.warnUnknown()
	l.judge()
	if err := join(l.problems); err != nil {
		return nil, err
	}
	return l.Loaded, nil
}

type loader struct {
	*Loaded
	flags       *pflag.FlagSet
	environment map[string]string
	opened      *file // nil for none
	problems    []*problem
}

// environment gives our variables that are not empty.
func environment(environ []string) map[string]string {
	variables := map[string]string{}
	for _, assignment := range environ {
		if name, text, ok := strings.Cut(assignment, "="); ok && text != "" && strings.HasPrefix(name, prefix) {
			variables[name] = text
		}
	}
	return variables
}

func (l *loader) file() {
	source := Source{Origin: OriginEnvironment, Name: FileVariable}
	l.File = l.environment[FileVariable]
	if texts := given(l.flags, FileFlag); len(texts) > 0 {
		source = Source{Origin: OriginFlag, Name: "--" + FileFlag}
		l.File = texts[len(texts)-1]
	}
	if l.File == "" {
		return
	}
	data, err := readUpTo(l.File, maxFile)
	if err != nil {
		l.problems = append(l.problems, &problem{source: source, message: "must name a file that can be read: " + err.Error()})
		return
	}
	l.opened = readFile(l.File, data, &l.Config)
	maps.Copy(l.sources, l.opened.found)
	l.problems = append(l.problems, l.opened.problems...)
}

// setting takes the variable and the flag of a setting over what the file gave.
func (l *loader) setting(s Setting) {
	if s.FileOnly() {
		return
	}
	if texts := given(l.flags, s.Flag()); len(texts) > 0 {
		l.take(s, Source{Origin: OriginFlag, Name: "--" + s.Flag()}, texts)
		return
	}
	variable := s.Variable()
	text, set := l.environment[variable]
	path, named := l.environment[variable+fileSuffix]
	source := Source{Origin: OriginEnvironment, Name: variable}
	switch {
	case set && named:
		l.problem(s, source, "must not be set together with "+variable+fileSuffix)
	case named:
		source.Name += fileSuffix
		text, err := readSecretFile(path)
		switch {
		case err != nil:
			l.problem(s, source, err.Error())
		case text == "":
			// As an empty variable does: whoever lists all secrets in a compose file need not use them all.
			l.Warnings = append(l.Warnings, source.Name+" names an empty file, so "+s.Key+" counts as not set")
		default:
			l.take(s, source, []string{text})
		}
	case set:
		l.take(s, source, []string{text})
	}
}

// take sets a value from its texts, of which there are several when a flag was repeated: all items of a list, else the
// last.
func (l *loader) take(s Setting, source Source, texts []string) {
	text := texts[len(texts)-1]
	field := s.field(&l.Config)
	if _, many := field.(manyValue); many {
		text = strings.Join(texts, ",")
	}
	if err := field.set(text); err != nil {
		message := err.Error()
		if !s.Secret() && text != "" {
			message += fmt.Sprintf(", not %q", cut(text))
		}
		l.problem(s, source, message)
	}
	l.sources[s.Key] = source
}

func (l *loader) problem(s Setting, source Source, message string) {
	l.problems = append(l.problems, &problem{key: s.Key, source: source, message: message})
}

// judge checks the values that could be read, and names each by where it came from.
func (l *loader) judge() {
	for _, p := range l.Config.problems() {
		if slices.ContainsFunc(l.problems, func(known *problem) bool { return known.key == p.key }) {
			continue // its value is not what was given
		}
		s := byKey()[p.key]
		p.source = l.Source(p.key)
		switch p.source.Origin {
		case OriginDefault:
			p.key = "--" + s.Flag() + " or " + s.Variable()
		case OriginFile:
			p.line = l.opened.line(s, p.source.Line)
		}
		l.problems = append(l.problems, p)
	}
}

// readSecretFile gives the content of a file without the line break at its end.
func readSecretFile(path string) (string, error) {
	const most = 64 << 10
	data, err := readUpTo(path, most)
	if err != nil {
		return "", fmt.Errorf("must name a file that can be read: %w", err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if len(data) > most {
		return "", fmt.Errorf("must name a file of at most %s", FormatSize(most))
	}
	return text, nil
}

// readUpTo reads a file, at most one byte beyond limit, so that a device or a wrong name cannot fill the memory.
func readUpTo(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}
