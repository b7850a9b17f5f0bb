package config

import (
	"errors"
	"fmt"
	"strings"
)

// problem is one setting that cannot be used as it is.
type problem struct {
	key     string // empty for a file that cannot be read at all
	path    string // from the setting to the place in its value
	source  Source
	message string
	line    string // the line of the file, without what may be secret
}

// Error names the setting in the form in which the user gave it, and shows the line of the file.
func (p *problem) Error() string {
	switch p.source.Origin {
	case OriginFile:
		text := p.source.String() + ": " + strings.TrimSpace(p.key+p.path+" "+p.message)
		if p.line != "" {
			text += fmt.Sprintf("\n%5d | %s", p.source.Line, p.line)
		}
		return text
	case OriginEnvironment, OriginFlag:
		return p.source.Name + " " + p.message
	}
	return p.key + " " + p.message
}

// join gives all problems as one error, nil for none.
func join(problems []*problem) error {
	errs := make([]error, 0, len(problems))
	for _, p := range problems {
		errs = append(errs, p)
	}
	return errors.Join(errs...)
}

// Validate reports every setting whose value cannot be used, by its key. Load does so too, and names the flag, variable
// or line instead.
func (c Config) Validate() error { return join(c.problems()) }

func (c Config) problems() []*problem {
	var problems []*problem
	for _, s := range Settings() {
		if s.check == nil {
			continue
		}
		if err := s.check(c); err != nil {
			problems = append(problems, &problem{key: s.Key, message: err.Error()})
		}
	}
	return problems
}
