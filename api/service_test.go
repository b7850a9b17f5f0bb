package api

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestSettingsThatAreValid(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]ServiceSettings{
		"a name alone": {Name: "backup"},
		"everything": {
			Name: "backup", Slug: "backup-1_x", Description: "what\nit does", Tags: []string{"db", "größe"}, Host: "db-1.example",
			NextIn: MaxSeconds, Grace: MaxSeconds, MaxRun: 10, MinRun: 10, FinishWithin: 1, Alerts: []string{"mail:me@example.org"},
		},
		"a cron expression": {Name: "backup", Cron: "0 3 * * *", TimeZone: "Europe/Paris"},
		"the longest of all": {
			Name: strings.Repeat("ü", MaxNameLength), Slug: strings.Repeat("a", MaxSlugLength), Host: strings.Repeat("h", MaxHostLength),
			Description: strings.Repeat("ü", MaxDescriptionLength), Tags: repeat(strings.Repeat("ü", MaxTagLength), MaxTags),
			Alerts: repeat(strings.Repeat("ü", MaxTargetLength), MaxAlerts),
		},
	} {
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func repeat(s string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = s
	}
	return list
}

func TestSettingsThatAreNot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*ServiceSettings)
		want   []string
	}{
		{"no name", func(s *ServiceSettings) { s.Name = "" }, []string{"body.name"}},
		{"a slug in capitals", func(s *ServiceSettings) { s.Slug = "Backup" }, []string{"body.slug"}},
		{"a long slug", func(s *ServiceSettings) { s.Slug = strings.Repeat("a", MaxSlugLength+1) }, []string{"body.slug"}},
		{"a long description", func(s *ServiceSettings) { s.Description = strings.Repeat("ü", MaxDescriptionLength+1) }, []string{"body.description"}},
		{"a host with a blank", func(s *ServiceSettings) { s.Host = "db 1" }, []string{"body.host"}},
		{"many tags", func(s *ServiceSettings) { s.Tags = repeat("x", MaxTags+1) }, []string{"body.tags"}},
		{"an empty tag", func(s *ServiceSettings) { s.Tags = []string{""} }, []string{"body.tags"}},
		{"a tag of two words", func(s *ServiceSettings) { s.Tags = []string{"a b", "c d"} }, []string{"body.tags"}},
		{"a tag with NUL", func(s *ServiceSettings) { s.Tags = []string{"a\x00"} }, []string{"body.tags"}},
		{"a long tag", func(s *ServiceSettings) { s.Tags = []string{strings.Repeat("ü", MaxTagLength+1)} }, []string{"body.tags"}},
		{"many targets", func(s *ServiceSettings) { s.Alerts = repeat("x", MaxAlerts+1) }, []string{"body.alerts"}},
		{"an empty target", func(s *ServiceSettings) { s.Alerts = []string{""} }, []string{"body.alerts"}},
		{"a long target", func(s *ServiceSettings) { s.Alerts = []string{strings.Repeat("x", MaxTargetLength+1)} }, []string{"body.alerts"}},
		{"a target with a line break", func(s *ServiceSettings) { s.Alerts = []string{"mail:a\nBcc: b"} }, []string{"body.alerts"}},
		{"a negative period", func(s *ServiceSettings) { s.NextIn = -1 }, []string{"body.next_in"}},
		{"more than ten years", func(s *ServiceSettings) { s.Grace = MaxSeconds + 1 }, []string{"body.grace"}},
		{
			"negative limits", func(s *ServiceSettings) { s.MaxRun, s.MinRun, s.FinishWithin = -1, -1, -1 },
			[]string{"body.finish_within", "body.max_run", "body.min_run"},
		},
		{"many parents", func(s *ServiceSettings) { s.Parents = repeat("x", MaxParents+1) }, []string{"body.parents"}},
		{"itself as a parent", func(s *ServiceSettings) { s.Parents = []string{"backup"} }, []string{"body.parents"}},
		{"a parent twice", func(s *ServiceSettings) { s.Parents = []string{"a", "a"} }, []string{"body.parents"}},
		{"a parent without a name", func(s *ServiceSettings) { s.Parents = []string{""} }, []string{"body.parents"}},
		{"fails below none", func(s *ServiceSettings) { s.FailuresToAlert = -1 }, []string{"body.failures_to_alert"}},
		{"fails without end", func(s *ServiceSettings) { s.FailuresToAlert = MaxFailures + 1 }, []string{"body.failures_to_alert"}},
		{"two rhythms", func(s *ServiceSettings) { s.NextIn, s.Cron = 60, "* * * * *" }, []string{"body.cron"}},
		{"a least above the most", func(s *ServiceSettings) { s.MinRun, s.MaxRun = 11, 10 }, []string{"body.min_run"}},
		{"several things", func(s *ServiceSettings) { s.Name, s.Slug, s.NextIn = "", "!", -1 }, []string{"body.name", "body.next_in", "body.slug"}},
	} {
		s := ServiceSettings{Name: "backup"}
		c.change(&s)
		wantFields(t, c.name, s.Validate(), c.want...)
	}
}

