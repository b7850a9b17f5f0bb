package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"watchkeeper/api"
)

// Fault is something wrong at a line of a file.
type Fault struct {
	Line    int    // from 1; 0 where it is about no line
	At      string // the place, such as services[3].grace; may be empty
	Message string
}

func (f Fault) String() string {
	text := strings.TrimSpace(f.At + " " + f.Message)
	if f.Line > 0 {
		text = fmt.Sprintf("line %d: %s", f.Line, text)
	}
	return text
}

// Error is all that is wrong in a file, by line.
type Error struct{ Faults []Fault }

// maxFaults is how many are listed.
const maxFaults = 50

// Error gives one line for each fault.
func (e *Error) Error() string {
	var lines []string
	for i, f := range e.Faults {
		if i == maxFaults {
			lines = append(lines, fmt.Sprintf("and %d more", len(e.Faults)-maxFaults))
			break
		}
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

// faultError gives the faults as an error, nil for none.
func faultError(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	slices.SortStableFunc(faults, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
	return &Error{faults}
}

// fieldsOf gives what an error of package api says of each field, with the path of the field.
func fieldsOf(err error) []api.FieldError {
	var wrong *api.Error
	if !errors.As(err, &wrong) {
		return nil
	}
	fields := slices.Clone(wrong.Fields)
	if len(fields) == 0 {
		fields = []api.FieldError{{Message: wrong.Message}}
	}
	for i := range fields {
		fields[i].Location = strings.TrimPrefix(fields[i].Location, "body.")
	}
	return fields
}
