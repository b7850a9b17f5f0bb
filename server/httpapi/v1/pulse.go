package v1

import (
	"context"
	"net/http"
	"strconv"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/service"
	"watchkeeper/server/store"
)

// maxPulse is for the body of a pulse. What is kept of the output in it is far less.
const maxPulse = 1 << 20

// receivePulseInput is what the document says of the route that takes pulses.
type receivePulseInput struct {
	Service string          `path:"service" doc:"name, with slashes and the like percent-encoded, or id" example:"nightly backup"`
	Body    *api.PulseInput `doc:"everything may be left out, also the whole body: then it is a success now"`
}

type listPulsesInput struct {
	Paging
	Service string `path:"service" doc:"name, with slashes and the like percent-encoded, or id"`
}

func (h *routes) pulseRoutes(d *document) {
	nextIn := api.Seconds(86_400)
	duration := 12.5
	addPlain[receivePulseInput, answer[api.PulseAnswer]](d, operation{
		id: "sendPulse", method: http.MethodPost, path: servicePath + "/pulses", group: groupPulses, scope: api.ScopePulse,
		summary: "Send a pulse", refuses: []api.ErrorKind{api.KindNotFound},
		about: "A sign of life: a success, a start, a fail, or a log, which changes nothing. `next_in` rules until the next " +
			"pulse, and on where the service has no period of its own. An unknown service answers 404; make it first, with " +
			"`PUT /api/v1/services/by-name/{name}`.",
		example: api.PulseInput{Kind: api.PulseSuccess, NextIn: nextIn, Duration: &duration},
		answers: api.PulseAnswer{
			Service: "nightly backup", Kind: api.PulseSuccess, State: api.StateUp, LastPulse: exampleMade, NextIn: nextIn,
			Expected: exampleMade.Add(nextIn.Duration()), Deadline: exampleMade.Add((nextIn + 3600).Duration()), Duration: duration,
		},
	}, h.receivePulse)
	add(d, operation{
		id: "listPulses", method: http.MethodGet, path: servicePath + "/pulses", group: groupPulses, scope: api.ScopeRead,
		summary: "List the pulses of a service", refuses: []api.ErrorKind{api.KindNotFound, api.KindGone},
		about: "Newest first.",
	}, h.listPulses)
}

// receivePulse takes a pulse. It is the hottest route of all, so it does without huma.
func (h *routes) receivePulse(w http.ResponseWriter, r *http.Request) error {
	who, err := h.allow(r, api.ScopePulse)
	if err != nil {
		return err
	}
	in, err := readPulse(r)
	if err != nil {
		return err
	}
	result, err := h.deliver(r.Context(), who, pathParam(r, "service"), in, signOf(r))
	if err != nil {
		return err
	}
	h.writePulse(w, &result)
	return nil
}

// signOf gives what a pulse tells by how it came.
func signOf(r *http.Request) service.Sign {
	sign := service.Sign{Scheme: web.Scheme(r.Context()), Method: r.Method, UserAgent: r.UserAgent()}
	if a := web.ClientAddress(r.Context()); a.IsValid() {
		sign.RemoteAddress = a.String()
	}
	return sign
}

// readPulse reads the body of a pulse; none is a success.
func readPulse(r *http.Request) (api.PulseInput, error) {
	var in api.PulseInput
	body, err := web.ReadBody(r, maxPulse)
	if err != nil {
		return in, err
	}
	defer body.Release()
	if len(body.Data) == 0 {
		return in, nil
	}
	if err := web.RequireJSON(web.MediaType(r)); err != nil {
		return in, err
	}
	in, plain := scanPulse(body.Data)
	if !plain {
		in = api.PulseInput{}
		if err := web.DecodeJSON(body.Data, &in, web.Decoding{Unknown: web.RefuseUnknown}); err != nil {
			return in, err
		}
	}
	return in, in.Validate()
}

// deliver gives the pulse to the service that the path names, by id or name.
func (h *routes) deliver(ctx context.Context, who auth.Principal, nameOrID string, in api.PulseInput, sign service.Sign) (store.PulseResult, error) {
	if id, is := uuidOf(nameOrID); is {
		if who.Match != "" { // what name the id belongs to has to be known first
			svc, err := h.findService(ctx, who, nameOrID, forWriting)
			if err != nil {
				return store.PulseResult{}, err
			}
			id = svc.ID
		}
		sign.ID = id
		result, err := h.Services.Receive(in, sign)
		if api.KindOf(err) != api.KindNotFound {
			return result, err
		}
		sign.ID = ""
	}
	if err := who.RequireName(nameOrID); err != nil {
		return store.PulseResult{}, err
	}
	if api.CheckName(nameOrID) != "" {
		return store.PulseResult{}, errNoService
	}
	sign.Name = nameOrID
	return h.Services.Receive(in, sign)
}

// Values of headers that every answer shares; never changed.
var jsonType = []string{"application/json"}

// writePulse answers a pulse from a buffer that is used again.
func (h *routes) writePulse(w http.ResponseWriter, result *store.PulseResult) {
	buffer := h.buffers.Get().(*[]byte)
	*buffer = appendPulse((*buffer)[:0], result)
	w.Header()["Content-Type"] = jsonType
	_, _ = w.Write(*buffer) // the client is gone: there is nobody to tell, and the pulse is stored
	h.buffers.Put(buffer)
}

// appendPulse appends an api.PulseAnswer, without reflection.
func appendPulse(b []byte, result *store.PulseResult) []byte {
	b = web.AppendText(append(b, `{"service":`...), result.Name)
	b = append(append(b, `,"kind":"`...), result.Kind...)
	b = append(append(b, `","state":"`...), result.State...)
	b = appendTime(append(b, `","last_pulse":`...), result.Last)
	b = strconv.AppendInt(append(b, `,"next_in":`...), int64(result.NextIn), 10)
	b = appendTime(append(b, `,"expected":`...), result.Expected)
	b = appendTime(append(b, `,"deadline":`...), result.Deadline)
	if result.Duration > 0 {
		b = strconv.AppendFloat(append(b, `,"duration":`...), api.InSeconds(result.Duration), 'f', -1, 64)
	}
	return append(b, "}\n"...)
}

// appendTime appends t as api.Time writes itself.
func appendTime(b []byte, t api.Time) []byte {
	if t == 0 {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = t.Std().AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	return append(b, '"')
}

func (h *routes) listPulses(ctx context.Context, who auth.Principal, in *listPulsesInput) (*answer[api.Page[api.PulseRecord]], error) {
	const order = "pulses"
	at, err := h.place(in.Paging, order)
	if err != nil {
		return nil, err
	}
	before, err := at.mark()
	if err != nil {
		return nil, err
	}
	svc, err := h.findService(ctx, who, in.Service, forReading)
	if err != nil {
		return nil, err
	}
	pulses, err := h.Store.Pulses.List(ctx, svc.ID, before, at.limit+1)
	if err != nil {
		return nil, err
	}
	return newAnswer(pageOf(pulses, at.limit, func(p *api.PulseRecord) string {
		return h.markCursor(store.Mark{Time: p.ReceivedAt, ID: p.ID}, order)
	})), nil
}
