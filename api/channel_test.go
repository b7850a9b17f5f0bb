package api

import (
	"strconv"
	"strings"
	"testing"
)

func TestChannelInput(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 51 {
		many[strconv.Itoa(i)] = "x"
	}
	for name, c := range map[string]struct {
		in   ChannelInput
		want []string
	}{
		"a channel":                {ChannelInput{Name: "ops.team-1_b", Kind: ChannelMail}, nil},
		"a name of 100":            {ChannelInput{Name: strings.Repeat("a", 100), Kind: ChannelMail}, nil},
		"a name of 101":            {ChannelInput{Name: strings.Repeat("a", 101), Kind: ChannelMail}, []string{"body.name"}},
		"no name":                  {ChannelInput{Kind: ChannelMail}, []string{"body.name"}},
		"a name with a colon":      {ChannelInput{Name: "a:b", Kind: ChannelMail}, []string{"body.name"}},
		"a name with a comma":      {ChannelInput{Name: "a,b", Kind: ChannelMail}, []string{"body.name"}},
		"a name with a line end":   {ChannelInput{Name: "a\n", Kind: ChannelMail}, []string{"body.name"}},
		"a hyphen at the start":    {ChannelInput{Name: "-a", Kind: ChannelMail}, []string{"body.name"}},
		"the name of a kind":       {ChannelInput{Name: "mail", Kind: ChannelMail}, []string{"body.name"}},
		"the same in capitals":     {ChannelInput{Name: "Pushover", Kind: ChannelMail}, []string{"body.name"}},
		"no kind":                  {ChannelInput{Name: "a"}, []string{"body.kind"}},
		"an unknown kind":          {ChannelInput{Name: "a", Kind: "pigeon"}, []string{"body.kind"}},
		"too many settings":        {ChannelInput{Name: "a", Kind: ChannelMail, Settings: many}, []string{"body.settings"}},
		"everything wrong at once": {ChannelInput{Settings: many}, []string{"body.name", "body.kind", "body.settings"}},
	} {
		err := c.in.Validate()
		if c.want != nil {
			wantFields(t, name, err, c.want...)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChannelKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range ChannelKinds {
		if !kind.Valid() {
			t.Errorf("%q is listed and not valid", kind)
		}
	}
	if ChannelKind("").Valid() || ChannelKind("Mail").Valid() {
		t.Error("what is no kind is valid")
	}
}

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Target{
		"mail:me@example.org":             {"mail", "me@example.org"},
		" mail : me@example.org ":         {"mail", "me@example.org"},
		"webhook:https://example.org:1/x": {"webhook", "https://example.org:1/x"},
		"shoutrrr:discord://token@id":     {"shoutrrr", "discord://token@id"},
		"ops":                             {"ops", ""},
		" ops\t":                          {"ops", ""},
		"ops:":                            {"ops", ""},
		":x":                              {"", "x"},
		"":                                {},
	} {
		if got := ParseTarget(text); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, text := range []string{"mail:me@example.org", "ops", ":x", "a:", " a : b : c ", "", "\u0085:\u00a0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		target := ParseTarget(text)
		if again := ParseTarget(target.String()); again != target {
			t.Fatalf("%q: %+v, written %q, read back %+v", text, target, target.String(), again)
		}
		if strings.TrimSpace(target.Channel) != target.Channel || strings.Contains(target.Channel, ":") {
			t.Fatalf("%q: channel %q", text, target.Channel)
		}
	})
}
