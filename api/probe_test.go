package api_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"watchkeeper/api"
)

// faults gives what is wrong with the settings of a probe, by field.
func faults(p api.ProbeSettings) map[string]string {
	var f api.Fields
	p = p.WithDefaults()
	p.Check("probe", &f)
	out := map[string]string{}
	var wrong *api.Error
	if errors.As(f.Err(), &wrong) {
		for _, field := range wrong.Fields {
			out[strings.TrimPrefix(field.Location, "probe.")] = field.Message
		}
	}
	return out
}

func TestProbesThatAreRight(t *testing.T) {
	for name, p := range map[string]api.ProbeSettings{
		"the least of http": {Kind: api.ProbeHTTP, URL: "https://example.org"},
		"everything of http": {
			Kind: api.ProbeHTTP, URL: "http://me:word@[2001:db8::1]:8080/a?b=c", Method: "POST", Headers: map[string]string{"Host": "x", "X-Key": "ü"},
			Body: "{}", Statuses: []string{"200", "3xx", "400-404"}, Contains: "ok", Lacks: "error", Redirects: api.RedirectsStop,
			Insecure: true, Proxy: "http://proxy.example.org:3128", CertificateDays: new(0), Interval: 1, Timeout: 0.5,
		},
		"tcp by name":         {Kind: api.ProbeTCP, Address: "db_1.example.org:5432"},
		"tcp over IPv6":       {Kind: api.ProbeTCP, Address: "[::1]:22"},
		"icmp by name":        {Kind: api.ProbeICMP, Address: "gateway"},
		"icmp by address":     {Kind: api.ProbeICMP, Address: "2001:db8::1", Interval: api.MaxProbeInterval, Timeout: 60},
		"the least of dns":    {Kind: api.ProbeDNS, Name: "example.org"},
		"dns at a server":     {Kind: api.ProbeDNS, Name: "_sip._tcp.example.org.", Record: "SRV", Resolver: "192.0.2.53", Answers: []string{"1 2 5060 sip.example.org"}},
		"dns at another port": {Kind: api.ProbeDNS, Name: "example.org", Resolver: "[2001:db8::53]:5353"},
	} {
		if wrong := faults(p); len(wrong) > 0 {
			t.Errorf("%s: %v", name, wrong)
		}
	}
}

