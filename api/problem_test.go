package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// allKinds are the kinds that the constants name, with their statuses.
var allKinds = map[ErrorKind]int{
	KindMalformed: 400, KindUnauthorized: 401, KindForbidden: 403, KindNotFound: 404, KindMethod: 405, KindTimeout: 408,
	KindConflict: 409, KindGone: 410, KindTooLarge: 413, KindMediaType: 415, KindInvalid: 422, KindTooMany: 429,
	KindInternal: 500, KindUnavailable: 503,
}

func TestKindsAndStatuses(t *testing.T) {
	t.Parallel()
	for kind, status := range allKinds {
		if !kind.Valid() || kind.Status() != status || kind.Title() == "" || KindOfStatus(status) != kind {
			t.Errorf("%s: valid %v, status %d, title %q, back %s", kind, kind.Valid(), kind.Status(), kind.Title(), KindOfStatus(status))
		}
	}
	for status, want := range map[int]ErrorKind{
		402: KindMalformed, 418: KindMalformed, 431: KindMalformed, 501: KindInternal, 502: KindUnavailable, 504: KindUnavailable,
		507: KindInternal, 599: KindInternal,
	} {
		if got := KindOfStatus(status); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
	if ErrorKind("x").Status() != 500 {
		t.Error("an unknown kind is our fault")
	}
}

func TestProblemThereAndBack(t *testing.T) {
	t.Parallel()
	for kind, status := range allKinds {
		given := &Error{
			Kind: kind, Message: "what happened", RetryAfter: 7 * time.Second, Err: errors.New("hunter2"),
			Fields: []FieldError{{Location: "body.x", Message: "must be y", Value: "z"}},
		}
		p := ProblemOf(fmt.Errorf("outer hunter2: %w", given))
		text, err := json.Marshal(p)
		if err != nil || p.Status != status || strings.Contains(string(text), "hunter2") {
			t.Errorf("%s: %s, %v", kind, text, err)
		}
		back := ErrorOfAnswer(status, "7", text)
		want := &Error{Kind: kind, Message: given.Message, Fields: given.Fields, RetryAfter: given.RetryAfter}
		if kind == KindInternal {
			want.Message, want.Fields = hidden, nil
		}
		if !reflect.DeepEqual(back, want) {
			t.Errorf("%s: %+v, want %+v", kind, back, want)
		}
	}
}

func TestProblemOfOtherErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		kind ErrorKind
	}{
		{errors.New("hunter2"), KindInternal},
		{&Error{Kind: "odd", Message: "hunter2"}, KindInternal},
		{fmt.Errorf("hunter2: %w", context.DeadlineExceeded), KindUnavailable},
	} {
		p := ProblemOf(c.err)
		if p.Code != c.kind || p.Status != c.kind.Status() || p.Detail == "" || strings.Contains(p.Detail, "hunter2") {
			t.Errorf("%v: %+v", c.err, p)
		}
	}
}

func TestErrorOfAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status      int
		retry, body string
		want        Error
	}{
		"page of a proxy":    {502, "", "<html>Bad Gateway", Error{Kind: KindUnavailable, Message: "the server answered 502"}},
		"nothing":            {404, "", "", Error{Kind: KindNotFound, Message: "the server answered 404"}},
		"other JSON":         {403, "", `{"result":403}`, Error{Kind: KindForbidden, Message: "the server answered 403"}},
		"code of the future": {401, "", `{"code":"revoked","detail":"gone"}`, Error{Kind: KindUnauthorized, Message: "gone"}},
		"title only":         {409, "", `{"title":"Conflict"}`, Error{Kind: KindConflict, Message: "Conflict"}},
		"code only":          {409, "", `{"code":"conflict"}`, Error{Kind: KindConflict, Message: "Conflict"}},
		"with a wait":        {503, " 12 ", "", Error{Kind: KindUnavailable, Message: "the server answered 503", RetryAfter: 12 * time.Second}},
		"with a bad wait":    {503, "soon", "", Error{Kind: KindUnavailable, Message: "the server answered 503"}},
		"with a past wait":   {503, "-1", "", Error{Kind: KindUnavailable, Message: "the server answered 503"}},
	} {
		if got := ErrorOfAnswer(c.status, c.retry, []byte(c.body)); !reflect.DeepEqual(*got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
