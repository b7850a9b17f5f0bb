package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// maxInput bounds what is read of a secret.
const maxInput = 64 << 10

// terminal gives the terminal that input comes from, if it does.
func (r *run) terminal() (*os.File, bool) {
	f, ok := r.In.(*os.File)
	return f, ok && isTerminal(f)
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// consent is whether the command line says yes to what would be asked.
type consent struct{ given bool }

func consentFlag(f *pflag.FlagSet) *consent {
	c := &consent{}
	f.BoolVar(&c.given, "yes", false, "do not ask")
	return c
}

// confirm asks before something is done that cannot be undone. Where there is nobody to ask it is refused.
func (r *run) confirm(question string, c *consent) error {
	if c.given {
		return nil
	}
	if _, is := r.terminal(); !is {
		return wrongUsage("%s This is no terminal, so nobody can be asked: add --yes", question)
	}
	_, _ = fmt.Fprintf(r.Err, "%s [y/N] ", question)
	answer, err := bufio.NewReader(r.In).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	r.say("Nothing was changed.")
	return errAmiss
}

// secret reads a secret, without echo and twice where it is typed.
func (r *run) secret(what string) (string, error) {
	t, is := r.terminal()
	if !is {
		return r.secretLine(what)
	}
	first, err := r.typed(t, what)
	if err != nil {
		return "", err
	}
	second, err := r.typed(t, what+" again")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", wrongUsage("the two are not the same, nothing was changed")
	}
	return first, nil
}

func (r *run) typed(t *os.File, what string) (string, error) {
	_, _ = fmt.Fprintf(r.Err, "%s: ", what)
	text, err := term.ReadPassword(int(t.Fd()))
	r.say("")
	if err != nil {
		return "", fmt.Errorf("reading from the terminal: %w", err)
	}
	return string(text), nil
}

// secretLine reads a secret that is piped in: all there is, without the line break at its end.
func (r *run) secretLine(what string) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r.In, maxInput+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the standard input: %w", err)
	case len(text) > maxInput:
		return "", wrongUsage("the standard input is too long to be a secret")
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if line == "" {
		return "", wrongUsage("%s: nothing came from the standard input", what)
	}
	return line, nil
}