func TestProbesThatAreRefused(t *testing.T) {
	web := func(edit func(*api.ProbeSettings)) api.ProbeSettings {
		p := api.ProbeSettings{Kind: api.ProbeHTTP, URL: "https://example.org"}
		edit(&p)
		return p
	}
	for field, cases := range map[string][]api.ProbeSettings{
		"kind":     {{}, {Kind: "https"}},
		"interval": {{Kind: api.ProbeTCP, Address: "a:1", Interval: -1}, {Kind: api.ProbeTCP, Address: "a:1", Interval: 86401}},
		"timeout":  {{Kind: api.ProbeTCP, Address: "a:1", Timeout: 61}, {Kind: api.ProbeTCP, Address: "a:1", Timeout: 0.01}, {Kind: api.ProbeTCP, Address: "a:1", Interval: 5, Timeout: 6}},
		"url": {
			{Kind: api.ProbeHTTP},
			{Kind: api.ProbeHTTP, URL: "example.org"},
			{Kind: api.ProbeHTTP, URL: "ftp://example.org"},
			{Kind: api.ProbeHTTP, URL: "http://"},
			{Kind: api.ProbeHTTP, URL: "http://a b"},
			{Kind: api.ProbeHTTP, URL: "http://a:99999"},
			{Kind: api.ProbeHTTP, URL: "http://a/" + strings.Repeat("x", 2000)},
			{Kind: api.ProbeHTTP, URL: "http://me:***@a/"},
			{Kind: api.ProbeTCP, Address: "a:1", URL: "http://a"},
		},
		"method":  {web(func(p *api.ProbeSettings) { p.Method = "G T" }), web(func(p *api.ProbeSettings) { p.Method = "CONNECT" })},
		"headers": {web(func(p *api.ProbeSettings) { p.Headers = map[string]string{"X": "a\r\nY: b"} }), web(func(p *api.ProbeSettings) { p.Headers = map[string]string{"X Y": ""} }), web(func(p *api.ProbeSettings) { p.Headers = map[string]string{"Content-Length": "1"} }), web(func(p *api.ProbeSettings) { p.Headers = map[string]string{"X": "***"} })},
		"body":    {web(func(p *api.ProbeSettings) { p.Body = "***" }), web(func(p *api.ProbeSettings) { p.Body = strings.Repeat("x", 64<<10+1) })},
		"statuses": {
			web(func(p *api.ProbeSettings) { p.Statuses = []string{"20x"} }), web(func(p *api.ProbeSettings) { p.Statuses = []string{"299-200"} }),
			web(func(p *api.ProbeSettings) { p.Statuses = []string{""} }), web(func(p *api.ProbeSettings) { p.Statuses = slices.Repeat([]string{"200"}, 21) }),
		},
		"contains":         {web(func(p *api.ProbeSettings) { p.Contains = strings.Repeat("x", 1001) })},
		"lacks":            {web(func(p *api.ProbeSettings) { p.Lacks = "\x00" })},
		"redirects":        {web(func(p *api.ProbeSettings) { p.Redirects = "maybe" })},
		"proxy":            {web(func(p *api.ProbeSettings) { p.Proxy = "socks5://a" })},
		"certificate_days": {web(func(p *api.ProbeSettings) { p.CertificateDays = new(-1) })},
		"address": {
			{Kind: api.ProbeTCP},
			{Kind: api.ProbeTCP, Address: "a"},
			{Kind: api.ProbeTCP, Address: ":1"},
			{Kind: api.ProbeTCP, Address: "a:0"},
			{Kind: api.ProbeTCP, Address: "::1:22"},
			{Kind: api.ProbeTCP, Address: "[a]:1"},
			{Kind: api.ProbeTCP, Address: "[::1:1"},
			{Kind: api.ProbeICMP},
			{Kind: api.ProbeICMP, Address: "a:1"},
			{Kind: api.ProbeICMP, Address: "fe80::1%eth0"},
			{Kind: api.ProbeICMP, Address: "a/b"},
			{Kind: api.ProbeDNS, Name: "a", Address: "b"},
		},
		"name":     {{Kind: api.ProbeDNS}, {Kind: api.ProbeDNS, Name: "a..b"}, {Kind: api.ProbeDNS, Name: "192.0.2.1"}, {Kind: api.ProbeDNS, Name: strings.Repeat("a", 254)}},
		"record":   {{Kind: api.ProbeDNS, Name: "a", Record: "ANY"}},
		"resolver": {{Kind: api.ProbeDNS, Name: "a", Resolver: "http://a"}, {Kind: api.ProbeDNS, Name: "a", Resolver: "a:x"}},
		"answers":  {{Kind: api.ProbeDNS, Name: "a", Answers: []string{"example.org"}}, {Kind: api.ProbeDNS, Name: "a", Record: "TXT", Answers: []string{""}}},
	} {
		for _, p := range cases {
			wrong := faults(p)
			if wrong[field] == "" || len(wrong) != 1 {
				t.Errorf("%+v: %v, want something wrong with %s alone", p, wrong, field)
			}
		}
	}
}

func TestDefaultTimeoutOfProbes(t *testing.T) {
	for interval, want := range map[api.Seconds]float64{0: 10, 60: 10, 10: 10, 9: 4.5, 1: 0.5} {
		if got := (api.ProbeSettings{Kind: api.ProbeTCP, Interval: interval}).WithDefaults().Timeout; got != want {
			t.Errorf("interval %d: timeout %v, want %v", interval, got, want)
		}
	}
}

