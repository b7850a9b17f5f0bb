package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoutesAndMaintenanceOfTheFile(t *testing.T) {
	loaded := given{file: `
routes:
  - name: nights
    match: ['tag=~"prod|staging"', level="error"]
    to: [mail:night@example.org, ops]
    continue: yes
    after: 10m
    repeat: 1h
    hours: {days: mon-fri, from: "20:00", to: "06:00", zone: Europe/Paris}
  - name: rest
    match: 'host="h1", name!="x"'
    to: ops
maintenance:
  - name: backup
    match: tag="db"
    cron: 0 3 * * 0
    duration: 2h
    zone: Europe/Paris
    comment: weekly
  - {name: move, match: 'host="h1"', starts_at: 2026-03-01T11:00:00Z, ends_at: 1772370000, comment: new rack}
`}.mustLoad(t)
	routes, err := json.Marshal(loaded.Config.Routes)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Join([]string{
		`[{"name":"nights","position":0,"match":["tag=~\"prod|staging\"","level=\"error\""],"to":["mail:night@example.org","ops"],"continue":true,`,
		`"after":600,"repeat":3600,"hours":{"days":"mon-fri","from":"20:00","to":"06:00","zone":"Europe/Paris"}},`,
		`{"name":"rest","position":0,"match":["host=\"h1\"","name!=\"x\""],"to":["ops"]}]`,
	}, ""), string(routes)); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	maintenance, err := json.Marshal(loaded.Config.Maintenance)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Join([]string{
		`[{"name":"backup","match":["tag=\"db\""],"cron":"0 3 * * 0","duration":7200,"zone":"Europe/Paris","comment":"weekly"},`,
		`{"name":"move","match":["host=\"h1\""],"starts_at":"2026-03-01T11:00:00.000Z","ends_at":"2026-03-01T13:00:00.000Z","comment":"new rack"}]`,
	}, ""), string(maintenance)); diff != "" {
		t.Errorf("maintenance (-want +got):\n%s", diff)
	}
}

func TestTargetsOfTheFileMayStandInBrackets(t *testing.T) {
	loaded := given{file: "routes:\r\n- {name: a, match: 'tag=\"x\"', to: [mail:a@example.org, webhook:https://hooks.example.org:8443/x]}\r\n"}.mustLoad(t)
	if len(loaded.Config.Routes) != 1 {
		t.Fatalf("routes: %+v", loaded.Config.Routes)
	}
	if diff := cmp.Diff([]string{"mail:a@example.org", "webhook:https://hooks.example.org:8443/x"}, loaded.Config.Routes[0].To); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
}

func TestProblemsOfRoutesAndMaintenanceShowTheLine(t *testing.T) {
	for file, want := range map[string]string{
		"routes:\n  - name: a\n    too: [hunter2]\n":                                               "watchkeeper.yaml:3: routes[0].too is not known, did you mean to?\n    3 |     too: ...",
		"routes:\n  - name: a\n    to: ops\n    match: tag=prod\n":                                 "watchkeeper.yaml:4: routes[0].match the value after tag= must stand in double quotes, as in tag=\"db1\"\n    4 |     match: ...",
		"routes:\n  - name: a\n    to: ops\n    repeat: 5\n":                                       "watchkeeper.yaml:4: routes[0].repeat must be a duration such as 2s, 5m, 25h, 14d or 1d12h\n    4 |     repeat: ...",
		"routes:\n  - name: a\n    to: ops\n    repeat: 5s\n":                                      "watchkeeper.yaml:2: routes[0] repeat must be 0, or 60 to 315360000 seconds\n    2 |   - name: ...",
		"routes:\n  - name: a\n    to: ops\n    after: 1500ms\n":                                   "watchkeeper.yaml:4: routes[0].after must be whole seconds\n    4 |     after: ...",
		"routes:\n  - name: a\n    to: ops\n    continue: maybe\n":                                 "watchkeeper.yaml:4: routes[0].continue must be true, 1 or yes, or false, 0 or no\n    4 |     continue: ...",
		"routes:\n  - name: a\n    to: {}\n":                                                       "watchkeeper.yaml:3: routes[0].to must be a list, not a map\n    3 |     to: ...",
		"routes:\n  - {name: a, to: x}\n  - {name: a, to: y}\n":                                    "watchkeeper.yaml:3: routes[1] name must not be the same as that of another: a\n    3 |   - {name: ...",
		"routes:\n  - name: a\n    to: ops\n    hours: {from: '8', to: '17:00'}\n":                 "watchkeeper.yaml:2: routes[0] hours from must be written HH:MM, such as 08:00\n    2 |   - name: ...",
		"routes:\n  - name: a\n    to: ops\n    hours: {zone: Mars}\n":                             "watchkeeper.yaml:4: routes[0].hours zone must be a time zone such as Europe/Paris, UTC, or Local for that of the system\n    4 |     hours: ...",
		"routes:\n  - name: a\n    to: ops\n    hours: 8-17\n":                                     "watchkeeper.yaml:4: routes[0].hours must be a map, not a single value\n    4 |     hours: ...",
		"maintenance:\n  - name: m\n    match: tag=\"x\"\n    comment: c\n    cron: '0 3 * * *'\n": "watchkeeper.yaml:2: maintenance[0] duration must be 60 to 2678400 seconds (31 days)\n    2 |   - name: m",
		"maintenance:\n  - name: m\n    match: tag=\"x\"\n    comment: c\n    starts_at: soon\n":   "watchkeeper.yaml:5: maintenance[0].starts_at must be a time in RFC 3339 (2026-01-31T08:00:00Z) or in Unix seconds\n    5 |     starts_at: soon",
		"maintenance:\n  - name: m\n    zone: Mars\n":                                              "watchkeeper.yaml:3: maintenance[0].zone must be a time zone such as Europe/Paris, UTC, or Local for that of the system\n    3 |     zone: Mars",
		"templates:\n  - kind: pigeon\n":                                                           "watchkeeper.yaml:2: templates[0] kind must be one of mail, pushover, webhook, shoutrrr\n    2 |   - kind: pigeon",
		"templates:\n  - {kind: mail}\n  - {kind: mail}\n":                                         "watchkeeper.yaml:3: templates[1] kind must not be the same as that of another: mail\n    3 |   - {kind: mail}",
		"templates:\n  - kind: mail\n    titl: x\n":                                                "watchkeeper.yaml:3: templates[0].titl is not known, did you mean title?\n    3 |     titl: x",
		"maintenance:\n  - name: m\n":                                                              "watchkeeper.yaml:2: maintenance[0] match must be one matcher at least, such as tag=\"prod\"\n    2 |   - name: m",
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
}
