package v1

import (
	"context"
	"net/http"

	"watchkeeper/api"
	"watchkeeper/server/alert"
	"watchkeeper/server/auth"
	"watchkeeper/server/store"
)

const silencePath = "/api/v1/silences/{id}"

type listSilencesInput struct {
	Paging
	State string `query:"state" enum:"active,future,ended" doc:"only silences in this state"`
}

type silenceInput struct {
	ID string `path:"id" format:"uuid"`
}

func (h *routes) silenceRoutes(d *document) {
	const within = " A token with a pattern sees and ends those that cover nothing else."
	add(d, operation{
		id: "listSilences", method: http.MethodGet, path: "/api/v1/silences", group: groupQuiet, scope: api.ScopeRead,
		summary: "List silences", refuses: []api.ErrorKind{api.KindGone}, about: "Those made last first." + within,
	}, h.listSilences)
	add(d, operation{
		id: "createSilence", method: http.MethodPost, path: "/api/v1/silences", group: groupQuiet, scope: api.ScopeOperate,
		summary: "Silence what matches", status: http.StatusCreated, refuses: []api.ErrorKind{api.KindConflict},
		about: "States and incidents go on, and nobody is told of them until the silence ends; what is still wrong then and " +
			"was never told is told. For a token with a pattern a matcher is added that holds for its names only.",
		example: api.SilenceInput{Match: exampleMatch(`name="db1"`), For: 7200, Comment: "upgrade"}, answers: exampleSilence(),
	}, h.createSilence)
	add(d, operation{
		id: "getSilence", method: http.MethodGet, path: silencePath, group: groupQuiet, scope: api.ScopeRead,
		summary: "Show a silence", refuses: []api.ErrorKind{api.KindNotFound}, answers: exampleSilence(),
	}, h.getSilence)
	add(d, operation{
		id: "endSilence", method: http.MethodDelete, path: silencePath, group: groupQuiet, scope: api.ScopeOperate,
		summary: "End a silence", refuses: []api.ErrorKind{api.KindNotFound},
		about: "It ends now and stays in the list. May be repeated." + within,
	}, h.endSilence)
}

func author(who auth.Principal) alert.Author { return alert.Author{Name: who.Name, Pattern: who.Match} }

func (h *routes) listSilences(ctx context.Context, who auth.Principal, in *listSilencesInput) (*answer[api.Page[api.Silence]], error) {
	q := alert.SilenceQuery{State: api.SilenceState(in.State)}
	if q.State != "" && !q.State.Valid() {
		return nil, api.Invalid("query.state", "must be active, future or ended")
	}
	if who.Match != "" {
		q.Keep = func(s *api.Silence) bool { return author(who).Owns(s.Match) }
	}
	return newestList(h, in.Paging, "silences", func(after store.Place, limit int) (alert.Found[api.Silence], error) {
		q.After, q.Limit = after, limit
		return h.Alerts.ListSilences(ctx, q)
	})
}

func (h *routes) createSilence(ctx context.Context, who auth.Principal, in *struct{ Body api.SilenceInput }) (*made[api.Silence], error) {
	s, err := h.Alerts.Silence(ctx, in.Body, author(who))
	return making("/api/v1/silences/"+s.ID, s, err)
}

func (h *routes) getSilence(ctx context.Context, who auth.Principal, in *silenceInput) (*answer[api.Silence], error) {
	return answering(h.findSilence(ctx, who, in.ID))
}

func (h *routes) endSilence(ctx context.Context, who auth.Principal, in *silenceInput) (*struct{}, error) {
	s, err := h.findSilence(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	_, err = h.Alerts.EndSilence(ctx, s.ID)
	return nil, err
}

// findSilence gives a silence. One that covers more than the credential reaches is as if it did not exist.
func (h *routes) findSilence(ctx context.Context, who auth.Principal, text string) (api.Silence, error) {
	id, is := uuidOf(text)
	if !is {
		return api.Silence{}, errNoSilence
	}
	s, err := h.Alerts.GetSilence(ctx, id)
	if err == nil && !author(who).Owns(s.Match) {
		err = errNoSilence
	}
	return s, err
}

var errNoSilence = api.Errorf(api.KindNotFound, "there is no such silence")
