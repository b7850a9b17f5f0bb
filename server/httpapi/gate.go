package httpapi

import (
	"errors"
	"net/http"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/httpapi/web"
)

// Gate finds out who asks. It counts wrong credentials by address, and never stands in the way of a right one.
type Gate struct {
	authenticator *auth.Authenticator
	failures      *web.FailureLimit
}

// NewGate makes the gate of the server.
func NewGate(a *auth.Authenticator, failures *web.FailureLimit) *Gate {
	return &Gate{authenticator: a, failures: failures}
}

// Authenticate gives whom the credentials of a request belong to. From then on the request's context has them as actor.
func (g *Gate) Authenticate(r *http.Request) (auth.Principal, error) {
	who, err := g.authenticator.Authenticate(r.Context(), auth.CredentialsOf(r.Header))
	if errors.Is(err, auth.ErrWrongCredential) {
		err = g.failures.Fail(web.ClientAddress(r.Context()), err)
	}
	if err == nil {
		web.Identify(r.Context(), who.Actor())
	}
	return who, err
}

// Fail counts a wrong link of a message as a wrong credential, and gives the error to answer it with.
func (g *Gate) Fail(r *http.Request, refusal error) error {
	return g.failures.Fail(web.ClientAddress(r.Context()), refusal)
}

// behind lets a handler serve only those whose credential has a scope.
func (g *Gate) behind(scope api.Scope, h http.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		who, err := g.Authenticate(r)
		if err != nil {
			return err
		}
		if err := who.Require(scope); err != nil {
			return err
		}
		h.ServeHTTP(w, r)
		return nil
	}
}
