package notifytest

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
)

// Hostile is text as an attacker might send it for a name or a message.
const Hostile = "a<b>&\"'</p><script>alert(1)</script>{{.}}%s =?utf-8?q?x?="

// Samples gives a message of each sort, by name, all in one zone and sent at one moment.
func Samples() map[string]notify.Message {
	zone := time.FixedZone("CEST", 2*3600)
	now := api.TimeOf(time.Date(2026, 7, 30, 14, 10, 7, 0, zone))
	before := func(d time.Duration) api.Time { return now.Add(-d) }
	exit := 3
	opened := api.Change{
		SubjectKind: api.SubjectService, Subject: "backup of nas", From: api.StateUp, To: api.StateDown,
		Reason: api.ReasonTimeout, At: before(5 * time.Minute),
		Facts: api.Facts{
			LastPulse: before(25*time.Hour + 10*time.Minute), Since: before(9 * 24 * time.Hour), NextIn: 25 * 3600,
			Grace: 300, Tags: []string{"nightly", "db"}, Host: "nas",
		},
	}
	gap := opened
	gap.Facts.Gap = &api.Gap{From: before(2 * time.Hour), To: before(20 * time.Minute)}
	failed := opened
	failed.Reason, failed.Facts.ExitCode, failed.Facts.LastPulse = api.ReasonFail, &exit, failed.At
	hostile := opened
	hostile.Subject, hostile.Facts.Tags, hostile.Facts.Host = Hostile, []string{Hostile}, "h"
	recovered := api.Change{
		SubjectKind: api.SubjectService, Subject: "backup of nas", From: api.StateDown, To: api.StateUp,
		Reason: api.ReasonPulse, At: before(time.Second),
		Facts: api.Facts{LastPulse: before(time.Second), Since: before(125 * time.Minute), Tags: []string{"nightly", "db"}},
	}
	event := api.Change{
		SubjectKind: api.SubjectEvent, Subject: "4711", Reason: api.ReasonAlert, At: before(3 * time.Second),
		Facts: api.Facts{Service: "raid", Message: "disk 3 failed\nrebuild at 0 %", Level: api.LevelCritical},
	}
	samples := map[string]notify.Message{
		"opened":    notify.OfChange(&opened, notify.AboutOpened, zone),
		"gap":       notify.OfChange(&gap, notify.AboutOpened, zone),
		"failed":    notify.OfChange(&failed, notify.AboutOpened, zone),
		"hostile":   notify.OfChange(&hostile, notify.AboutOpened, zone),
		"repeated":  notify.OfChange(&opened, notify.AboutRepeated, zone),
		"recovered": notify.OfChange(&recovered, notify.AboutRecovered, zone),
		"event":     notify.OfChange(&event, notify.AboutOpened, zone),
		"test":      notify.OfTest("ops", zone),
		"digest": notify.OfDigest([]notify.Item{
			{Kind: api.SubjectService, Name: "web", State: api.StateUp, Since: before(time.Minute)},
			{Kind: api.SubjectService, Name: "mail queue", State: api.StateDown, Since: before(5 * time.Minute)},
			{Kind: api.SubjectEvent, Name: "raid", Text: "disk 3 failed"},
			{Kind: api.SubjectService, Name: "backup", State: api.StateLate, Since: before(3 * time.Minute)},
		}, zone),
	}
	for name, m := range samples {
		m.Now = now
		m.DeliveryID = "0198f1a2-0000-7000-8000-00000000d001"
		m.Link = "https://watch.example.org/gui/?q=a&b=c"
		if m.About == notify.AboutOpened || m.About == notify.AboutRepeated {
			m.Acknowledge = "https://watch.example.org/ack/AZTxogAAcACAAAAAAADQAQAAAZ"
		}
		if name != "digest" && name != "test" {
			m.IncidentID = "0198f1a2-0000-7000-8000-00000000c001"
		}
		samples[name] = m
	}
	return samples
}

// Golden compares with a file below testdata, or writes it where the test was run with -update, a flag that the test's
// package defines.
func Golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if update := flag.Lookup("update"); update != nil && update.Value.String() == "true" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	lines, wanted := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(lines), len(wanted)) {
		var a, b string
		if i < len(lines) {
			a = lines[i]
		}
		if i < len(wanted) {
			b = wanted[i]
		}
		if a != b {
			t.Fatalf("%s, line %d:\n got  %q\n want %q", file, i+1, a, b)
		}
	}
}
