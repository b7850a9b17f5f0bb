package v1

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/event"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/store"
)

// maxEvents is for the body of a batch: one message of the longest kind even where every byte of it is escaped, or a
// thousand usual ones.
const maxEvents = 16 << 20

// Narrowing is the parameters that choose events, of the list and the stream. It is exported so that huma sees it.
type Narrowing struct {
	Service   string     `query:"service" doc:"only events of this service"`
	ServiceRE string     `query:"service_re" doc:"only events whose service matches this regular expression (RE2, any case, anywhere)"`
	Message   string     `query:"message" doc:"only events with this text in their message, in any case"`
	MessageRE string     `query:"message_re" doc:"only events whose message matches this regular expression (RE2, any case, anywhere)"`
	Level     levelParam `query:"level" doc:"only events of at least this level: a number, or debug, info, warning, error, critical"`
}

type listEventsInput struct {
	Paging
	Narrowing
	From timeParam `query:"from" doc:"only events at or after this moment; RFC 3339 or Unix seconds"`
	To   timeParam `query:"to" doc:"only events at or before this moment; RFC 3339 or Unix seconds"`
}

type addEventsInput struct {
	Sequence string `header:"Watchkeeper-Sequence" doc:"STREAM-NUMBER, a stream of 1 to 64 letters and digits. A batch that is sent again with the same value is stored once." example:"k7Qp2-1041"`
}

func (h *routes) eventRoutes(d *document) {
	addPlain[addEventsInput, answer[api.EventsAnswer]](d, operation{
		id: "addEvents", method: http.MethodPost, path: "/api/v1/events", group: groupEvents, scope: api.ScopeEvent,
		summary: "Add events", status: http.StatusCreated, also: http.StatusOK,
		about: "One object, a list of at most 1000, or one object per line (`application/x-ndjson`). All of them are stored " +
			"or none: one that breaks a rule answers 422 with its place, such as `body[3].level`. With `alert` the default " +
			"route is told. A repeated sequence number answers 200 with `repeated`; a number whose batch was refused for its " +
			"content counts as had.",
		body: eventsBody(d.api.Components.Schemas), example: exampleEvent(), answers: api.EventsAnswer{IDs: []int64{1041}},
	}, h.addEvents)
	add(d, operation{
		id: "listEvents", method: http.MethodGet, path: "/api/v1/events", group: groupEvents, scope: api.ScopeRead,
		summary: "List events", refuses: []api.ErrorKind{api.KindGone},
		about: "Newest first. Filters narrow together. Texts and patterns are looked up in an index of trigrams that follows the " +
			"events; what it does not hold yet is read, so that nothing is missed. A search that would take longer than half a " +
			"second, such as one for fewer than three letters, ends its page early, perhaps with nothing on it: `scanned_to` " +
			"says how far it came, and `next` goes on from there.",
	}, h.listEvents)
}

func exampleEvent() api.EventInput {
	return api.EventInput{Service: "nightly backup", Level: api.LevelWarning, Message: "disk nearly full"}
}

// eventsBody describes what no Go type does: one event, or several in two forms.
func eventsBody(registry huma.Registry) *huma.RequestBody {
	one := registry.Schema(reflect.TypeFor[api.EventInput](), true, "")
	least, most := 1, api.MaxEventBatch
	return &huma.RequestBody{
		Required: true,
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{OneOf: []*huma.Schema{
				one, {Type: huma.TypeArray, Items: one, MinItems: &least, MaxItems: &most},
			}}},
			"application/x-ndjson": {Schema: one},
		},
	}
}

// addEvents stores events. It does without huma, which knows neither lines nor a body of two shapes.
func (h *routes) addEvents(w http.ResponseWriter, r *http.Request) error {
	who, err := h.allow(r, api.ScopeEvent)
	if err != nil {
		return err
	}
	sequence, err := sequenceOf(r, who)
	if err != nil {
		return err
	}
	var added store.Added
	inputs, err := readEvents(r, who)
	switch {
	case err == nil:
		added, err = h.Events.Add(inputs, sequence)
	case sequence != nil && isForContent(err):
		added, err = h.noteRefused(sequence, err)
	}
	if err != nil {
		return err
	}
	if added.Repeated {
		return web.WriteJSON(w, r, http.StatusOK, api.EventsAnswer{Repeated: true})
	}
	return web.WriteJSON(w, r, http.StatusCreated, api.EventsAnswer{IDs: added.IDs})
}

// sequenceOf reads the header by which a sender can repeat itself.
func sequenceOf(r *http.Request, who auth.Principal) (*store.Sequence, error) {
	value := r.Header.Get(api.HeaderSequence)
	if value == "" {
		return nil, nil
	}
	stream, number, err := api.ParseSequence(value)
	if err != nil {
		return nil, err
	}
	return &store.Sequence{Sender: who.Sender(), Stream: stream, Number: number}, nil
}

