package watchtower

import (
	"net/http"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/store"
)

// serverPing is a probe of kind http in the words of watchTower. The dates are Unix seconds, or text for people.
type serverPing struct {
	AlertTarget     string  `json:"alertTarget"`
	AlertType       string  `json:"alertType"`
	Alerted         bool    `json:"alerted"`
	ExpectedCode    int     `json:"expectedCode"`
	Frequency       int64   `json:"frequency"`
	LastPing        any     `json:"lastPing"`
	LastPingSuccess any     `json:"lastPingSuccess"`
	Login           *string `json:"login"`
	Method          string  `json:"method"`
	Password        *string `json:"password"`
	ProxyURL        *string `json:"proxyURL"`
	Service         string  `json:"service"`
	Timeout         float64 `json:"timeout"`
	URL             string  `json:"url"`
}

// pingStep is how many probes are read at once.
const pingStep = 500

// listPings lists the services that the server probes over HTTP, in the order in which they were made.
func (h *routes) listPings(w http.ResponseWriter, r *http.Request) error {
	p, err := h.allow(r, api.ScopeRead)
	if err != nil {
		return err
	}
	date, list := h.dates(r), newList(w, "pings")
	filter := store.ServiceFilter{Probed: store.OnlyProbed, Order: store.ByCreatedAt, Direction: store.Ascending, Limit: pingStep}
	for {
		page, err := h.Store.Services.List(r.Context(), filter)
		if err != nil {
			return err
		}
		ids := make([]string, len(page))
		for i := range page {
			ids[i] = page[i].ID
		}
		found, err := h.Store.Probes.Results(r.Context(), ids...)
		if err != nil {
			return err
		}
		for i := range page {
			s := page[i].Service
			if s.Probe.Kind != api.ProbeHTTP || !p.Reaches(s.Name) {
				continue
			}
			if err := list.add(h.serverPing(p, s, found[s.ID], date)); err != nil {
				return err
			}
		}
		if len(page) < pingStep {
			break
		}
		filter.After = &page[len(page)-1].Mark
	}
	list.end("")
	return nil
}

func (h *routes) serverPing(who auth.Principal, s *api.Service, found *api.ProbeResult, date date) serverPing {
	settings := s.Probe.ProbeSettings
	if who.May(api.ScopeAdmin) { // others see what is secret in it masked, as it is kept
		if opened, err := h.Services.OpenProbe(s.Probe); err == nil {
			settings = opened
		}
	}
	p := serverPing{
		Service: s.Name, URL: settings.URL, Frequency: int64(settings.Interval), Method: "get", Timeout: settings.Timeout,
		ExpectedCode: http.StatusOK, LastPing: date(0), LastPingSuccess: date(h.StartedAt.Unix()), Alerted: s.State == api.StateDown,
		AlertType: s.AlertType, AlertTarget: s.AlertTarget,
	}
	if len(s.Alerts) > 0 {
		target := api.ParseTarget(s.Alerts[0])
		p.AlertType, p.AlertTarget = target.Channel, target.Address
	}
	if settings.Proxy != "" {
		p.ProxyURL = &settings.Proxy
	}
	if ranges, _ := api.ParseStatuses(settings.Statuses); len(ranges) > 0 {
		p.ExpectedCode = ranges[0].From
	}
	if settings.Method != "" {
		p.Method = strings.ToLower(settings.Method)
	}
	if found != nil {
		p.LastPing = date(found.At.Unix())
		if found.LastOK > 0 {
			p.LastPingSuccess = date(found.LastOK.Unix())
		}
	}
	return p
}
