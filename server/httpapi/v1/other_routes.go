package v1

import (
	"net/http"
	"slices"

	"watchkeeper/api"
)

// otherRoutes are the routes of this server that are not REST, in a few lines each. docs/protocol.md tells more.
func otherRoutes() []Other {
	return slices.Concat(watchTowerRoutes(), pingRoutes(), plainRoutes(), publicRoutes(), linkRoutes())
}

type fields = map[string]any

func watchTowerRoutes() []Other {
	pulse := fields{"service": "nightly backup", "nextIn": 86400, "alertType": "mail", "alertTarget": "me@example.org"}
	pulsed := fields{"action": "pulse", "heartBeat": fields{"service": "nightly backup", "nextIn": 86400}, "result": 200}
	one := fields{"service": "nightly backup"}
	event := fields{"service": "nightly backup", "message": "disk nearly full", "level": 2}
	done := fields{"result": 200}
	span := []OtherParameter{
		{"from", "Unix seconds; default a day ago"},
		{"to", "Unix seconds; default now"},
		{"service", "regular expression"},
		{"message", "regular expression"},
		{"level", "at least"},
		{"humanDates", "1 for dates that people read"},
	}
	human := []OtherParameter{{"humanDates", "1 for dates that people read"}}
	const (
		get    = http.MethodGet
		post   = http.MethodPost
		remove = http.MethodDelete
	)
	routes := []Other{
		{
			ID: "watchTowerRoot", Method: get, Path: "/", Summary: "List heartbeats", Scope: api.ScopeRead, Query: human,
			About: "A browser is sent to /gui/ instead.", Answer: fields{"heartBeats": []any{}, "result": 200},
		},
		{
			ID: "watchTowerListHeartbeats", Method: get, Path: "/heartbeats", Summary: "List heartbeats", Scope: api.ScopeRead,
			Query: human, Answer: fields{"heartBeats": []any{}, "result": 200},
		},
		{ID: "watchTowerPulseRoot", Method: post, Path: "/", Summary: "Send a pulse", Scope: api.ScopePulse, Body: pulse, Answer: pulsed},
		{
			ID: "watchTowerPulse", Method: post, Path: "/heartbeat", Summary: "Send a pulse", Scope: api.ScopePulse, Body: pulse,
			Answer: pulsed, About: "The first pulse makes the service.",
		},
		{ID: "watchTowerCancelRoot", Method: remove, Path: "/", Summary: "Cancel", Scope: api.ScopePulse, Body: one, Answer: done},
		{
			ID: "watchTowerCancel", Method: remove, Path: "/heartbeat", Summary: "Cancel", Scope: api.ScopePulse, Body: one,
			Answer: done, About: "Pauses the service until its next pulse.",
		},
		{
			ID: "watchTowerGetFirst", Method: get, Path: "/get/{service}", Summary: "Show a heartbeat", Scope: api.ScopeRead,
			Query: human, Answer: fields{"heartBeat": one, "result": 200},
		},
		{
			ID: "watchTowerGet", Method: get, Path: "/heartbeat/{service}", Summary: "Show a heartbeat", Scope: api.ScopeRead,
			Query: human, Answer: fields{"heartBeat": one, "result": 200},
		},
		{
			ID: "watchTowerAddEventFirst", Method: post, Path: "/add-event", Summary: "Add an event", Scope: api.ScopeEvent,
			Body: event, Answer: done,
		},
		{
			ID: "watchTowerAddEvent", Method: post, Path: "/event", Summary: "Add an event", Scope: api.ScopeEvent, Body: event,
			Answer: done,
		},
		{
			ID: "watchTowerListEventsFirst", Method: get, Path: "/list-events", Summary: "List events", Scope: api.ScopeRead,
			Query: span, Answer: fields{"events": []any{}, "result": 200},
		},
		{
			ID: "watchTowerListEvents", Method: get, Path: "/events", Summary: "List events", Scope: api.ScopeRead, Query: span,
			Answer: fields{"events": []any{}, "result": 200},
		},
		{
			ID: "watchTowerHello", Method: get, Path: "/hello", Summary: "Check the password", Scope: api.ScopeRead,
			Answer: fields{"eventsPresets": []any{}, "result": 200, "version": "1", "world": 1769846400},
		},
		{
			ID: "watchTowerListPings", Method: get, Path: "/pings", Summary: "List probes", Scope: api.ScopeRead,
			Answer: fields{"pings": []any{}, "result": 200},
		},
	}
	for i := range routes {
		routes[i].Group = string(groupWatchTower)
	}
	return routes
}

