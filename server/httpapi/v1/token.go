package v1

import (
	"context"
	"errors"
	"net/http"

	"watchkeeper/api"
	"watchkeeper/server/auth"
)

// tokenBody is the body that makes a token.
type tokenBody struct {
	Name      string      `json:"name" doc:"the person or script that uses it"`
	Scopes    []api.Scope `json:"scopes" enum:"read,pulse,event,metrics,operate,jobs,admin"`
	Match     string      `json:"match,omitempty" doc:"pattern of the services or hosts it reaches; * matches any text; empty means all"`
	ExpiresAt api.Time    `json:"expires_at,omitzero" doc:"it does not expire unless this is given"`
}

type tokenInput struct {
	ID string `path:"id" format:"uuid"`
}

func (h *routes) tokenRoutes(d *document) {
	add(d, operation{
		id: "listTokens", method: http.MethodGet, path: "/api/v1/tokens", group: groupAccess, scope: api.ScopeAdmin, reach: wholeReach,
		summary: "List tokens", refuses: []api.ErrorKind{api.KindGone}, about: "By name, expired ones too. Never with their text.",
	}, h.listTokens)
	add(d, operation{
		id: "createToken", method: http.MethodPost, path: "/api/v1/tokens", group: groupAccess, scope: api.ScopeAdmin, reach: wholeReach,
		summary: "Make a token", status: http.StatusCreated,
		about:   "Its text is in the answer, this once: only a hash of it is kept.",
		example: tokenBody{Name: "backup scripts", Scopes: []api.Scope{api.ScopePulse, api.ScopeEvent}, Match: "backup/*"},
	}, h.createToken)
	add(d, operation{
		id: "deleteToken", method: http.MethodDelete, path: "/api/v1/tokens/{id}", group: groupAccess, scope: api.ScopeAdmin, reach: wholeReach,
		summary: "Revoke a token", refuses: []api.ErrorKind{api.KindNotFound},
		about: "This server refuses it from now on, others within 5 s.",
	}, h.deleteToken)
}

func (h *routes) listTokens(ctx context.Context, _ auth.Principal, in *Paging) (*answer[api.Page[api.Token]], error) {
	return wholeList(h, *in, "tokens", func() ([]api.Token, error) { return h.Tokens.List(ctx) })
}

func (h *routes) createToken(ctx context.Context, _ auth.Principal, in *struct{ Body tokenBody }) (*made[api.TokenAnswer], error) {
	text, token, err := h.Tokens.Create(ctx, api.TokenInput{
		Name: in.Body.Name, Scopes: in.Body.Scopes, Match: in.Body.Match, ExpiresAt: in.Body.ExpiresAt,
	})
	if err != nil {
		return nil, relocate(err, map[string]string{
			"name": "body.name", "scope": "body.scopes", "match": "body.match", "expires_at": "body.expires_at",
		})
	}
	return &made[api.TokenAnswer]{
		Status: http.StatusCreated, Location: "/api/v1/tokens/" + token.ID, Body: api.TokenAnswer{Token: token, Text: text},
	}, nil
}

func (h *routes) deleteToken(ctx context.Context, _ auth.Principal, in *tokenInput) (*struct{}, error) {
	id, is := uuidOf(in.ID)
	if !is { // a name would end several
		return nil, errNoToken
	}
	_, err := h.Tokens.Revoke(ctx, id)
	return nil, err
}

var errNoToken = api.Errorf(api.KindNotFound, "there is no token with this id")

// relocate gives the error with the places named as they are in this interface, where the rules are shared with the
// command line.
func relocate(err error, places map[string]string) error {
	var e *api.Error
	if !errors.As(err, &e) {
		return err
	}
	moved := *e
	moved.Fields = append([]api.FieldError{}, e.Fields...)
	for i, f := range moved.Fields {
		if to, known := places[f.Location]; known {
			moved.Fields[i].Location = to
		}
	}
	return &moved
}
