package watchtower

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

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
	if err := p.RequireName(in.Service); err != nil {
		return err
	}
	if _, err := h.Events.Add([]api.EventInput{in}, nil); err != nil {
		return err
	}
	return answer(w, r, outcome{Result: resultOK})
}

// event reads the fields of an event, complaining in the order in which the reference server does.
func (b body) event() (api.EventInput, error) {
	if _, ok := b.Service.asText(); !ok {
		return api.EventInput{}, failed("no service provided")
	}
	message, ok := b.Message.asText()
	if !ok {
		return api.EventInput{}, failed("no message provided")
	}
	name, err := b.Service.name()
	if err != nil {
		return api.EventInput{}, err
	}
	if len(message) > api.MaxEventMessage {
		return api.EventInput{}, failed(fmt.Sprintf("message must be at most %d bytes", api.MaxEventMessage))
	}
	level, unknown := b.Level.level()
	return api.EventInput{Service: name, Message: message, Level: level, LevelText: unknown, Alert: b.Alert.truthy()}, nil
}

// listedEvent is an event in the words of watchTower. Date is Unix seconds, or text for people.
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
	query, err := h.eventQuery(r.URL.Query())
	if err != nil {
		return err
	}
	query.Keep = func(e *api.Event) bool {
		return p.Reaches(e.Service) && (query.MinLevel == nil || shownLevel(e) >= *query.MinLevel)
	}
	found, err := h.Events.List(r.Context(), query)
	if err != nil {
		return err
	}
	date, list := h.dates(r), newList(w, "events")
	for i := range found.Events {
		e := &found.Events[i]
		err := list.add(listedEvent{
			Service: e.Service, Message: e.Message, Level: shownLevel(e), Alert: e.Alert, Date: date(e.Time.Unix()),
		})
		if err != nil {
			return err
		}
	}
	more := ""
	if found.Next.ID != 0 {
		more = `,"truncated":true`
	}
	list.end(more)
	return nil
}

// listPatience is how long a list may take, which has no next page.
const listPatience = 3 * time.Second

// eventQuery reads what a list is narrowed to. What cannot be read narrows nothing, save for expressions.
func (h *routes) eventQuery(params url.Values) (event.Query, error) {
	const day = 24 * 3600
	now := h.Clock.Now().Unix()
	// A moment in seconds ends with its last millisecond.
	query := event.Query{
		From: api.Time(seconds(params.Get("from"), now-day) * 1000), To: api.Time(seconds(params.Get("to"), now)*1000 + 999),
		Limit: h.ListLimit, Patience: listPatience,
	}
	if level, ok := api.ParseLevel(params.Get("level")); ok {
		query.MinLevel = &level // shown levels are never above those that are stored
	}
	for _, expression := range []struct {
		name string
		re   **regexp.Regexp
	}{{"service", &query.ServiceRE}, {"message", &query.MessageRE}} {
		pattern := params.Get(expression.name)
		if pattern == "" {
			continue
		}
		var err error
		if *expression.re, err = api.CompilePattern(expression.name, pattern); err != nil {
			return query, err
		}
	}
	return query, nil
}

// seconds reads a moment in Unix seconds, cut to the time that events may have.
func seconds(text string, otherwise int64) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		n = otherwise
	}
	return min(max(n, 0), int64(api.MaxTime)/1000)
}

// shownLevel gives the level under which watchTower's users know an event: 0 for what the server writes of a service
// that dies or returns.
func shownLevel(e *api.Event) api.Level {
	if !e.Automatic {
		return e.Level
	}
	about, found := strings.CutPrefix(e.Message, "Service "+e.Service)
	if found && (strings.HasPrefix(about, " has not pulsed - ") || strings.HasPrefix(about, " is pulsing again - ")) {
		return 0
	}
	return e.Level
}
