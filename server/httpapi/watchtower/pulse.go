package watchtower

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/service"
	"watchkeeper/server/store"
)

// acted is what a pulse or a cancel has done.
type acted struct {
	Action    string `json:"action"`
	HeartBeat any    `json:"heartBeat"` // a heartbeat, or the name that was cancelled and is not known
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
	if err := p.RequireName(sign.Name); err != nil {
		return err
	}
	if !p.May(api.ScopeAdmin) && strings.EqualFold(sign.Legacy.AlertType, string(api.ChannelShoutrrr)) {
		// Its address is a URL that makes the server talk to anybody in any way; whoever may only pulse names a channel.
		sign.Legacy.AlertTarget = ""
	}
	describe(&sign, r)
	result, err := h.Services.Pulse(sign)
	if err != nil {
		return err
	}
	if h.NotePulse != nil {
		h.NotePulse(r.Context(), sign.Name, *sign.Legacy)
	}
	web.WriteJSONText(w, r, http.StatusOK, appendPulsed(make([]byte, 0, 512), result, *sign.Legacy))
	return nil
}

// describe notes how a pulse came.
func describe(sign *service.Sign, r *http.Request) {
	sign.Scheme, sign.Method, sign.UserAgent = web.Scheme(r.Context()), r.Method, r.UserAgent()
	if a := web.ClientAddress(r.Context()); a.IsValid() {
		sign.RemoteAddress = a.String()
	}
}

// appendPulsed appends what a pulse is answered with, an acted, without reflection.
func appendPulsed(b []byte, result store.PulseResult, pair api.LegacyTarget) []byte {
	last, nextIn := result.Last.Unix(), int64(result.NextIn)
	b = web.AppendText(append(b, `{"action":"pulse","heartBeat":{"alertTarget":`...), pair.AlertTarget)
	b = web.AppendText(append(b, `,"alertType":`...), pair.AlertType)
	b = strconv.AppendBool(append(b, `,"alerted":`...), result.State == api.StateDown)
	b = strconv.AppendBool(append(b, `,"cancelled":`...), result.State == api.StatePaused)
	b = strconv.AppendInt(append(b, `,"expected":`...), last+nextIn, 10)
	b = strconv.AppendInt(append(b, `,"last":`...), last, 10)
	b = strconv.AppendInt(append(b, `,"nextIn":`...), nextIn, 10)
	b = web.AppendText(append(b, `,"service":`...), result.Name)
	return append(b, "},\"result\":200}\n"...)
}

// sign reads the fields of a pulse, complaining in the order in which the reference server does.
func (b body) sign() (service.Sign, error) {
	if _, ok := b.Service.asText(); !ok {
		return service.Sign{}, failed("no service provided")
	}
	if b.NextIn.kind == fieldAbsent {
		return service.Sign{}, failed("no nextIn provided")
	}
	target, ok := b.AlertTarget.asRecipient()
	if !ok {
		return service.Sign{}, failed("no alert target provided")
	}
	kind, ok := b.AlertType.asRecipient()
	if !ok {
		return service.Sign{}, failed("no alert type provided")
	}
	nextIn, err := b.NextIn.integer()
	if err != nil {
		return service.Sign{}, err
	}
	name, err := b.Service.name()
	if err != nil {
		return service.Sign{}, err
	}
	if nextIn < 1 || nextIn > int64(api.MaxSeconds) {
		return service.Sign{}, failed(fmt.Sprintf("nextIn must be 1 to %d seconds (ten years)", api.MaxSeconds))
	}
	return service.Sign{
		Name: name, Create: &api.ServiceSettings{Name: name, Slug: api.Slugify(name)}, NextIn: api.Seconds(nextIn),
		Legacy: &api.LegacyTarget{AlertType: kind, AlertTarget: target},
	}, nil
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
	name, ok := b.Service.asText()
	if !ok {
		return failed("no service provided")
	}
	if err := p.RequireName(name); err != nil {
		return err
	}
	s, err := h.find(r, name)
	if err == nil {
		s, err = h.Store.Services.Pause(r.Context(), s.ID, api.ReasonCancelled)
	}
	switch {
	case api.KindOf(err) == api.KindNotFound:
		return answer(w, r, acted{"cancel", name, resultOK})
	case err != nil:
		return err
	}
	return answer(w, r, acted{"cancel", h.heartbeat(s, unixDate), resultOK})
}
