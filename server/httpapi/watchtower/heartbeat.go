package watchtower

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/service"
	"watchkeeper/server/store"
)

// heartbeat is a service in the words of watchTower. Last and Expected are Unix seconds, or dates for people.
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

func newHeartbeat(s *api.Service) heartbeat {
	last := s.LastPulse.Unix()
	nextIn := int64(s.NextInForce())
	if nextIn == 0 && s.Expected > 0 { // a cron expression
		nextIn = int64(s.Expected.Sub(s.LastPulse) / time.Second)
	}
	return heartbeat{
		AlertTarget: s.AlertTarget, AlertType: s.AlertType, Service: s.Name, NextIn: nextIn, Last: last, Expected: last + nextIn,
		Alerted: s.State == api.StateDown, Cancelled: s.State == api.StatePaused,
	}
}

// forPeople turns the dates into text.
func (b heartbeat) forPeople(zone api.Zone) heartbeat {
	b.Last, b.Expected = humanDate(b.Last.(int64), zone), humanDate(b.Expected.(int64), zone)
	return b
}

func humanDate(unix int64, zone api.Zone) string {
	return time.Unix(unix, 0).In(zone).Format(time.DateTime)
}

func wantsHumanDates(r *http.Request) bool { return r.URL.Query().Get("humanDates") == "1" }

type acted struct {
	Action    string `json:"action"`
	HeartBeat any    `json:"heartBeat"`
	Result    int    `json:"result"`
}

// pulse stores a sign of life and makes the service when it is the first.
func (h *routes) pulse(w http.ResponseWriter, r *http.Request) error {
	p, err := h.allow(r, api.ScopePulse)
	if err != nil {
		return err
	}
	b, err := readBody(r)
	if err != nil {
		return err
	}
	sign, err := b.sign()
	if err != nil {
		return err
	}
	if err := h.allowName(p, sign.Name); err != nil {
		return err
	}
	describe(&sign, r)
	result, err := h.Services.Pulse(sign)
	if err != nil {
		return err
	}
	return answer(w, r, acted{"pulse", pulsed(sign, result), resultOK})
}

// pulsed is the heartbeat that a pulse has left.
func pulsed(sign service.Sign, result store.PulseResult) heartbeat {
	last := result.Last.Unix()
	return heartbeat{
		AlertTarget: sign.Legacy.AlertTarget, AlertType: sign.Legacy.AlertType, Service: result.Name,
		NextIn: int64(result.NextIn), Last: last, Expected: last + int64(result.NextIn),
		Alerted: result.State == api.StateDown, Cancelled: result.State == api.StatePaused,
	}
}

// describe notes how a pulse came.
func describe(sign *service.Sign, r *http.Request) {
	sign.Scheme, sign.Method, sign.UserAgent = web.Scheme(r.Context()), r.Method, r.UserAgent()
	if a := web.ClientAddress(r.Context()); a.IsValid() {
		sign.RemoteAddress = a.String()
	}
}

// sign reads the fields of a pulse, complaining in the order in which the reference server does.
func (b body) sign() (service.Sign, error) {
	name, ok := text(b.Service)
	if !ok {
		return service.Sign{}, failed("no service provided")
	}
	if len(b.NextIn) == 0 {
		return service.Sign{}, failed("no nextIn provided")
	}
	target, ok := text(b.AlertTarget)
	if !ok {
		return service.Sign{}, failed("no alert target provided")
	}
	kind, ok := text(b.AlertType)
	if !ok {
		return service.Sign{}, failed("no alert type provided")
	}
	nextIn, err := integer(b.NextIn)
	if err != nil {
		return service.Sign{}, err
	}
	if why := api.CheckName(name); why != "" {
		return service.Sign{}, failed("service " + why)
	}
	if nextIn < 1 || nextIn > int64(api.MaxSeconds) {
		return service.Sign{}, failed("nextIn must be 1 to " + strconv.FormatInt(int64(api.MaxSeconds), 10) + " seconds (ten years)")
	}
	return service.Sign{
		Name: name, Create: &api.ServiceSettings{Name: name, Slug: api.Slugify(name)}, NextIn: api.Seconds(nextIn),
		Legacy: &api.LegacyTarget{AlertType: kind, AlertTarget: target},
	}, nil
}

// integer reads a number, whose fraction is cut, or a string of digits, which may have none.
func integer(field json.RawMessage) (int64, error) {
	s, ok := text(field)
	if !ok {
		return 0, failed("nextIn must be an integer, not " + api.CutText(string(field), 50))
	}
	if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64); err == nil {
		return n, nil
	}
	switch f, err := strconv.ParseFloat(s, 64); {
	case field[0] == '"' || err != nil && !math.IsInf(f, 0):
		return 0, failed("nextIn must be an integer, not " + api.CutText(s, 50))
	case math.Abs(f) > math.MaxInt32:
		return math.MaxInt64, nil // beyond any rule, which then says so
	default:
		return int64(f), nil
	}
}

// cancel ends the watch over a service until its next pulse. It may be repeated, and an unknown name is no error.
func (h *routes) cancel(w http.ResponseWriter, r *http.Request) error {
	p, err := h.allow(r, api.ScopePulse)
	if err != nil {
		return err
	}
	b, err := readBody(r)
	if err != nil {
		return err
	}
	name, ok := text(b.Service)
	if !ok {
		return failed("no service provided")
	}
	if err := h.allowName(p, name); err != nil {
		return err
	}
	s, err := h.Store.Services.ByName(r.Context(), name)
	if err == nil {
		s, err = h.Store.Services.Pause(r.Context(), s.ID, api.ReasonCancelled)
	}
	switch api.KindOf(err) {
	case "":
		return answer(w, r, acted{"cancel", newHeartbeat(s), resultOK})
	case api.KindNotFound:
		return answer(w, r, acted{"cancel", name, resultOK})
	}
	return err
}

// getHeartbeat answers with one service. Its name is the rest of the path, slashes and all.
func (h *routes) getHeartbeat(w http.ResponseWriter, r *http.Request) error {
	p, err := h.allow(r, api.ScopeRead)
	if err != nil {
		return err
	}
	name := pathRest(r)
	if !p.Reaches(name) {
		return failed("service not found")
	}
	s, err := h.Store.Services.ByName(r.Context(), name)
	switch {
	case api.KindOf(err) == api.KindNotFound, err == nil && s.FirstPulse == 0:
		return failed("service not found")
	case err != nil:
		return err
	}
	return answer(w, r, struct {
		HeartBeat heartbeat `json:"heartBeat"`
		Result    int       `json:"result"`
	}{newHeartbeat(s), resultOK})
}

// pathRest gives what follows the first segment of the path, decoded.
func pathRest(r *http.Request) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return rest
}

// listHeartbeats lists all services that have pulsed, in the order of their first pulse. The list is written while it
// is read: there may be a million.
func (h *routes) listHeartbeats(w http.ResponseWriter, r *http.Request) error {
	p, err := h.allow(r, api.ScopeRead)
	if err != nil {
		return err
	}
	human := wantsHumanDates(r)
	list := newList(w, r, "heartBeats")
	err = h.Store.Services.EachPulsed(r.Context(), func(s *api.Service) error {
		if !p.Reaches(s.Name) {
			return nil
		}
		b := newHeartbeat(s)
		if human {
			b = b.forPeople(h.Zone)
		}
		return list.add(b)
	})
	if err != nil {
		return err
	}
	return list.end("")
}
