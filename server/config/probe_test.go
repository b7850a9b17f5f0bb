package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProbesOfTheFile(t *testing.T) {
	loaded := given{file: `
probes:
  - service: shop
    kind: http
    url: https://me:word@shop.example.org/?a=b
    method: POST
    headers: {X-Key: hunter2}
    body: '{"a": 1}'
    statuses: [200, 3xx]
    contains: ok
    lacks: error
    redirects: stop
    insecure: yes
    proxy: http://proxy:3128
    certificate_days: 0
    interval: 5m
    timeout: 1500ms
    alerts: mail:me@example.org
    tags: [web, prod]
    host: h1
    grace: 2m
    failures_to_alert: 3
  - {service: db, kind: tcp, address: "db:5432"}
  - {service: zone, kind: dns, name: example.org, record: MX, resolver: "192.0.2.53", answers: [10 mail.example.org]}
pings:
  - {service: old, url: "https://old.example.org", frequency: 5, alertType: pushover, alertTarget: u123, proxyURL: "http://proxy:3128"}
  - {service: older, url: "http://older.example.org", alertType: mail, alertTarget: me@example.org}
  - {service: oldest, url: "http://oldest.example.org", frequency: 2m, alertType: mail, alertTarget: me@example.org, proxyURL:, insecure: true}
`}.mustLoad(t)
	got, err := json.Marshal([]any{loaded.Config.Probes, loaded.Config.Pings})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Join([]string{
		`[[{"Service":"shop","Settings":{"kind":"http","interval":300,"timeout":1.5,"url":"https://me:word@shop.example.org/?a=b","method":"POST",`,
		`"headers":{"X-Key":"hunter2"},"body":"{\"a\": 1}","statuses":["200","3xx"],"contains":"ok","lacks":"error","redirects":"stop",`,
		`"insecure":true,"proxy":"http://proxy:3128","certificate_days":0},`,
		`"More":{"tags":["web","prod"],"host":"h1","grace":120,"alerts":["mail:me@example.org"],"failures_to_alert":3}},`,
		`{"Service":"db","Settings":{"kind":"tcp","address":"db:5432"},"More":{}},`,
		`{"Service":"zone","Settings":{"kind":"dns","name":"example.org","record":"MX","resolver":"192.0.2.53","answers":["10 mail.example.org"]},"More":{}}],`,
		`[{"Service":"old","Settings":{"kind":"http","interval":5,"url":"https://old.example.org","statuses":["200"],"proxy":"http://proxy:3128"},"More":{"alerts":["pushover:u123"]}},`,
		`{"Service":"older","Settings":{"kind":"http","interval":30,"url":"http://older.example.org","statuses":["200"]},"More":{"alerts":["mail:me@example.org"]}},`,
		`{"Service":"oldest","Settings":{"kind":"http","interval":120,"url":"http://oldest.example.org","statuses":["200"],"insecure":true},"More":{"alerts":["mail:me@example.org"]}}]]`,
	}, ""), string(got)); diff != "" {
		t.Errorf("probes (-want +got):\n%s", diff)
	}
	if shown := loaded.Config.String(); strings.Contains(shown, "hunter2") || strings.Contains(shown, "word@") || !strings.Contains(shown, "shop") {
		t.Errorf("the settings are shown as %s", shown)
	}
}

func TestProblemsOfProbesShowTheLine(t *testing.T) {
	for file, want := range map[string]string{
		"probes:\n  - service: a\n    kind: http\n    urll: http://hunter2\n":                           "watchkeeper.yaml:4: probes[0].urll is not known, did you mean url?\n    4 |     urll: ...",
		"probes:\n  - service: a\n    kind: http\n":                                                     "watchkeeper.yaml:2: probes[0] url must be an address such as https://example.org/health\n    2 |   - service: ...",
		"probes:\n  - service: a\n    kind: web\n":                                                      "watchkeeper.yaml:2: probes[0] kind must be one of http, tcp, icmp, dns\n    2 |   - service: ...",
		"probes:\n  - kind: tcp\n    address: a:1\n":                                                    "watchkeeper.yaml:2: probes[0] service must not be empty\n    2 |   - kind: ...",
		"probes:\n  - {service: a, kind: tcp, address: 'a:1', interval: 60}\n":                          "watchkeeper.yaml:2: probes[0].interval must be a duration such as 2s, 5m, 25h, 14d or 1d12h\n    2 |   - {service: ...",
		"probes:\n  - {service: a, kind: tcp, address: 'a:1', certificate_days: x}\n":                   "watchkeeper.yaml:2: probes[0].certificate_days must be a whole number\n    2 |   - {service: ...",
		"probes:\n  - {service: a, kind: icmp, address: a}\n  - {service: a, kind: icmp, address: b}\n": "watchkeeper.yaml:3: probes[1] service must not be the same as that of another: a\n    3 |   - {service: ...",
		"pings:\n  - {service: a, url: 'http://a'}\n":                                                   "watchkeeper.yaml:2: pings[0] alertType and alertTarget must be given\n    2 |   - {service: ...",
		"pings:\n  - {service: a, url: 'a', alertType: mail, alertTarget: x}\n":                         "watchkeeper.yaml:2: pings[0] url must be an address such as https://example.org/health\n    2 |   - {service: ...",
		"pings:\n  - {service: a, url: 'http://a', alertType: mail, alertTarget: x, frequency: 0}\n":    "watchkeeper.yaml:2: pings[0].frequency must be at least 1 second\n    2 |   - {service: ...",
	} {
		_, err := given{file: file}.load(t)
		if err == nil {
			t.Errorf("%q is accepted", file)
			continue
		}
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", file, diff)
		}
	}
	_, err := given{file: "probes:\n  - {service: a, kind: icmp, address: a}\npings:\n  - {service: a, url: 'http://a', alertType: mail, alertTarget: x}\n"}.load(t)
	if err == nil || !strings.Contains(err.Error(), "must not name a service that probes names, too: a") {
		t.Errorf("a service of both lists: %v", err)
	}
}
