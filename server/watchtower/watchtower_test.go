package watchtower

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchkeeper/api"
)

func paris(tb testing.TB) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		tb.Fatal(err)
	}
	return zone
}

func at(tb testing.TB, text string) api.Time {
	tb.Helper()
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		tb.Fatal(err)
	}
	return api.TimeOf(t)
}

func TestBeats(t *testing.T) {
	noon := at(t, "2026-01-31T11:00:00Z") // 12:00:00 in Paris
	for line, want := range map[string]Beat{
		"backup;3600;20260131;12:00:00;1769860800;13:00:00;pulse":   {Service: "backup", NextIn: 3600, At: noon, Expected: noon.Add(time.Hour), Action: ActionPulse},
		"backup;3600;2026-01-31;12:00:00;1769860800;13:00:00;alert": {Service: "backup", NextIn: 3600, At: noon, Expected: noon.Add(time.Hour), Action: ActionAlert},
		"a;b;60;20260131;12:00:01;1769857260;12:01:00;pulse":        {Service: "a;b", NextIn: 60, At: noon, Expected: noon.Add(time.Minute), Action: ActionPulse},
		"é;60;20260131;12:00:00;1769857260.5;x;cancel":              {Service: "é", NextIn: 60, At: noon, Expected: noon.Add(60500 * time.Millisecond), Action: ActionCancel},
		"far off;60;20260131;12:00:00;1700000000;x;pulse":           {Service: "far off", NextIn: 60, At: noon, Expected: 1_700_000_000_000, Action: ActionPulse},
	} {
		got, reason := parseBeat(line, &clock{zone: paris(t)})
		if diff := cmp.Diff(want, got); reason != "" || diff != "" {
			t.Errorf("%s: %s %s", line, reason, diff)
		}
	}
	for line, says := range map[string]string{
		"":    "too few fields",
		"a;b": "too few fields",
		";60;20260131;12:00:00;1769857260;12:01:00;pulse":                             "names a service that",
		"a\x01;60;20260131;12:00:00;1769857260;12:01:00;pulse":                        "names a service that",
		"\xff;60;20260131;12:00:00;1769857260;12:01:00;pulse":                         "names a service that",
		strings.Repeat("x", 1001) + ";60;20260131;12:00:00;1769857260;12:01:00;pulse": "names a service that",
		"a;60;20260131;12:00:00;1769857260;12:01:00;start":                            "none of pulse, cancel and alert",
		"a;0;20260131;12:00:00;1769857260;12:01:00;pulse":                             "nextIn",
		"a;9999999999;20260131;12:00:00;1769857260;12:01:00;pulse":                    "nextIn",
		"a;60;20261331;12:00:00;1769857260;12:01:00;pulse":                            "no day and time",
		"a;60;20260131;25:00:00;1769857260;12:01:00;pulse":                            "no day and time",
		"a;60;20260131;12:00:00;soon;12:01:00;pulse":                                  "expected time",
		"a;60;20260131;12:00:00;NaN;12:01:00;pulse":                                   "expected time",
		"a;60;20260131;12:00:00;1e300;12:01:00;pulse":                                 "expected time",
		"service;nextIn;day;time;expected (Unix seconds);expected;action":             "none of pulse, cancel and alert",
	} {
		if _, reason := parseBeat(line, &clock{zone: paris(t)}); !strings.Contains(reason, says) {
			t.Errorf("%.60q: %q, want %q", line, reason, says)
		}
	}
}

