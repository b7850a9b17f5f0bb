package v1

import "watchkeeper/api"

// Examples of the document. They are of the types that the routes read and write, so that they cannot be of another.

func exampleService(name string, alerts []string) api.ServiceInput {
	nextIn, grace, tags := api.Seconds(86_400), api.Seconds(3600), []string{"db"}
	in := api.ServiceInput{NextIn: &nextIn, Grace: &grace, Tags: &tags}
	if name != "" {
		in.Name = &name
	}
	if alerts != nil {
		in.Alerts = &alerts
	}
	return in
}

const (
	exampleID   = "0194b9c2-7d3e-7c41-9a55-2f1c6e0d8b17"
	exampleMade = api.Time(1_769_846_400_000) // 2026-01-31 08:00
)

func exampleServiceView() api.ServiceView {
	const hour = api.Time(3_600_000)
	return api.ServiceView{Service: api.Service{
		ID: exampleID, CreatedAt: exampleMade, UpdatedAt: exampleMade,
		ServiceSettings: api.ServiceSettings{
			Name: "nightly backup", Slug: "nightly-backup", Tags: []string{"db"}, NextIn: 86_400, Grace: 3600, Alerts: []string{},
			Parents: []string{},
		},
		ServiceStatus: api.ServiceStatus{
			State: api.StateUp, StateSince: exampleMade + 2*hour, FirstPulse: exampleMade + 2*hour,
			LastPulse: exampleMade + 2*hour, Expected: exampleMade + 26*hour, Deadline: exampleMade + 27*hour,
		},
		PingURL: "https://watch.example.org:8443/ping/" + exampleID,
	}}
}

func exampleUptime() api.ServiceUptime {
	const day, hour = 24 * 3600, api.Time(3_600_000)
	percent := 99.3
	return api.ServiceUptime{
		Service: "nightly backup", State: api.StateUp, Since: exampleMade + 2*hour,
		Periods: []api.Uptime{{Period: "7d", From: exampleMade, Percent: &percent, Up: 0.993 * 7 * day, Down: 0.007 * 7 * day, Outages: 1}},
	}
}

func exampleMatch(text string) api.Matchers {
	m, err := api.ParseMatchers(text)
	if err != nil {
		panic(err) // a mistake in this file
	}
	return m
}

func exampleRoute() api.RouteInput {
	return api.RouteInput{
		Name: "nights", Match: exampleMatch(`tag="prod", level="error"`), To: []string{"mail:night@example.org"}, After: 600,
		Repeat: 3600, Hours: &api.Hours{From: "20:00", To: "06:00", Zone: "Europe/Paris"},
	}
}

func exampleRouteView() api.Route {
	in := exampleRoute()
	in.Position = 1
	return api.Route{RouteInput: in, ID: exampleID, Source: "api", CreatedAt: exampleMade, UpdatedAt: exampleMade}
}

func exampleSilence() api.Silence {
	return api.Silence{
		ID: exampleID, Match: exampleMatch(`name="db1"`), StartsAt: exampleMade, EndsAt: exampleMade + 7_200_000,
		Comment: "upgrade", CreatedBy: "ops", CreatedAt: exampleMade, Active: true,
	}
}

func exampleMaintenance() api.MaintenanceInput {
	return api.MaintenanceInput{
		Name: "backup", Match: exampleMatch(`tag="db"`), Cron: "0 3 * * 0", Duration: 7200, Zone: "Europe/Paris", Comment: "weekly backup",
	}
}

func exampleMaintenanceView() api.Maintenance {
	const hour, week = api.Time(3_600_000), api.Time(7 * 24 * 3_600_000)
	const first = exampleMade + 18*hour // Sunday 2026-02-01 03:00 in Paris
	m := api.Maintenance{MaintenanceInput: exampleMaintenance(), ID: exampleID, Source: "api", CreatedBy: "ops", CreatedAt: exampleMade}
	for i := range api.Time(api.NextWindows) {
		m.Next = append(m.Next, api.Window{From: first + i*week, To: first + i*week + 2*hour})
	}
	return m
}

func exampleProbeResult() api.ProbeResult {
	return api.ProbeResult{
		At: exampleMade, OK: true, Reason: api.ProbeOK, Detail: "HTTP 200 OK", Duration: 0.183, Status: 200, Address: "192.0.2.7:443",
		Timing:             &api.ProbeTiming{Name: 0.012, Connect: 0.021, TLS: 0.044, Wait: 0.101, Read: 0.005},
		CertificateExpires: exampleMade + 60*24*3_600_000,
	}
}

func exampleExplanation() api.Explanation {
	return api.Explanation{Service: "nightly backup", State: api.StateUp, Now: exampleMade, Telling: []api.Foreseen{
		{At: exampleMade, About: api.AboutOpened, Route: "default", Channel: "mail", Target: "me@example.org", State: api.DeliveryWaiting},
	}}
}
