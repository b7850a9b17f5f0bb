package manifest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"watchkeeper/api"
)

// alike compares manifests without where they stand in a file.
var alike = cmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.IgnoreUnexported(api.Matcher{}, Item[api.ChannelInput]{}, Item[api.ServiceInput]{}, Item[api.RouteInput]{}, Item[api.MaintenanceInput]{}),
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawManifest.Draw(t, "manifest")
		text := Render(want, "a comment", "of two: lines")
		got, err := Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(want, got, alike); diff != "" {
			t.Fatalf("%s\n%s", diff, text)
		}
		if again := Render(got, "a comment", "of two: lines"); string(again) != string(text) {
			t.Fatalf("written anew it differs: %s", cmp.Diff(string(text), string(again)))
		}
	})
}

// parseFaults gives what is wrong in a text, one line each.
func parseFaults(tb testing.TB, text string) string {
	tb.Helper()
	_, err := Parse([]byte(text))
	var wrong *Error
	if err == nil {
		return ""
	}
	if !errors.As(err, &wrong) {
		tb.Fatalf("%T: %v", err, err)
	}
	return err.Error()
}

func TestFaultsNameTheirLine(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no YAML", "services:\n  - name: a\n   next_in: 1h\n", "line 3: cannot be read as YAML"},
		{"not a map", "- a\n", "line 1: must be a map of channels, services, routes, maintenance"},
		{"unknown section", "services: []\nservces: []\n", "line 2: servces is not known, a file has channels"},
		{"not a list", "services:\n  a: {}\n", "line 2: services must be a list, not a map"},
		{"unknown member", "services:\n  - name: a\n    grase: 5m\n", "line 3: services[0].grase is not known, did you mean grace?"},
		{"what no file has", "routes:\n  - name: a\n    to: [mail:x@example.org]\n    position: 2\n", "line 4: routes[0].position is not known"},
		{"duration", "services:\n  - name: a\n    next_in: 25 hours\n", "line 3: services[0].next_in must be a time such as 90s"},
		{"parts of a second", "services:\n  - name: a\n    next_in: 1500ms\n", "line 3: services[0].next_in must be whole seconds"},
		{"rule of a field", "services:\n  - name: a\n    tags:\n      - fine\n      - two words\n", "line 3: services[0].tags a tag must be"},
		{"rule of two fields", "services:\n  - name: a\n    next_in: 1h\n    cron: 0 3 * * *\n", "line 4: services[0].cron must not be given together with next_in"},
		{"no name", "services:\n  - next_in: 1h\n", "line 2: services[0].name must not be empty"},
		{"name twice", "services:\n  - name: a\n    next_in: 1h\n  - name: b\n  - name: a\n", "line 5: services[2].name is the same as that in line 2"},
		{"channel twice but for capitals", "channels:\n  - {name: ops, kind: mail}\n  - {name: OPS, kind: mail}\n", "line 3: channels[1].name is the same as that in line 2"},
		{"cron", "services:\n  - name: a\n    cron: 99 * * * *\n", `line 3: services[0].cron minute: "99" must be`},
		{"zone", "services:\n  - name: a\n    cron: 0 3 * * *\n    time_zone: Mars\n", "line 4: services[0].time_zone unknown time zone"},
		{"circle", "services:\n  - name: a\n    parents: [b]\n  - name: b\n    parents: [a]\n", "line 3: services[0].parents must not make a circle"},
		{"own parent", "services:\n  - name: a\n    next_in: 1h\n    parents: [a]\n", "line 4: services[0].parents must not name the service itself"},
		{"matcher", "routes:\n  - name: a\n    match: [tag=prod]\n    to: [ops]\n", "line 3: routes[0].match the value after tag= must stand in double quotes"},
		{"hours", "routes:\n  - name: a\n    to: [ops]\n    hours:\n      from: 8\n      to: \"18:00\"\n", "line 4: routes[0].hours from must be written HH:MM"},
		{"zone of hours", "routes:\n  - name: a\n    to: [ops]\n    hours: {from: \"08:00\", to: \"18:00\", zone: Mars}\n", "line 4: routes[0].hours.zone unknown time zone"},
		{"no channel", "routes:\n  - name: a\n    to: [\":x\"]\n", "line 3: routes[0].to a target must begin with a channel"},
		{"window", "maintenance:\n  - name: a\n    match: [tag=\"x\"]\n    comment: why\n    starts_at: 2026-02-01T00:00:00Z\n    ends_at: 2026-01-01T00:00:00Z\n", "line 6: maintenance[0].ends_at must be after starts_at"},
		{"time", "maintenance:\n  - name: a\n    starts_at: tomorrow\n", "line 3: maintenance[0].starts_at"},
		{"setting", "channels:\n  - name: a\n    kind: mail\n    settings:\n      to: [a]\n", "line 5: channels[0].settings.to must be a single value, not a list"},
		{"copied mask", "channels:\n  - name: a\n    kind: webhook\n    settings:\n      url: \"***\"\n", "line 5: channels[0].settings.url must be the secret, or {env: NAME}"},
		{"source", "channels:\n  - name: a\n    kind: webhook\n    settings:\n      url: {vault: x}\n", "line 5: channels[0].settings.url must be a text, or {env: NAME} or {file: PATH}"},
		{"variable", "channels:\n  - name: a\n    kind: webhook\n    settings:\n      url: {env: a-b}\n", "line 5: channels[0].settings.url must name a variable"},
		{"source of what is no secret", "channels:\n  - name: {env: X}\n    kind: webhook\n", "line 2: channels[0].name must be a single value, not a map"},
		{"probe", "services:\n  - name: a\n    probe:\n      kind: http\n      url: example.org\n", "line 5: services[0].probe.url must be an address"},
		{"probe of another kind", "services:\n  - name: a\n    probe:\n      kind: tcp\n      address: a:1\n      url: http://x/\n", "line 6: services[0].probe.url is not for probes of kind tcp"},
		{"key twice", "services:\n  - name: a\n    name: b\n", "line 3:"},
		{"anchor", "services:\n  - &a {name: a}\n  - *a\n", "line 2: must be written out"},
		{"merge", "services:\n  - {<<: {name: a}}\n", "line 2: must be written out"},
		{"tag", "services:\n  - name: !!str a\n", "line 2: must be written out"},
		{"depth", "services: " + strings.Repeat("[", 40) + "\n", "line 1: lists and maps are too deep"},
		{"depth of blocks", "services:\n" + strings.Repeat("- ", 40) + "a\n", "line 2: lists and maps are too deep"},
		{"two documents", "services: []\n---\nroutes: []\n", "line 3: must not begin a second document"},
		{"empty item", "services:\n  - name: a\n  -\n", "line 3: services[1] must not be empty"},
		{"flag", "services:\n  - name: a\n    manual_resume: yes\n", "line 3: services[0].manual_resume must be true or false"},
		{"number", "services:\n  - name: a\n    failures_to_alert: many\n", "line 3: services[0].failures_to_alert must be a whole number"},
		{"size", strings.Repeat("#", MaxSize+1), "line 1: the file is larger than 8 MiB"},
		{"lines of Windows", "\uFEFFservices:\r\n  - name: a\r\n    grase: 5m\r\n", "line 3: services[0].grase is not known"},
		{"a map in a list of texts", "routes: [{name: a, to: [mail: x]}]\n", "line 1: routes[0].to[0] must be a single value, not a map"},
		{"a quoted key", "routes: [{name: a, to: [\"mail\":x]}]\n", "line 1: routes[0].to[0] must be a single value, not a map"},
		{"too many", "routes:\n" + strings.Repeat("  - {}\n", api.MaxRoutes+1), "line 2: routes must be at most 200"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := parseFaults(t, test.text); !strings.HasPrefix(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestAllFaultsAreNamed(t *testing.T) {
	got := parseFaults(t, "services:\n  - name: a\n    nope: 1\n  - grace: x\n    tags: 5\nchannels: 3\n")
	if lines := strings.Split(got, "\n"); len(lines) != 4 {
		t.Errorf("want four lines:\n%s", got)
	}
	many := parseFaults(t, "services:\n"+strings.Repeat("  - {x: 1}\n", 80))
	if !strings.HasSuffix(many, "\nand 30 more") || strings.Count(many, "\n") != maxFaults {
		t.Errorf("got\n%s", many)
	}
}

func TestFormsThatPeopleWrite(t *testing.T) {
	for _, text := range []string{
		"routes: [{name: a, to: [mail:a@example.org, 'webhook:https://x:1/y', webhook:https://x:1/y]}]",
		"routes:\n- name: a\n  to: [mail:a@example.org, webhook:https://x:1/y, webhook:https://x:1/y]\n",
		"routes:\n- name: a\n  to:\n  - mail:a@example.org\n  - webhook:https://x:1/y\n  - \"webhook:https://x:1/y\"\n",
	} {
		m, err := Parse([]byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if want := []string{"mail:a@example.org", "webhook:https://x:1/y", "webhook:https://x:1/y"}; !slices.Equal(m.Routes[0].Value.To, want) {
			t.Errorf("%q of %s", m.Routes[0].Value.To, text)
		}
	}
	m, err := Parse([]byte(`
# what we watch
services:
  - name: 123
    next_in: 1d12h
    grace: 600
    tags: [db, 007]
    description: |
      two
      lines
  - name: "b"
    alerts:
    cron: 0 3 * * *
routes:
  - name: all
    match: tag="prod", level="error"
    to: [mail:me@example.org]
`))
	if err != nil {
		t.Fatal(err)
	}
	a := m.Services[0].Value
	if *a.Name != "123" || *a.NextIn != 36*3600 || *a.Grace != 600 || (*a.Tags)[1] != "007" || *a.Description != "two\nlines\n" {
		t.Errorf("%s", Render(m))
	}
	if b := m.Services[1].Value; b.Alerts != nil || *b.Cron != "0 3 * * *" {
		t.Errorf("%s", Render(m))
	}
	if len(m.Routes[0].Value.Match) != 2 {
		t.Errorf("%v", m.Routes[0].Value.Match)
	}
	if empty, err := Parse([]byte("# nothing\n")); err != nil || len(empty.Services) != 0 {
		t.Errorf("an empty file: %v", err)
	}
}

func TestLinesOfMembers(t *testing.T) {
	m, err := Parse([]byte("services:\n  - name: a\n    alerts:\n      - mail:a@example.org\n      - mail:b@example.org\n"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"name": 2, "alerts": 3, "alerts[1]": 5, "alerts[7]": 3, "grace": 2, "": 2} {
		if got := m.Services[0].Line(path); got != want {
			t.Errorf("line of %q: %d, want %d", path, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"services:\n- name: a\n  next_in: 25h\n", "channels: [{name: a, kind: webhook, settings: {url: {env: X}}}]", "routes:\n  - {name: a, to: [ops], match: 'a=\"b\"'}",
		"maintenance:\n- name: a\n  match: [tag=\"x\"]\n  cron: 0 3 * * *\n  duration: 2h\n  comment: |\n    why\n", "services: [{name: a, probe: {kind: http, url: {file: x}}}]",
		"{", "[", "- - -", "a: &x b", "<<: {}", "? a\n: b", "services:\n-\n-", "%YAML 1.2\n---\n", "\x00", "services: |\n x", "\"\\u00", ">\n>", "*-0",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return // the parser takes time that grows with the square of the nesting
		}
		m, err := Parse([]byte(text))
		if err != nil {
			var wrong *Error
			if !errors.As(err, &wrong) {
				t.Fatalf("%T", err)
			}
			lines := strings.Count(strings.ReplaceAll(text, "\r", "\n"), "\n") + 1
			for _, fault := range wrong.Faults {
				if fault.Line < 1 || fault.Line > lines || fault.Message == "" {
					t.Fatalf("%d lines, and %+v", lines, fault)
				}
			}
			return
		}
		again, err := Parse(Render(m))
		if err != nil {
			t.Fatalf("%v\n%s", err, Render(m))
		}
		if diff := cmp.Diff(m, again, alike); diff != "" {
			t.Fatalf("%s\n%s", diff, Render(m))
		}
	})
}
