package api

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestErrorTexts(t *testing.T) {
	t.Parallel()
	var f Fields
	f.Add("body.name", "must not be %s", "empty")
	f.Add("body.tags", "must be short")
	for want, err := range map[string]error{
		"no service x":                    Errorf(KindNotFound, "no service %s", "x"),
		"cannot be stored: EOF":           Wrap(KindUnavailable, io.EOF, "cannot be stored"),
		"validation failed: query.a is b": Invalid("query.a", "is %s", "b"),
		"validation failed: body.name must not be empty; body.tags must be short": f.Err(),
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err.Error(), want)
		}
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want ErrorKind
	}{
		{nil, ""},
		{io.EOF, KindInternal},
		{Errorf(KindGone, "x"), KindGone},
		{fmt.Errorf("doing: %w", Errorf(KindConflict, "x")), KindConflict},
		{errors.Join(io.EOF, Errorf(KindTooMany, "x")), KindTooMany},
		{Wrap(KindUnavailable, Errorf(KindInternal, "inner"), "outer"), KindUnavailable},
	} {
		if got := KindOf(c.err); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
	if err := Wrap(KindUnavailable, io.EOF, "x"); !errors.Is(err, io.EOF) {
		t.Error("the cause is hidden from errors.Is")
	}
	if err := (Fields{}).Err(); err != nil {
		t.Errorf("no fields are wrong: %v", err)
	}
}