// readEvents reads and checks the events of a request.
func readEvents(r *http.Request, who auth.Principal) ([]api.EventInput, error) {
	body, err := web.ReadBody(r, maxEvents)
	if err != nil {
		return nil, err
	}
	defer body.Release()
	media := web.MediaType(r)
	if err := web.RequireItems(media); err != nil {
		return nil, err
	}
	inputs, err := web.DecodeItems[api.EventInput](web.EscapeInvalid(body.Data), web.ItemDecoding{
		MediaType: media, Unknown: web.RefuseUnknown, MaxItems: api.MaxEventBatch, MaxLine: maxEvents,
	})
	if err != nil {
		return nil, err
	}
	return inputs, checkEvents(inputs, who, isBatch(media, body.Data))
}

// isBatch reports whether a body of events is a list or lines, so that a place in it needs an index.
func isBatch(media string, data []byte) bool {
	isOne := media == "" || web.IsForm(media) || strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json")
	return !isOne || bytes.HasPrefix(bytes.TrimLeft(data, "\ufeff \t\r\n"), []byte("["))
}

// maxTold is how many places of a batch one answer names.
const maxTold = 100

// checkEvents finds the rules that events break, and services that the credential does not reach.
func checkEvents(inputs []api.EventInput, who auth.Principal, batch bool) error {
	var wrong api.Fields
	if len(inputs) == 0 {
		wrong.Add("body", "must hold at least one event")
	}
	for i := range inputs {
		at := "body"
		if batch {
			at = fmt.Sprintf("body[%d]", i)
		}
		if inputs[i].Check(at, &wrong); len(wrong) >= maxTold {
			break
		}
	}
	if err := wrong.Err(); err != nil {
		return err
	}
	for i := range inputs {
		if err := who.RequireName(inputs[i].Service); err != nil {
			return err
		}
	}
	return nil
}

// isForContent reports whether a request was refused for what it carries, so that sending it again cannot help.
func isForContent(err error) bool {
	return slices.Contains([]api.ErrorKind{
		api.KindMalformed, api.KindForbidden, api.KindTooLarge, api.KindMediaType, api.KindInvalid,
	}, api.KindOf(err))
}

// noteRefused remembers the number of a batch that was refused, so that its sender is not told so for ever.
func (h *routes) noteRefused(sequence *store.Sequence, refusal error) (store.Added, error) {
	added, err := h.Store.Events.Add(nil, sequence)
	if err == nil && !added.Repeated {
		err = refusal
	}
	return added, err
}

func (h *routes) listEvents(ctx context.Context, who auth.Principal, in *listEventsInput) (*answer[api.EventPage], error) {
	const order = "events"
	at, err := h.place(in.Paging, order)
	if err != nil {
		return nil, err
	}
	query, err := in.query(who)
	if err != nil {
		return nil, err
	}
	if query.After, err = at.mark(); err != nil {
		return nil, err
	}
	query.Limit = at.limit
	found, err := h.Events.List(ctx, query)
	if err != nil {
		return nil, err
	}
	page := api.EventPage{Page: api.NewPage(found.Events, "")}
	if found.Next != (store.Mark{}) {
		page.Next = h.markCursor(found.Next, order)
	}
	if found.Early {
		page.ScannedTo = found.Next.Time
	}
	return newAnswer(page), nil
}

func (in *listEventsInput) query(who auth.Principal) (event.Query, error) {
	var p parameters
	q := in.Narrowing.query(&p, who)
	q.From, q.To = p.time("query.from", in.From), p.time("query.to", in.To)
	return q, p.wrong.Err()
}

// query reads the parameters that choose events, and adds what the credential may see of them.
func (n *Narrowing) query(p *parameters, who auth.Principal) event.Query {
	q := event.Query{
		Service: p.text("query.service", n.Service), Message: n.Message,
		ServiceRE: p.pattern("query.service_re", n.ServiceRE), MessageRE: p.pattern("query.message_re", n.MessageRE),
		MinLevel: p.level("query.level", n.Level),
	}
	if who.Match != "" {
		q.Keep = func(e *api.Event) bool { return who.Reaches(e.Service) }
	}
	return q
}

func (p *parameters) pattern(location, pattern string) *regexp.Regexp {
	if pattern == "" {
		return nil
	}
	re, err := api.CompilePattern(location, pattern)
	if err != nil {
		p.wrong = append(p.wrong, api.ProblemOf(err).Errors...)
	}
	return re
}