func TestAncestry(t *testing.T) {
	for _, test := range []struct {
		settings ServiceSettings
		want     []string
	}{
		{ServiceSettings{Name: "a"}, nil},
		{ServiceSettings{Name: "a", Host: "h"}, []string{"h"}},
		{ServiceSettings{Name: "h", Host: "h"}, nil},
		{ServiceSettings{Name: "a", Host: "h", Parents: []string{"h", "router"}}, []string{"h", "router"}},
	} {
		if got := test.settings.Ancestry(); !slices.Equal(got, test.want) {
			t.Errorf("%+v: %v, want %v", test.settings, got, test.want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{
		"a": true, " ": true, "Größe 🚀": true, "a/b?c#d%e": true, `"quoted"`: true, strings.Repeat("🚀", 1000): true,
		"": false, strings.Repeat("a", 1001): false, strings.Repeat("🚀", 1001): false, strings.Repeat("a", 1<<20): false,
		"a\nb": false, "a\tb": false, "\x00": false, "\x7f": false, "\u0085": false, "a\xff": false, "\xed\xa0\x80": false,
	} {
		if reason := CheckName(name); (reason == "") != good {
			t.Errorf("%.40q: %q", name, reason)
		}
	}
	for name, good := range map[string]bool{
		"db": true, "db-1.example_x": true, "DB": true, strings.Repeat("h", 63): true, "..": true,
		"": false, "a b": false, "a/b": false, "größe": false, strings.Repeat("h", 64): false, "a:1": false,
	} {
		if ValidHostName(name) != good {
			t.Errorf("host %q: %v", name, !good)
		}
	}
}

func TestSlugs(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"backup":                   "backup",
		"Backup DB (nightly)!":     "backup-db-nightly",
		"--a--b--":                 "a-b",
		"a_b":                      "a_b",
		"Größe":                    "gr-e",
		"🚀":                        "",
		"":                         "",
		"...":                      "",
		"K":                        "k", // the sign of Kelvin, which is a letter k in small
		strings.Repeat("ab ", 100): strings.Repeat("ab-", 33) + "a",
	} {
		if got := Slugify(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for slug, good := range map[string]bool{
		"a": true, "-": true, "a_b-c9": true, strings.Repeat("a", 100): true,
		"": false, "A": false, "a b": false, "ü": false, "a.b": false, strings.Repeat("a", 101): false,
	} {
		if ValidSlug(slug) != good {
			t.Errorf("slug %q: %v", slug, !good)
		}
	}
}

func FuzzSlugify(f *testing.F) {
	for _, name := range []string{"Backup DB", "ÀÉ", "İstanbul", "\xff-\x00", strings.Repeat("a b", 60), "_", "ſ"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		slug := Slugify(name)
		if slug != "" && !ValidSlug(slug) {
			t.Fatalf("%q: %q is not valid", name, slug)
		}
		if again := Slugify(slug); again != slug {
			t.Fatalf("%q: %q, and of that %q", name, slug, again)
		}
		if ValidSlug(name) && strings.Trim(name, "-") == name && !strings.Contains(name, "--") && slug != name {
			t.Fatalf("%q was a slug and became %q", name, slug)
		}
	})
}

func FuzzCheckName(f *testing.F) {
	for _, name := range []string{"a", "", "\x00", "\xff", "ü"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if CheckName(name) != "" {
			return
		}
		if n := utf8.RuneCountInString(name); n < 1 || n > MaxNameLength || CleanText(name) != name {
			t.Fatalf("%q of %d characters passed", name, n)
		}
	})
}

func TestApply(t *testing.T) {
	t.Parallel()
	base := ServiceSettings{Name: "backup", Slug: "backup", NextIn: 60, Grace: 60, Tags: []string{"a"}, Description: "old"}
	onCron := ServiceSettings{Name: "backup", Slug: "backup", Cron: "* * * * *", TimeZone: "UTC"}
	for _, c := range []struct {
		name string
		base ServiceSettings
		in   ServiceInput
		want func(*ServiceSettings)
	}{
		{"nothing changes nothing", base, ServiceInput{}, func(*ServiceSettings) {}},
		{"every field is taken", ServiceSettings{}, ServiceInput{
			Name: new("n"), Slug: new("s"), Description: new("d"), Tags: &[]string{"t"}, Host: new("h"), NextIn: new(Seconds(1)),
			Cron: new("c"), TimeZone: new("z"), Grace: new(Seconds(2)), MaxRun: new(Seconds(3)), MinRun: new(Seconds(4)),
			FinishWithin: new(Seconds(5)), Alerts: &[]string{"a"}, ManualResume: new(true),
		}, func(s *ServiceSettings) {
			*s = ServiceSettings{
				Name: "n", Slug: "s", Description: "d", Tags: []string{"t"}, Host: "h", NextIn: 1, Cron: "c", TimeZone: "z", Grace: 2,
				MaxRun: 3, MinRun: 4, FinishWithin: 5, Alerts: []string{"a"}, ManualResume: true,
			}
		}},
		{
			"zero values are taken too", base,
			ServiceInput{Grace: new(Seconds(0)), Tags: &[]string{}, Description: new("")},
			func(s *ServiceSettings) { s.Grace, s.Tags, s.Description = 0, []string{}, "" },
		},
		{"a schedule ends the period", base, ServiceInput{Cron: new("0 3 * * *")}, func(s *ServiceSettings) { s.Cron, s.NextIn = "0 3 * * *", 0 }},
		{"an empty schedule does not", base, ServiceInput{Cron: new("")}, func(*ServiceSettings) {}},
		{"a period ends the schedule", onCron, ServiceInput{NextIn: new(Seconds(60))}, func(s *ServiceSettings) { s.Cron, s.NextIn = "", 60 }},
		{"no period does not", onCron, ServiceInput{NextIn: new(Seconds(0))}, func(*ServiceSettings) {}},
		{
			"both are left for Validate to refuse", base,
			ServiceInput{NextIn: new(Seconds(5)), Cron: new("* * * * *")},
			func(s *ServiceSettings) { s.NextIn, s.Cron = 5, "* * * * *" },
		},
		{
			"a slug is made from the name",
			ServiceSettings{},
			ServiceInput{Name: new("My Backup")},
			func(s *ServiceSettings) { s.Name, s.Slug = "My Backup", "my-backup" },
		},
		{
			"a slug that was made from the name follows it", base,
			ServiceInput{Name: new("My Backup")},
			func(s *ServiceSettings) { s.Name, s.Slug = "My Backup", "my-backup" },
		},
		{
			"a slug that was given stays",
			ServiceSettings{Name: "backup", Slug: "mine"},
			ServiceInput{Name: new("other")},
			func(s *ServiceSettings) { s.Name = "other" },
		},
		{
			"an empty slug is made from the name",
			ServiceSettings{Name: "backup", Slug: "mine"},
			ServiceInput{Slug: new("")},
			func(s *ServiceSettings) { s.Slug = "backup" },
		},
		{"a description is cleaned", base, ServiceInput{Description: new("a\x00")}, func(s *ServiceSettings) { s.Description = "a\uFFFD" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := c.base
			c.want(&want)
			if diff := cmp.Diff(want, c.in.Apply(c.base)); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPeriods(t *testing.T) {
	t.Parallel()
	for period, want := range map[Seconds]Seconds{0: 60, 60: 60, 600: 60, 610: 61, 86400: 8640} {
		if got := DefaultGrace(period); got != want {
			t.Errorf("the grace of %d s is %d s, want %d", period, got, want)
		}
	}
	s := Service{ServiceSettings: ServiceSettings{NextIn: 60}}
	if got := s.NextInForce(); got != 60 {
		t.Errorf("its own period is %d s", got)
	}
	s.StatedNextIn = 5
	if got := s.NextInForce(); got != 5 {
		t.Errorf("with the word of its client it is %d s", got)
	}
}
