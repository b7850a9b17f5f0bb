package notify

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
)

func TestDuration(t *testing.T) {
	tests := map[time.Duration]string{
		0:                                     "0 seconds",
		-time.Second:                          "1 second",
		250 * time.Millisecond:                "250 milliseconds",
		time.Second:                           "1 second",
		59*time.Second + 999*time.Millisecond: "59 seconds",
		time.Minute:                           "1 minute",
		65 * time.Second:                      "1 minute 5 seconds",
		time.Hour + 59*time.Second:            "1 hour",
		25 * time.Hour:                        "1 day 1 hour",
		49*time.Hour + 59*time.Minute:         "2 days 1 hour",
		1000 * 24 * time.Hour:                 "1000 days",
	}
	for d, want := range tests {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%v) = %q, want %q", d, got, want)
		}
	}
	if got := Duration(math.MinInt64); got == "" {
		t.Error("the longest length of time has no words")
	}
}

func TestAgo(t *testing.T) {
	now := api.Time(1_800_000_000_000)
	for _, test := range []struct {
		before time.Duration
		want   string
	}{
		{0, "just now"},
		{999 * time.Millisecond, "just now"},
		{5 * time.Minute, "5 minutes ago"},
		{-2 * time.Hour, "in 2 hours"},
	} {
		if got := Ago(now.Add(-test.before), now); got != test.want {
			t.Errorf("%v before: %q, want %q", test.before, got, test.want)
		}
	}
}

func TestWatchTowerTexts(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	last := api.TimeOf(time.Date(2026, 7, 30, 14, 5, 7, 999e6, zone))
	down := api.Change{
		SubjectKind: api.SubjectService, Subject: "S", From: api.StateUp, To: api.StateDown,
		Facts: api.Facts{LastPulse: last},
	}
	up := api.Change{SubjectKind: api.SubjectService, Subject: "S", From: api.StateDown, To: api.StateUp}
	event := api.Change{SubjectKind: api.SubjectEvent, Subject: "17", Facts: api.Facts{Service: "S", Message: "full\ndisk"}}
	for name, test := range map[string]struct {
		message     Message
		title, text string
	}{
		"dead":      {OfChange(&down, AboutOpened, zone), "Service S has not pulsed", "The service S is not pulsing since 20260730 14:05:07"},
		"reminder":  {OfChange(&down, AboutRepeated, zone), "Service S has not pulsed", "The service S is not pulsing since 20260730 14:05:07"},
		"recovered": {OfChange(&up, AboutRecovered, zone), "Service S is pulsing again", "The service S is pulsing again"},
		"event":     {OfChange(&event, AboutOpened, zone), "S", "full\ndisk"},
		"no zone":   {OfChange(&down, AboutOpened, nil), "Service S has not pulsed", "The service S is not pulsing since 20260730 12:05:07"},
	} {
		if test.message.Title != test.title || test.message.Text != test.text {
			t.Errorf("%s: %q, %q; want %q, %q", name, test.message.Title, test.message.Text, test.title, test.text)
		}
	}
}