func TestEvents(t *testing.T) {
	noon := at(t, "2026-01-31T11:00:00Z")
	for line, want := range map[string]Event{
		"20260131;12:00:00;3;disk --- full;web":  {At: noon, Level: 3, Message: "disk ; full", Service: "web"},
		"20260131;12:00:00;0;a;b;web":            {At: noon, Message: "a;b", Service: "web"},
		"20260131;12:00:00;ROC;------ a - b;web": {At: noon, LevelText: "ROC", Message: "------ a - b", Service: "web"},
		"20260131;12:00:00;;\"x;web":             {At: noon, Message: "\"x", Service: "web"},
		"20260131;12:00:00;-1;---;web":           {At: noon, Level: -1, Message: ";", Service: "web"},
		"20260131;12:00:00;1;a---b----c---;web":  {At: noon, Level: 1, Message: "a;b----c;", Service: "web"},
	} {
		got, reason := parseEvent(line, &clock{zone: paris(t)})
		if diff := cmp.Diff(want, got); reason != "" || diff != "" {
			t.Errorf("%s: %s %s", line, reason, diff)
		}
	}
	for line, says := range map[string]string{
		"20260131;12:00:00;3;web":      "too few fields",
		"20260131;12:00:00;3;message;": "names a service that",
		"20260131;noon;3;message;web":  "no day and time",
		"20260131;12:00:00;3;;web":     "no message",
		"20260131;12:00:00;3;" + strings.Repeat("x", api.MaxEventMessage+1) + ";web": "too long",
	} {
		if _, reason := parseEvent(line, &clock{zone: paris(t)}); !strings.Contains(reason, says) {
			t.Errorf("%.60q: %q, want %q", line, reason, says)
		}
	}
}

// The hour that comes twice in autumn is told apart by the lines before.
func TestTheHourThatComesTwice(t *testing.T) {
	c := &clock{zone: paris(t)}
	for _, step := range []struct{ hour, want string }{
		{"01:59:00", "2026-10-24T23:59:00Z"},
		{"02:10:00", "2026-10-25T00:10:00Z"},
		{"02:50:00", "2026-10-25T00:50:00Z"},
		{"02:49:30", "2026-10-25T00:49:30Z"}, // lines are not quite in order
		{"02:10:00", "2026-10-25T01:10:00Z"},
		{"02:50:00", "2026-10-25T01:50:00Z"},
		{"03:00:00", "2026-10-25T02:00:00Z"},
	} {
		got, err := c.read("20261025", step.hour)
		if err != nil || got != at(t, step.want) {
			t.Errorf("%s is %s, want %s (%v)", step.hour, got, step.want, err)
		}
	}
}