func TestSecretsOfProbes(t *testing.T) {
	p := api.ProbeSettings{
		Kind: api.ProbeHTTP, URL: "https://me:word@example.org/a?token=geheim&x=&flag", Proxy: "http://u:p4ss@proxy:3128",
		Headers: map[string]string{"Authorization": "Bearer geheim"}, Body: "geheim",
	}
	shown, secret := p.Masked()
	if want := (api.ProbeSettings{
		Kind: api.ProbeHTTP, URL: "https://me:***@example.org/a?token=***&x=&***", Proxy: "http://u:***@proxy:3128",
		Headers: map[string]string{"Authorization": "***"}, Body: "***",
	}); !secret || !cmp.Equal(shown, want) {
		t.Errorf("shown %+v", shown)
	}
	if back := shown.Unmask(p); !cmp.Equal(back, p) {
		t.Errorf("unmasked %+v", back)
	}
	edited := shown
	edited.Headers = map[string]string{"Authorization": "***", "X": "***"}
	edited.URL = "https://me:***@example.com/a"
	if wrong := faults(edited.Unmask(p)); wrong["headers"] == "" || wrong["url"] == "" || len(wrong) != 2 {
		t.Errorf("masks that stand for nothing: %v", wrong)
	}
	plain := api.ProbeSettings{Kind: api.ProbeHTTP, URL: "https://example.org/a"}
	if shown, secret := plain.Masked(); secret || !cmp.Equal(shown, plain) {
		t.Errorf("one without secrets: %+v, %v", shown, secret)
	}
}

// TestProbeMoments checks, for any id, interval and history, that a probe runs once in each of its periods, and that
// what was missed is made up for without a rush.
func TestProbeMoments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringN(1, 36, 36).Draw(t, "id")
		interval := api.Seconds(rapid.Int64Range(1, 86400).Draw(t, "interval"))
		now := api.Time(rapid.Int64Range(1_700_000_000_000, 1_800_000_000_000).Draw(t, "now"))
		period := interval.Duration()
		ran := api.Time(0)
		first := api.ProbeNext(id, interval, 0, now)
		if first < now || first.Sub(now) > min(period, 10*time.Second) {
			t.Fatalf("the first run is at %v, %v ahead", first, first.Sub(now))
		}
		ran, now = first, first
		for range 5 {
			next := api.ProbeNext(id, interval, ran, now)
			if next <= ran || next.Sub(ran) > period {
				t.Fatalf("ran at %v, again at %v", ran, next)
			}
			if again := api.ProbeNext(id, interval, ran, next-1); again != next {
				t.Fatalf("asked later it is %v, not %v", again, next)
			}
			ran, now = next, next
		}
		away := time.Duration(rapid.Int64Range(0, 3*int64(period)).Draw(t, "away"))
		now = now.Add(away)
		next := api.ProbeNext(id, interval, ran, now)
		if next < now || next.Sub(now) > period {
			t.Fatalf("after %v away: in %v", away, next.Sub(now))
		}
		if away >= period && next.Sub(now) > max(time.Minute, period/10) {
			t.Fatalf("what was missed for %v of %v is made up for in %v", away, period, next.Sub(now))
		}
	})
}

func TestProbesAreSpread(t *testing.T) {
	const n, interval = 60_000, 60
	now := api.Time(1_780_000_000_000)
	for what, ran := range map[string]api.Time{"in its period": now, "after a restart": now.Add(-10 * time.Minute)} {
		var seconds [interval]int
		for i := range n {
			seconds[api.ProbeNext(fmt.Sprintf("0194b9c2-7d3e-7c41-9a55-%012x", i), interval, ran, now).Sub(now)/time.Second%interval]++
		}
		for second, count := range seconds {
			// A restart adds those whose own moment comes first, so there is some slope.
			if what == "in its period" && (count < n/interval*4/5 || count > n/interval*6/5) || count > n/interval*5/2 {
				t.Errorf("%s: %d of %d run in second %d", what, count, n, second)
			}
		}
	}
}

