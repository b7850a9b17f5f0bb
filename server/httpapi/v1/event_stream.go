package v1

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/event"
	"watchkeeper/server/httpapi/web"
)

// followEventsInput is what the document says of the stream.
type followEventsInput struct {
	Narrowing
	LastEventID string `header:"Last-Event-ID" doc:"where to go on: the id of the last message that was seen; browsers send it by themselves" example:"1-1041"`
	After       string `query:"after" doc:"the same for clients that cannot set a header; the header wins" example:"1-1041"`
	LastID      string `query:"last_event_id" doc:"the same as after"`
}

func (h *routes) eventStreamRoutes(d *document) {
	addPlain[followEventsInput, struct{}](d, operation{
		id: "followEvents", method: http.MethodGet, path: "/api/v1/events/stream", group: groupEvents, scope: api.ScopeRead,
		summary: "Follow events as they come", status: http.StatusOK, refuses: []api.ErrorKind{api.KindGone},
		about: "Server-sent events: each message is an event as the list shows it, and its id the place to go on from; the " +
			"stream opens with the id of where it begins, without an event. New readers get what comes from now on. A line of comment every 15 s keeps the connection; when the server stops, " +
			"or the credential ends, the stream ends, and clients come back by themselves.",
		answer: &huma.Response{
			Description: "Events, without end.",
			Content: map[string]*huma.MediaType{"text/event-stream": {
				Schema: &huma.Schema{Type: huma.TypeString},
				Example: "id: 1-1041\ndata: {\"id\":1041,\"service\":\"nightly backup\",\"message\":\"disk nearly full\",\"level\":2," +
					"\"level_name\":\"warning\",\"time\":\"2026-01-31T08:00:00.000Z\",\"received_at\":\"2026-01-31T08:00:00.000Z\"}\n\n",
			}},
		},
	}, h.followEvents)
}

// followEvents streams events.
func (h *routes) followEvents(w http.ResponseWriter, r *http.Request) error {
	who, err := h.allow(r, api.ScopeRead)
	if err != nil {
		return err
	}
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return malformed("query", "has a character that is not escaped as it should be")
	}
	f := follower{routes: h, request: r}
	if f.query, err = streamQuery(params, who); err != nil {
		return err
	}
	woken, unsubscribe := h.Woken()
	defer unsubscribe()
	if f.seen, err = h.startAt(r, params); err != nil {
		return err
	}
	if r.Method == http.MethodHead { // it would wait for an answer that never ends
		w.Header().Set("Content-Type", "text/event-stream")
		return nil
	}
	if f.stream, err = h.Streams.Open(w, r); err != nil {
		return err
	}
	if err := f.stream.Follow(woken, f.look); !errors.Is(err, errCredentialEnded) {
		return err
	}
	return nil
}

// streamQuery reads the parameters by which the stream is narrowed.
func streamQuery(params url.Values, who auth.Principal) (event.Query, error) {
	known := []*huma.Param{{Name: "after", In: "query"}, {Name: "last_event_id", In: "query"}}
	n := Narrowing{}
	for name, field := range map[string]*string{
		"service": &n.Service, "service_re": &n.ServiceRE, "message": &n.Message, "message_re": &n.MessageRE,
		"level": (*string)(&n.Level),
	} {
		*field = params.Get(name)
		known = append(known, &huma.Param{Name: name, In: "query"})
	}
	if err := checkQuery(params, known); err != nil {
		return event.Query{}, err
	}
	var p parameters
	q := n.query(&p, who)
	return q, p.wrong.Err()
}

// startAt gives the id of the last event that the reader has seen; for a new reader, of the last that there is.
func (h *routes) startAt(r *http.Request, params url.Values) (int64, error) {
	text := web.LastEventID(r)
	if text == "" {
		text = params.Get("after")
	}
	if text == "" {
		return h.Store.Events.LastID(r.Context())
	}
	at, err := api.ParsePosition(text, h.Generation)
	if err != nil {
		return 0, err
	}
	// Without a single event nobody can say whether those that were seen have been removed by age.
	last, err := h.Store.Events.LastID(r.Context())
	if err == nil && last > 0 && at.ID > last {
		return 0, api.Errorf(api.KindGone, "there was no event %d yet: the position is not of this server; begin without one", at.ID)
	}
	return at.ID, err
}

// follower is one reader of the stream.
type follower struct {
	*routes
	request *http.Request
	stream  *web.Stream
	query   event.Query
	seen    int64
	opened  bool // the reader was told where it is
}

// errCredentialEnded ends a stream as politely as the server's own end does.
var errCredentialEnded = errors.New("the credential ended")

// followStep is how many events one look reads at a time.
const followStep = 500

// look sends what has come since the last look.
func (f *follower) look(ctx context.Context) error {
	if !f.opened { // so that it comes back to here even if no event comes before the connection breaks
		f.opened = true
		if err := f.stream.Send(web.Message{ID: f.position(f.seen)}); err != nil {
			return err
		}
	}
	for {
		// A credential that was revoked ends the stream: that credentials changed is among what wakes it.
		if _, err := f.allow(f.request, api.ScopeRead); err != nil {
			return fmt.Errorf("%w: %w", errCredentialEnded, err)
		}
		events, err := f.Store.Events.After(ctx, f.seen, followStep)
		if err != nil {
			return err
		}
		for i := range events {
			f.seen = events[i].ID
			if !f.query.Fits(&events[i]) {
				continue
			}
			if err := f.send(&events[i]); err != nil {
				return err
			}
		}
		if len(events) == 0 || f.closing() {
			return nil
		}
	}
}

// closing reports whether the server stops, which the stream itself sees only between two looks.
func (f *follower) closing() bool {
	select {
	case <-f.Streams.Closing:
		return true
	default:
		return false
	}
}

func (f *follower) send(e *api.Event) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return f.stream.Send(web.Message{ID: f.position(e.ID), Data: data})
}

func (f *follower) position(id int64) string {
	return api.Position{Generation: f.Generation, ID: id}.String()
}
