package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"watchkeeper/api"
)

// exitCode is what scripts learn of a command.
type exitCode int

// The exit codes.
const (
	exitDone    exitCode = 0
	exitAmiss   exitCode = 1 // something is down or not as asked
	exitUsage   exitCode = 2 // wrong usage
	exitRefused exitCode = 3 // could not reach or was refused
)

// usageError says that the command line is wrong.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// wrongUsage makes an error of the command line that was noticed after it was understood.
func wrongUsage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// refusal says that something was refused, whatever kind of error that is elsewhere.
type refusal struct{ error }

func (e refusal) Unwrap() error { return e.error }

// hinted is an error with what to do about it.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }

// errAmiss is exitAmiss for a command that has said all there is to say.
var errAmiss = errors.New("not as it should be")

var errNoCommand = errors.New("a command is missing")

func unknownCommand(c *cobra.Command, name string) error {
	if near := c.SuggestionsFor(name); len(near) > 0 {
		return fmt.Errorf("there is no command %q, did you mean %s?", name, strings.Join(near, " or "))
	}
	return fmt.Errorf("there is no command %q", name)
}

// codeOf gives the exit code of an error.
func codeOf(err error) exitCode {
	var wrong usageError
	var known *api.Error
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &wrong):
		return exitUsage
	case errors.As(err, new(refusal)):
		return exitRefused
	case !errors.As(err, &known):
		return exitAmiss
	}
	switch known.Kind {
	case api.KindInvalid, api.KindMalformed, api.KindTooLarge:
		return exitUsage
	case api.KindUnauthorized, api.KindForbidden, api.KindTimeout, api.KindTooMany, api.KindInternal, api.KindUnavailable:
		return exitRefused
	}
	return exitAmiss
}

// complain says what went wrong, and where there is something, what to do about it.
func (r *run) complain(cmd *cobra.Command, err error) {
	switch {
	case err == nil, errors.Is(err, errAmiss):
		return
	case errors.Is(err, errNoCommand):
		cmd.SetOut(r.Err)
		_ = cmd.Help() // there is nobody else to tell
		return
	}
	said := lines(err)
	r.say("watchkeeper: %s", said[0])
	for _, line := range said[1:] {
		r.say("  %s", line)
	}
	var wrong usageError
	if errors.As(err, &wrong) {
		r.say("See: %s --help", cmd.CommandPath())
		return
	}
	if hint := hintFor(err); hint != "" {
		r.say("%s", hint)
	}
}

// lines gives the text of an error, one line for each field that is wrong.
func lines(err error) []string {
	var known *api.Error
	if !errors.As(err, &known) || len(known.Fields) == 0 {
		return strings.Split(err.Error(), "\n")
	}
	out := []string{known.Message}
	for _, f := range known.Fields {
		place := f.Location
		for _, prefix := range []string{"body[0].", "body.", "query.", "path."} {
			place = strings.TrimPrefix(place, prefix)
		}
		out = append(out, place+" "+f.Message)
	}
	return out
}

// hintFor gives what to do about an error, empty where the error says so itself.
func hintFor(err error) string {
	var own hinted
	var known *api.Error
	switch {
	case errors.As(err, &own):
		return own.hint
	case !errors.As(err, &known):
		return ""
	case known.Kind == api.KindUnauthorized:
		return "The server does not know this token or password. Give one with --token or WATCHKEEPER_TOKEN."
	case known.Kind == api.KindForbidden:
		return "Another token may: see watchkeeper token create --help."
	case known.Kind == api.KindUnavailable && strings.Contains(err.Error(), "x509: "):
		return "Name the certificate authority of the server with --ca; its ca.pem is in its data folder and at /ca.pem."
	}
	return ""
}

// say writes a line for the person.
func (r *run) say(format string, args ...any) {
	_, _ = fmt.Fprintln(r.Err, harmless(fmt.Sprintf(format, args...)))
}