func TestFate(t *testing.T) {
	const end = api.Time(1_000_000_000)
	for _, c := range []struct {
		name   string
		latest Beat
		want   Fate
	}{
		{"expected after the end", Beat{Action: ActionPulse, Expected: end + 1}, FateAlive},
		{"expected a moment before the end", Beat{Action: ActionPulse, Expected: end.Add(-forgottenAfter)}, FateAlive},
		{"silent long before the end, and not told", Beat{Action: ActionPulse, Expected: end.Add(-forgottenAfter) - 1}, FateForgotten},
		{"declared dead", Beat{Action: ActionAlert, Expected: end - 1}, FateDead},
		{"cancelled", Beat{Action: ActionCancel, Expected: end + 1}, FateCancelled},
	} {
		if got := (&Life{Latest: c.latest}).Fate(end); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestLifeAddsUp(t *testing.T) {
	var l Life
	for i, action := range []Action{ActionCancel, ActionPulse, ActionPulse, ActionAlert} {
		l.Add(Beat{Service: "a", At: api.Time(i+1) * 1000, NextIn: api.Seconds(10 * (i + 1)), Action: action})
	}
	want := Life{First: 2000, Last: 3000, NextIn: 30, Pulses: 2, Latest: Beat{Service: "a", At: 4000, NextIn: 40, Action: ActionAlert}}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Error(diff)
	}
}

func write(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFolderIsReadDayByDay(t *testing.T) {
	folder := t.TempDir()
	if _, err := Open(folder, paris(t)); api.KindOf(err) != api.KindInvalid {
		t.Errorf("an empty folder: %v", err)
	}
	write(t, folder, map[string]string{
		"data/events/20260201.csv": "20260201;00:00:01;1;third;a\r\n\r\n20260201;00:00:02;1;fourth;a",
		"data/events/20260131.csv": "nonsense\n20260131;23:59:59;1;first;a\n" + strings.Repeat("x", maxLine+1) + "\n20260131;23:59:59;1;second;a\n",
		"data/events/notes.txt":    "20260131;23:59:59;1;not of it;a\n",
		"config/config.json": `{"password": "watch", "alert": {"defaultType": "pushover", "defaultTarget": "KEY", "pushoverAPIKey": "TOKEN"},
			"eventsPresets": [{"name":"ROC","service":"tcm"}, 5], "pings": [{"service":"web","url":"https://example.org","alertType":"mail","alertTarget":"me"}, {"url":"x"}]}`,
	})
	f, err := Open(folder, paris(t))
	if err != nil {
		t.Fatal(err)
	}
	var messages, unread []string
	note := func(u Unread) { unread = append(unread, u.String()) }
	if err := f.Events(t.Context(), func(e Event) error { messages = append(messages, e.Message); return nil }, note); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"first", "second", "third", "fourth"}, messages); diff != "" {
		t.Error(diff)
	}
	if err := f.Beats(t.Context(), func(Beat) error { return errors.New("there is none") }, note); err != nil {
		t.Error(err)
	}
	c := f.Config(note)
	want := Config{
		Password: "watch", DefaultType: "pushover", DefaultTarget: "KEY", PushoverToken: "TOKEN",
		Presets: []Preset{{Name: "ROC", Service: "tcm"}},
		Pings:   []Ping{{Service: "web", URL: "https://example.org", AlertType: "mail", AlertTarget: "me", Frequency: 30}},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	for i, says := range []string{
		"data/events/20260131.csv:1: has too few fields", "data/events/20260131.csv:3: is too long",
		"config/config.json: eventsPresets[1] cannot be read", "config/config.json: pings[1] has no service or no url",
	} {
		if len(unread) != 4 || !strings.HasPrefix(unread[i], says) {
			t.Errorf("unread: %q, want at %d: %s", unread, i, says)
		}
	}
}

func FuzzBeat(f *testing.F) {
	f.Add("backup;3600;20260131;12:00:00;1769860800;13:00:00;pulse")
	f.Add("a;b;60;20261025;02:30:00;1769857260.5;x;cancel")
	zone := paris(f)
	f.Fuzz(func(t *testing.T, line string) {
		b, reason := parseBeat(line, &clock{zone: zone})
		if reason != "" {
			return
		}
		if api.CheckName(b.Service) != "" || b.NextIn < 1 || b.NextIn > api.MaxSeconds || b.At <= 0 || b.At > api.MaxTime || b.Expected < 0 || b.Expected > api.MaxTime {
			t.Fatalf("%q was read as %+v", line, b)
		}
	})
}

func FuzzEvent(f *testing.F) {
	f.Add("20260131;12:00:00;3;disk --- full;web")
	f.Add("20260131;12:00:00;ROC;a;b----c;web")
	zone := paris(f)
	f.Fuzz(func(t *testing.T, line string) {
		e, reason := parseEvent(line, &clock{zone: zone})
		if reason != "" {
			return
		}
		if api.CheckName(e.Service) != "" || e.Message == "" || len(e.Message) > api.MaxEventMessage || e.At <= 0 || e.At > api.MaxTime {
			t.Fatalf("%q was read as %+v", line, e)
		}
	})
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"password":"x","alert":{"defaultType":"mail"},"eventsPresets":[{"name":"a"}],"pings":[{"service":"a","url":"b"}]}`))
	f.Add([]byte(`{"password":5,"alert":[],"pings":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, _ := parseConfig(text)
		for _, p := range c.Pings {
			if p.Service == "" || p.URL == "" {
				t.Fatalf("%q gave %+v", text, p)
			}
		}
	})
}
