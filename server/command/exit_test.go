package command

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"watchkeeper/api"
)

func TestExitCodes(t *testing.T) {
	tests := map[string]struct {
		err  error
		want exitCode
	}{
		"done":                  {nil, exitDone},
		"something is down":     {errAmiss, exitAmiss},
		"wrong usage":           {wrongUsage("no"), exitUsage},
		"refused":               {refusal{api.Errorf(api.KindConflict, "no")}, exitRefused},
		"anything else":         {errors.New("no"), exitAmiss},
		"wrapped":               {fmt.Errorf("doing: %w", errors.Join(api.Errorf(api.KindUnavailable, "no"))), exitRefused},
		"usage within a hint":   {hinted{api.Invalid("x", "no"), "hint"}, exitUsage},
		"an error of the usage": {usageError{api.Errorf(api.KindUnavailable, "no")}, exitUsage},
	}
	for kind, want := range map[api.ErrorKind]exitCode{
		api.KindMalformed: exitUsage, api.KindUnauthorized: exitRefused, api.KindForbidden: exitRefused, api.KindNotFound: exitAmiss,
		api.KindMethod: exitAmiss, api.KindTimeout: exitRefused, api.KindConflict: exitAmiss, api.KindGone: exitAmiss,
		api.KindTooLarge: exitUsage, api.KindMediaType: exitAmiss, api.KindInvalid: exitUsage, api.KindTooMany: exitRefused,
		api.KindInternal: exitRefused, api.KindUnavailable: exitRefused,
	} {
		tests["the server says "+string(kind)] = struct {
			err  error
			want exitCode
		}{api.Errorf(kind, "no"), want}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := codeOf(test.err); got != test.want {
				t.Errorf("exit code %d, want %d", got, test.want)
			}
		})
	}
}

func TestEveryFieldIsNamed(t *testing.T) {
	p, _, complaints := process()
	var f api.Fields
	f.Add("body.next_in", "must be less")
	f.Add("body[0].level", "must be a level")
	f.Add("query.limit", "must be a number")
	(&run{Process: p}).complain(nil, f.Err())
	want := "watchkeeper: validation failed\n  next_in must be less\n  level must be a level\n  limit must be a number\n"
	if got := complaints.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if strings.Contains(complaints.String(), "body") {
		t.Error("places of the interface are shown")
	}
}