func pingRoutes() []Other {
	query := []OtherParameter{
		{"rid", "a UUID that ties a start to its end when runs overlap"},
		{"nextIn", "seconds until the next ping at the latest"},
	}
	create := append(slices.Clone(query), OtherParameter{"create", "1 makes the service when none has this slug"})
	const about = "Any method will do. The body, up to the limit that the answer names in `Ping-Body-Limit`, is kept."
	const actions = "The action is `start`, `fail`, `log`, or an exit status: 0 is a success, 1 to 255 are fails."
	return []Other{
		{
			ID: "ping", Method: http.MethodPost, Path: "/ping/{uuid}", Group: string(groupPings), Summary: "Success",
			About: about, Query: query, Answer: "OK",
		},
		{
			ID: "pingActionOrSlug", Method: http.MethodPost, Path: "/ping/{uuidOrKey}/{actionOrSlug}", Group: string(groupPings),
			Summary: "Start, fail, log or exit status; or success, by ping key and slug",
			About:   "Behind a UUID comes an action, behind the ping key the slug of a service. " + actions, Query: create, Answer: "OK",
		},
		{
			ID: "pingActionBySlug", Method: http.MethodPost, Path: "/ping/{key}/{slug}/{action}", Group: string(groupPings),
			Summary: "Start, fail, log or exit status, by ping key and slug", About: actions, Query: create, Answer: "OK",
		},
	}
}

func plainRoutes() []Other {
	get := func(id, path, summary, about string, scope api.Scope) Other {
		return Other{ID: id, Method: http.MethodGet, Path: path, Group: string(groupServer), Summary: summary, About: about, Scope: scope, Answer: "..."}
	}
	return []Other{
		get("healthz", "/healthz", "Is it alive", "200 as soon as the server listens.", ""),
		get("readyz", "/readyz", "Is it ready", "503 with the progress until it serves everything.", ""),
		get("ca", "/ca.pem", "The certificate authority", "PEM, for clients that have to trust the server's own certificate.", ""),
		get("metrics", "/metrics", "Own metrics", "In the format of Prometheus.", api.ScopeRead),
		{
			ID: "manifestSchema", Method: http.MethodGet, Path: "/manifest.schema.json", Group: string(groupServer),
			Summary: "JSON Schema of the files of export and apply", Scope: api.ScopeRead,
			Answer: fields{"$schema": "https://json-schema.org/draft/2020-12/schema"},
		},
	}
}

// publicRoutes are open to everybody for the tags that the setting public_tags names, and answer 404 for all others.
func linkRoutes() []Other {
	const about = "The link in a message that something is down is a credential for that incident alone, valid for 7 days. "
	return []Other{
		{
			ID: "acknowledgePage", Method: http.MethodGet, Path: "/ack/{link}", Group: string(groupAlerts), Summary: "Page of the link in a message",
			About: about + "HTML: what is wrong, since when, whether somebody is at it, and a button. Looking changes nothing.", Answer: "...",
		},
		{
			ID: "acknowledgeByLink", Method: http.MethodPost, Path: "/ack/{link}", Group: string(groupAlerts), Summary: "Acknowledge by the link in a message",
			About: about + "What the button does. It answers with the way back to the page.", Status: http.StatusSeeOther,
		},
	}
}

func publicRoutes() []Other {
	get := func(id, path, summary, about string, answer any) Other {
		return Other{ID: id, Method: http.MethodGet, Path: path, Group: string(groupServer), Summary: summary, About: about, Answer: answer}
	}
	const only = "Only for tags that the setting `public_tags` names. "
	shield := fields{"schemaVersion": 1, "label": "nightly backup", "message": "up", "color": "#1a7f37", "isError": false}
	return []Other{
		get("statusPage", "/status/{tag}", "Status page of a tag", only+"HTML; with `.json` behind the tag the same as JSON.", "..."),
		get("tagBadge", "/badge/{tag}.svg", "Badge of a tag", only+"The worst state of its services; `.json` is an endpoint for shields.io.", "..."),
		get("serviceBadge", "/badge/{tag}/{service}.json", "Badge of a service", only+"The service by name or slug; `.svg` is the picture.", shield),
	}
}
