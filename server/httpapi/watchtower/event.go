package watchtower

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/event"
)

// addEvent stores an event, dated with the receive time.
func (h *routes) addEvent(w http.ResponseWriter, r *http.Request) error {
	p, err := h.allow(r, api.ScopeEvent)
	if err != nil {
		return err
	}
	b, err := readBody(r)
	if err != nil {
		return err
	}
	in, err := b.event()
	if err != nil {
		return err
	}
	if err := h.allowName(p, in.Service); err != nil {
		return err
	}
	if _, err := h.Events.Add([]api.EventInput{in}, nil); err != nil {
		return err
	}
	return answer(w, r, refusal{Result: resultOK})
}

// event reads the fields of an event, complaining in the order in which the reference server does.
func (b body) event() (api.EventInput, error) {
	name, ok := text(b.Service)
	if !ok {
		return api.EventInput{}, failed("no service provided")
	}
	message, ok := text(b.Message)
	if !ok {
		return api.EventInput{}, failed("no message provided")
	}
	if why := api.CheckName(name); why != "" {
		return api.EventInput{}, failed("service " + why)
	}
	if len(message) > api.MaxEventMessage {
		return api.EventInput{}, failed("message must be at most " + strconv.Itoa(api.MaxEventMessage) + " bytes")
	}
	in := api.EventInput{Service: name, Message: message, Alert: truthy(b.Alert)}
	if level, given := text(b.Level); given {
		if in.Level, ok = api.ParseLevel(level); !ok {
			in.LevelText = api.CutText(level, api.MaxTagLength)
		}
	}
	return in, nil
}

// listedEvent is an event in the words of watchTower. Date is Unix seconds, or a date for people.
type listedEvent struct {
	Alert   bool      `json:"alert"`
	Date    any       `json:"date"`
	Level   api.Level `json:"level"`
	Message string    `json:"message"`
	Service string    `json:"service"`
}

// listEvents lists events, newest first.
func (h *routes) listEvents(w http.ResponseWriter, r *http.Request) error {
	p, err := h.allow(r, api.ScopeRead)
	if err != nil {
		return err
	}
	params := r.URL.Query()
	now := h.Clock.Now().Unix()
	query := event.Query{
		From:  api.Time(max(0, seconds(params, "from", now-86400)) * 1000),
		To:    api.Time(max(0, seconds(params, "to", now))*1000 + 999),
		Limit: h.ListLimit,
	}
	for name, re := range map[string]**regexp.Regexp{"service": &query.ServiceRE, "message": &query.MessageRE} {
		if pattern := params.Get(name); pattern != "" {
			if *re, err = api.CompilePattern(name, pattern); err != nil {
				return err
			}
		}
	}
	least, bounded := minLevel(params)
	query.Keep = func(e *api.Event) bool { return p.Reaches(e.Service) && (!bounded || shownLevel(e) >= least) }
	found, err := h.Events.List(r.Context(), query)
	if err != nil {
		return err
	}
	human := wantsHumanDates(r)
	list := newList(w, r, "events")
	for i := range found.Events {
		e := &found.Events[i]
		out := listedEvent{Alert: e.Alert, Date: e.Time.Unix(), Level: shownLevel(e), Message: e.Message, Service: e.Service}
		if human {
			out.Date = humanDate(e.Time.Unix(), h.Zone)
		}
		if err := list.add(out); err != nil {
			return err
		}
	}
	if found.Next.ID != 0 {
		return list.end(`,"truncated":true`)
	}
	return list.end("")
}

// shownLevel gives the level under which watchTower's users know an event: 0 for what the server wrote of a service
// that died or returned.
func shownLevel(e *api.Event) api.Level {
	if e.Automatic && (strings.Contains(e.Message, " has not pulsed - ") || strings.Contains(e.Message, " is pulsing again - ")) {
		return 0
	}
	return e.Level
}

func seconds(params url.Values, name string, otherwise int64) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(params.Get(name)), 10, 64)
	if err != nil || n > int64(api.MaxTime)/1000 {
		return otherwise
	}
	return n
}

func minLevel(params url.Values) (api.Level, bool) {
	return api.ParseLevel(params.Get("level"))
}