func TestFacts(t *testing.T) {
	base := api.Time(1_785_400_000_000)
	exit := 3
	change := api.Change{
		SubjectKind: api.SubjectService, Subject: "S", From: api.StateUp, To: api.StateDown, Reason: api.ReasonTimeout,
		At: base, Facts: api.Facts{LastPulse: base.Add(-time.Hour), NextIn: 3600, Grace: 60, Host: "nas", Tags: []string{"a", "b"}},
	}
	m := OfChange(&change, AboutOpened, time.UTC)
	m.Now = base.Add(2 * time.Second)
	want := []Fact{
		{"Down since", "2026-07-30 08:26:40 +00:00, 2 seconds ago"},
		{"Last pulse", "2026-07-30 07:26:40 +00:00, 1 hour ago"},
		{"Why", "no pulse came in time: one was due within 1 hour, with a grace of 1 minute"},
		{"Host", "nas"},
		{"Tags", "a, b"},
	}
	if diff := cmp.Diff(want, m.Facts()); diff != "" {
		t.Errorf("opened (-want +got):\n%s", diff)
	}
	change.From, change.To, change.Reason = api.StateDown, api.StateUp, api.ReasonPulse
	change.Facts.Since, change.Facts.Tags, change.Facts.Host = base.Add(-65*time.Minute), nil, ""
	m = OfChange(&change, AboutRecovered, time.UTC)
	m.Now = base
	want = []Fact{
		{"Was down for", "1 hour 5 minutes"},
		{"Went down", "2026-07-30 07:21:40 +00:00, 1 hour 5 minutes ago"},
		{"Came back", "2026-07-30 08:26:40 +00:00, just now"},
		{"Last pulse", "2026-07-30 07:26:40 +00:00, 1 hour ago"},
	}
	if diff := cmp.Diff(want, m.Facts()); diff != "" {
		t.Errorf("recovered (-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		message Message
		want    string
	}{
		{Message{Reason: api.ReasonTimeout}, "no pulse came in time"},
		{Message{Reason: api.ReasonFail}, "it reported a failure"},
		{Message{Reason: api.ReasonFail, Found: "HTTP 503"}, "its probe found: HTTP 503"},
		{Message{Reason: api.ReasonFail, ExitCode: &exit}, "it reported a failure with exit code 3"},
		{Message{Reason: api.ReasonTooLong, RunTime: 2 * time.Hour}, "its last run took 2 hours, longer than it may"},
		{Message{Reason: api.ReasonTooFast, RunTime: 20 * time.Millisecond}, "its last run took 20 milliseconds, less than it should"},
		{Message{Reason: api.ReasonNotFinished}, "it started and did not finish in time"},
		{Message{Reason: "disk_full"}, "disk full"},
		{Message{}, ""},
	} {
		if got := test.message.Why(); got != test.want {
			t.Errorf("why of %q: %q, want %q", test.message.Reason, got, test.want)
		}
	}
}

func TestNotesOfGapAndReminder(t *testing.T) {
	base := api.Time(1_785_400_000_000)
	m := Message{About: AboutRepeated, Since: base, Now: base.Add(3 * time.Hour), Gap: &api.Gap{From: base, To: base.Add(time.Minute)}}
	if got, want := m.Reminder(), "This is a reminder: it has been down for 3 hours."; got != want {
		t.Errorf("reminder %q, want %q", got, want)
	}
	want := "This may be due to Watchkeeper's own absence from 2026-07-30 08:26:40 +00:00 to 2026-07-30 08:27:40 +00:00 (1 minute)."
	if got := m.GapNote(); got != want {
		t.Errorf("gap %q, want %q", got, want)
	}
	m.Gap.Restored = true
	want = "Watchkeeper was restored from a backup: what it heard from 2026-07-30 08:26:40 +00:00 to 2026-07-30 08:27:40 +00:00 is lost."
	if got := m.GapNote(); got != want {
		t.Errorf("gap of a restore %q, want %q", got, want)
	}
	m = Message{About: AboutOpened, Since: base, Now: base.Add(3 * time.Hour)}
	if m.Reminder() != "" || m.GapNote() != "" {
		t.Errorf("a first message without a gap says %q, %q", m.Reminder(), m.GapNote())
	}
}

func TestDigest(t *testing.T) {
	item := func(kind api.SubjectKind, name string, state api.State) Item {
		return Item{Kind: kind, Name: name, State: state}
	}
	down, up := api.StateDown, api.StateUp
	service, host, event := api.SubjectService, api.SubjectHost, api.SubjectEvent
	for _, test := range []struct {
		items  []Item
		title  string
		urgent bool
	}{
		{[]Item{item(service, "a", down)}, "1 service needs attention", true},
		{[]Item{item(service, "a", down), item(service, "b", api.StateLate)}, "2 services need attention", true},
		{[]Item{item(service, "a", down), item(service, "b", up)}, "1 service needs attention", true},
		{[]Item{item(service, "a", up), item(service, "b", api.StatePaused)}, "2 services changed, none is down", false},
		{[]Item{item(host, "a", down), item(host, "b", down)}, "2 hosts need attention", true},
		{[]Item{item(host, "a", down), item(service, "b", down)}, "2 services and hosts need attention", true},
		{[]Item{item(service, "a", down), item(event, "x", "")}, "1 service needs attention, 1 event", true},
		{[]Item{item(event, "x", ""), item(event, "y", "")}, "2 events", false},
	} {
		m := OfDigest(test.items, time.UTC)
		if m.Title != test.title || m.Urgent() != test.urgent {
			t.Errorf("digest of %v: %q, urgent %v; want %q, %v", test.items, m.Title, m.Urgent(), test.title, test.urgent)
		}
	}
	given := []Item{item(service, "b", up), item(event, "e", ""), item(service, "z", down), item(service, "c", api.StateLate), item(service, "a", down)}
	var order []string
	for _, i := range OfDigest(given, time.UTC).Items {
		order = append(order, i.Name)
	}
	if got := strings.Join(order, ""); got != "azceb" {
		t.Errorf("order %q, want down, late, events, rest", got)
	}
	if given[0].Name != "b" {
		t.Error("the caller's list was put in order, too")
	}
}

func TestBrief(t *testing.T) {
	m := OfDigest(nil, time.UTC)
	m.Text = "3 services need attention"
	for range 10_000 {
		m.Items = append(m.Items, Item{Kind: api.SubjectService, Name: "größe", State: api.StateDown})
	}
	got := m.Brief(1024)
	if n := utf8.RuneCountInString(got); n != 1024 || !strings.HasPrefix(got, m.Text+"\ngröße is down\n") || !strings.HasSuffix(got, "…") {
		t.Errorf("%d characters: %.60q...", n, got)
	}
	if got := m.Brief(-5); got != "" {
		t.Errorf("no room gives %q", got)
	}
}

func FuzzCut(f *testing.F) {
	f.Add("größe", 3)
	f.Add("", 0)
	f.Add("\xff\xfe日本", 2)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got := Cut(s, limit)
		if n := utf8.RuneCountInString(got); n > max(limit, 0) {
			t.Errorf("Cut(%q, %d) = %q has %d characters", s, limit, got, n)
		}
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("Cut(%q, %d) = %q splits a character", s, limit, got)
		}
		if kept, cut := strings.CutSuffix(got, "…"); !strings.HasPrefix(s, got) && (!cut || !strings.HasPrefix(s, kept)) {
			t.Errorf("Cut(%q, %d) = %q is not its beginning", s, limit, got)
		}
	})
}

func FuzzOneLine(f *testing.F) {
	f.Add("a\r\nBcc: b@example.org")
	f.Add("\x1b[2J\u0085\u2028 x")
	f.Fuzz(func(t *testing.T, s string) {
		got := OneLine(s)
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) && r > '\u200f' && r != '\u061c' {
				t.Errorf("OneLine(%q) = %q holds %U", s, got, r)
			}
		}
		if !utf8.ValidString(got) || OneLine(got) != got {
			t.Errorf("OneLine(%q) = %q is not clean", s, got)
		}
	})
}
