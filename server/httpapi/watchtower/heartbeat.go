package watchtower

import (
	"net/http"
	"strings"
	"time"

	"watchkeeper/api"
)

// heartbeat is a service in the words of watchTower. Last and Expected are Unix seconds, or text for people.
type heartbeat struct {
	AlertTarget string `json:"alertTarget"`
	AlertType   string `json:"alertType"`
	Alerted     bool   `json:"alerted"`
	Cancelled   bool   `json:"cancelled"`
	Expected    any    `json:"expected"`
	Last        any    `json:"last"`
	NextIn      int64  `json:"nextIn"`
	Service     string `json:"service"`
}

func (h *routes) heartbeat(s *api.Service, date date) heartbeat {
	last, nextIn := s.LastPulse.Unix(), h.nextIn(s)
	return heartbeat{
		Service: s.Name, AlertType: s.AlertType, AlertTarget: s.AlertTarget,
		NextIn: nextIn, Last: date(last), Expected: date(last + nextIn),
		Alerted: s.State == api.StateDown, Cancelled: s.State == api.StatePaused,
	}
}

// nextIn gives how many seconds after its last pulse a service is expected to pulse again. Its Expected does not tell,
// as nothing is expected of a service that is down or paused.
func (h *routes) nextIn(s *api.Service) int64 {
	if n := s.NextInForce(); n > 0 || s.Cron == "" || s.LastPulse == 0 {
		return int64(n)
	}
	cron, err := h.schedules.Parse(s.Cron, s.TimeZone)
	if err != nil {
		return 0 // the store says so in the log
	}
	last := s.LastPulse.Std()
	return max(0, int64(cron.Next(last).Sub(last)/time.Second)) // never again is the year 1
}

// listHeartbeats lists all services that have pulsed, in the order of their first pulse. The list is written while it
// is read: there may be a million.
func (h *routes) listHeartbeats(w http.ResponseWriter, r *http.Request) error {
	p, err := h.allow(r, api.ScopeRead)
	if err != nil {
		return err
	}
	date, list := h.dates(r), newList(w, "heartBeats")
	err = h.Store.Services.EachPulsed(r.Context(), func(s *api.Service) error {
		if !p.Reaches(s.Name) || s.Probe != nil && s.Probe.Kind == api.ProbeHTTP { // that one is in the list of pings
			return nil
		}
		return list.add(h.heartbeat(s, date))
	})
	if err == nil {
		list.end("")
	}
	return err
}

// getHeartbeat answers with one service. Its name is the rest of the path, slashes and all.
func (h *routes) getHeartbeat(w http.ResponseWriter, r *http.Request) error {
	p, err := h.allow(r, api.ScopeRead)
	if err != nil {
		return err
	}
	_, name, _ := strings.Cut(r.URL.Path[1:], "/")
	s, err := h.find(r, name)
	switch {
	case api.KindOf(err) == api.KindNotFound, err == nil && (s.FirstPulse == 0 || !p.Reaches(name)):
		return failed("service not found")
	case err != nil:
		return err
	}
	return answer(w, r, struct {
		HeartBeat heartbeat `json:"heartBeat"`
		Result    int       `json:"result"`
	}{h.heartbeat(s, unixDate), resultOK})
}

// find gives the service with a name. What cannot be a name is KindNotFound too, and is kept from the database, which
// does not take every text.
func (h *routes) find(r *http.Request, name string) (*api.Service, error) {
	if api.CheckName(name) != "" {
		return nil, api.Errorf(api.KindNotFound, "service not found")
	}
	return h.Store.Services.ByName(r.Context(), name)
}