func TestCertificateNotice(t *testing.T) {
	now := api.Time(1_780_000_000_000)
	day := 24 * time.Hour
	for _, c := range []struct {
		left time.Duration
		days int
		want int
	}{
		{30 * day, 14, 0},
		{14 * day, 14, 0},
		{14*day - time.Second, 14, 14},
		{3 * day, 14, 14},
		{3*day - time.Second, 14, 3},
		{-time.Hour, 14, 3},
		{2 * day, 1, 0},
		{time.Hour, 1, 1},
		{time.Hour, 0, 0},
	} {
		if got := api.CertificateNotice(now.Add(c.left), now, c.days); got != c.want {
			t.Errorf("%v left, notice %d days before: %d, want %d", c.left, c.days, got, c.want)
		}
	}
	if got := api.CertificateNotice(0, now, 14); got != 0 {
		t.Errorf("no certificate: %d", got)
	}
}

func TestNormalAnswers(t *testing.T) {
	for _, c := range []struct{ record, text, want string }{
		{"A", " 192.0.2.1 ", "192.0.2.1"},
		{"AAAA", "2001:DB8:0::1", "2001:db8::1"},
		{"MX", "10  Mail.Example.org.", "10 mail.example.org"},
		{"CNAME", ".", "."},
		{"TXT", "V=Spf1  -all.", "V=Spf1  -all."},
		{"CAA", `0 issue "ca.example.org"`, "0 issue ca.example.org"},
		{"SOA", "ns.example.org. root.example.org. 1 2 3 4 5", "ns.example.org root.example.org 1 2 3 4 5"},
	} {
		if got := api.NormalAnswer(c.record, c.text); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.record, c.text, got, c.want)
		}
	}
	if missing, is := api.MissingAnswer("MX", []string{"10 MAIL.example.org", "20 other.example.org"}, []string{"10 mail.example.org"}); !is || missing != "20 other.example.org" {
		t.Errorf("missing %q, %v", missing, is)
	}
}

func FuzzParseStatuses(f *testing.F) {
	for _, seed := range []string{"200", "2xx", "200-299", "9xx", "600", "1-2", "200-", "-", "２00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ranges, wrong := api.ParseStatuses([]string{text})
		if len(ranges) == 0 {
			if wrong != text {
				t.Fatalf("%q is wrong, but %q is given back", text, wrong)
			}
			return
		}
		r := ranges[0]
		if r.From < 100 || r.To > 599 || r.From > r.To || len(text) > 100 && len(strings.TrimSpace(text)) > 7 {
			t.Fatalf("%q gives %v", text, r)
		}
		again, _ := api.ParseStatuses([]string{fmt.Sprintf("%d-%d", r.From, r.To)})
		if !cmp.Equal(again, ranges) || !api.StatusExpected(ranges, r.From) || api.StatusExpected(ranges, r.To+1) {
			t.Fatalf("%q gives %v, written out %v", text, ranges, again)
		}
	})
}

func FuzzNormalAnswer(f *testing.F) {
	f.Add("A", "::ffff:192.0.2.1")
	f.Add("MX", "10 a..")
	f.Add("CAA", `0 issue ";"`)
	f.Fuzz(func(t *testing.T, record, text string) {
		once := api.NormalAnswer(record, text)
		if len(once) > 4*len(text)+45 {
			t.Fatalf("%q grew to %q", text, once)
		}
		if _, missing := api.MissingAnswer(record, []string{text}, []string{once}); missing {
			t.Fatalf("%q is not found as %q", text, once)
		}
	})
}

func FuzzMaskURL(f *testing.F) {
	for _, seed := range []string{"https://me:word@example.org/a?b=c#d", "http://a?", "://", "http://[::1%25eth0]/?a&b=&=c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		shown := api.MaskURL(text)
		p := api.ProbeSettings{URL: shown}
		if back := p.Unmask(api.ProbeSettings{URL: text}).URL; back != text {
			t.Fatalf("%q is shown as %q, which gives %q back", text, shown, back)
		}
	})
}
