package manifest

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"watchkeeper/api"
)

// Draws of everything that a file may hold, right by the rules of package api.

var (
	drawWord  = rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9_.-]{0,8}`)
	drawLine  = rapid.StringMatching(`[ -~äß€😀]{0,20}`)
	drawTexts = rapid.OneOf(drawLine, rapid.SampledFrom([]string{
		"a\nb", "a\nb\n", " a\nb", "a\n\n  b\n", "a \nb", "\n", "a\tb", "#", "- a", "a: b", "null", "~", "yes", "1e3", "0x1f", "{a}", "\u2028", "\ufeff", "'", `"\`, "%", "@", "`", "a\r\nb",
	}))
	drawName  = rapid.OneOf(drawWord, rapid.StringMatching(`[!-~äß😀]([ -~äß😀]{0,8}[!-~])?`), rapid.SampledFrom([]string{"null", "123", "true", "1.50", "- x", "a: b", "#x", "0x10", "2026-01-01", "?", "*a", "&a", "!a", "[", "---", "..."}))
	drawZone  = rapid.SampledFrom([]string{"", "UTC", "Europe/Paris", "America/New_York"})
	drawCron  = rapid.SampledFrom([]string{"0 3 * * *", "*/5 * * * *", "0 6 * * 1-5", "15 2 1 * *"})
	drawMatch = rapid.Custom(func(t *rapid.T) api.Matchers {
		m, err := api.ParseMatchers(rapid.SampledFrom([]string{`tag="prod"`, `name=~"db.*"`, `host!="a \"b\", c"`, `level="error", tag!~"x|y"`}).Draw(t, "match"))
		if err != nil {
			t.Fatal(err)
		}
		return m
	})
)

func maybe[T any](t *rapid.T, g *rapid.Generator[T], label string) *T {
	if rapid.Bool().Draw(t, "has "+label) {
		return new(g.Draw(t, label))
	}
	return nil
}

func drawSeconds(least, most api.Seconds) *rapid.Generator[api.Seconds] {
	return rapid.OneOf(
		rapid.SampledFrom([]api.Seconds{60, 90, 3600, 90000, 86400, 14 * 86400}).Filter(func(s api.Seconds) bool { return s >= least && s <= most }),
		rapid.Custom(func(t *rapid.T) api.Seconds {
			return api.Seconds(rapid.Int64Range(int64(least), int64(most)).Draw(t, "s"))
		}))
}

// drawManifest draws a manifest whose targets name kinds and its own channels.
var drawManifest = rapid.Custom(func(t *rapid.T) *Manifest {
	m := &Manifest{}
	targets := []string{"mail:me@example.org", "mail:Me <me@example.org>, you@example.org"}
	for _, name := range names(t, rapid.StringMatching(`[a-z0-9][a-z0-9_.-]{0,8}`), 3) {
		m.Channels = append(m.Channels, drawChannel(t, name))
		targets = append(targets, name)
	}
	drawTargets := rapid.SliceOfN(rapid.SampledFrom(targets), 0, 3)
	services := names(t, drawName, 5)
	for i, name := range services {
		m.Services = append(m.Services, drawService(t, name, services[:i], drawTargets))
	}
	slices.Reverse(m.Services)
	for _, name := range names(t, drawWord, 5) {
		m.Routes = append(m.Routes, Item[api.RouteInput]{Value: drawRoute(t, name, targets)})
	}
	for _, name := range names(t, drawWord, 3) {
		m.Maintenance = append(m.Maintenance, Item[api.MaintenanceInput]{Value: drawMaintenance(t, name)})
	}
	return m
})

// names draws names that differ also in small letters, few enough that two draws share some.
func names(t *rapid.T, g *rapid.Generator[string], most int) []string {
	pool := rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), g)
	return rapid.SliceOfNDistinct(pool, 0, most, func(s string) string { return fmt.Sprintf("%q", []rune(s)) + lower(s) }).
		Filter(func(all []string) bool {
			seen := map[string]bool{}
			for _, s := range all {
				if seen[lower(s)] {
					return false
				}
				seen[lower(s)] = true
			}
			return true
		}).Draw(t, "names")
}

func lower(s string) string { return api.Slugify(s) + "|" + fmt.Sprint(len(s)) }

func drawChannel(t *rapid.T, name string) Item[api.ChannelInput] {
	item := Item[api.ChannelInput]{Value: api.ChannelInput{Name: name, Kind: rapid.SampledFrom(api.ChannelKinds).Draw(t, "kind")}}
	for _, setting := range []string{"to", "secret", "url"} {
		switch rapid.IntRange(0, 2).Draw(t, setting) {
		case 1:
			if item.Value.Settings == nil {
				item.Value.Settings = map[string]string{}
			}
			item.Value.Settings[setting] = drawTexts.Draw(t, "text")
		case 2:
			if item.Value.Settings == nil {
				item.Value.Settings = map[string]string{}
			}
			item.Value.Settings[setting] = Masked
			if item.Secrets == nil {
				item.Secrets = map[string]Source{}
			}
			item.Secrets["settings."+setting] = Source{Env: "SECRET_" + setting}
		}
	}
	return item
}

func drawService(t *rapid.T, name string, before []string, targets *rapid.Generator[[]string]) Item[api.ServiceInput] {
	item := Item[api.ServiceInput]{}
	in := &item.Value
	in.Name = &name
	in.Slug = maybe(t, rapid.StringMatching(`[a-z0-9_-]{1,5}`), "slug")
	in.Description = maybe(t, drawTexts.Filter(func(s string) bool { return s == api.CleanText(s) }), "description")
	in.Tags = maybe(t, rapid.SliceOfN(rapid.StringMatching(`[!-~ä]{1,6}`), 0, 3), "tags")
	in.Host = maybe(t, rapid.SampledFrom([]string{"box", "web-1.example"}), "host")
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 0:
		in.NextIn = new(drawSeconds(1, api.MaxSeconds).Draw(t, "next_in"))
	case 1:
		in.Cron = new(drawCron.Draw(t, "cron"))
		in.TimeZone = maybe(t, drawZone, "zone")
	case 2:
		in.Probe, item.Secrets = drawProbe(t)
	}
	in.Grace = maybe(t, drawSeconds(0, 86400), "grace")
	in.MaxRun = maybe(t, drawSeconds(100, 86400), "max_run")
	in.MinRun = maybe(t, drawSeconds(0, 100), "min_run")
	in.FinishWithin = maybe(t, drawSeconds(0, 86400), "finish")
	in.Alerts = maybe(t, targets, "alerts")
	in.ManualResume = maybe(t, rapid.Bool(), "manual")
	if len(before) > 0 {
		in.Parents = maybe(t, rapid.SliceOfNDistinct(rapid.SampledFrom(before), 0, len(before), rapid.ID[string]), "parents")
	}
	in.FailuresToAlert = maybe(t, rapid.IntRange(0, 5), "failures")
	return item
}

func drawProbe(t *rapid.T) (*api.ProbeSettings, map[string]Source) {
	p := &api.ProbeSettings{Kind: rapid.SampledFrom(api.ProbeKinds).Draw(t, "probe")}
	p.Interval = rapid.SampledFrom([]api.Seconds{0, 5, 60, 300}).Draw(t, "interval")
	p.Timeout = rapid.SampledFrom([]float64{0, 2.5, 3}).Draw(t, "timeout")
	var secrets map[string]Source
	switch p.Kind {
	case api.ProbeHTTP:
		p.URL = rapid.SampledFrom([]string{"https://example.org/health", "https://example.org/?token=abc"}).Draw(t, "url")
		p.Method = rapid.SampledFrom([]string{"", "GET", "POST"}).Draw(t, "method")
		p.Statuses = rapid.SampledFrom([][]string{nil, {"2xx"}, {"200", "300-302"}}).Draw(t, "statuses")
		p.Contains = rapid.SampledFrom([]string{"", "all: well"}).Draw(t, "contains")
		p.CertificateDays = maybe(t, rapid.IntRange(0, 30), "days")
		if rapid.Bool().Draw(t, "headers") {
			p.Headers = map[string]string{"Accept": "*/*", "Authorization": Masked}
			secrets = map[string]Source{"probe.headers.Authorization": {File: "/run/secrets/x"}}
		}
	case api.ProbeTCP:
		p.Address = "example.org:22"
	case api.ProbeICMP:
		p.Address = "example.org"
	case api.ProbeDNS:
		p.Name = "example.org"
		p.Record = rapid.SampledFrom([]string{"", "A", "MX"}).Draw(t, "record")
	}
	return p, secrets
}

func drawRoute(t *rapid.T, name string, targets []string) api.RouteInput {
	in := api.RouteInput{Name: name, To: rapid.SliceOfN(rapid.SampledFrom(targets), 1, 3).Draw(t, "to")}
	if rapid.Bool().Draw(t, "has match") {
		in.Match = drawMatch.Draw(t, "match")
	}
	in.Continue = rapid.Bool().Draw(t, "continue")
	in.After = drawSeconds(0, 86400).Draw(t, "after")
	if rapid.Bool().Draw(t, "has repeat") {
		in.Repeat = drawSeconds(60, 86400).Draw(t, "repeat")
	}
	if rapid.Bool().Draw(t, "has hours") {
		in.Hours = &api.Hours{Days: "mon-fri", From: "08:00", To: "18:30", Zone: drawZone.Draw(t, "zone")}
	}
	return in
}

func drawMaintenance(t *rapid.T, name string) api.MaintenanceInput {
	in := api.MaintenanceInput{Name: name, Match: drawMatch.Draw(t, "match"), Comment: "x" + drawTexts.Draw(t, "comment")}
	if rapid.Bool().Draw(t, "once") {
		in.StartsAt = api.Time(1_800_000_000_000 + rapid.Int64Range(0, 1e9).Draw(t, "at"))
		in.EndsAt = in.StartsAt + 3_600_000
		return in
	}
	in.Cron, in.Duration, in.Zone = drawCron.Draw(t, "cron"), drawSeconds(60, 86400).Draw(t, "duration"), drawZone.Draw(t, "zone")
	return in
}
