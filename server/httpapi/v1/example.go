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
