// Package ack serves the page behind the link in a message, at which whoever got it can say that they are at the
// incident. The link is the credential, and leads to nothing else.
//
// Looking changes nothing, since mail servers follow links before people do: it takes the button. What a link means and
// what acknowledging does is in package alert.
package ack

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"watchkeeper/api"
	"watchkeeper/server/alert"
	"watchkeeper/server/httpapi/web"
)

// Options is what the routes are made of. All are required.
type Options struct {
	Alerts *alert.Alerts
	// Fail counts a link that nobody was ever sent, as a wrong credential, and gives the error to answer it with.
	Fail func(*http.Request, error) error
}

type routes struct{ Options }

// Routes adds the routes to a router.
func Routes(r chi.Router, o Options) {
	h := &routes{o}
	r.Route("/ack", func(r chi.Router) {
		r.Use(web.PageHeaders(policy), web.NoStore)
		r.Get("/{link}", web.Handle(h.show, refuse))
		r.Post("/{link}", web.Handle(h.acknowledge, refuse))
	})
}

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	style string

	page = template.Must(template.New("page").Funcs(template.FuncMap{
		"style": func() template.CSS { return template.CSS(style) },
	}).Parse(pageText))

	// The style stands in the page, and nothing is fetched or run.
	policy = "default-src 'none'; style-src " + sourceOf(style) + "; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

// sourceOf names a text for a content security policy.
func sourceOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// shown is what the page shows.
type shown struct {
	Headline string
	State    string // open, taken, over, none: for its colour
	Note     string // a sentence below the headline
	Button   string // empty for none
	Link     string // to the subject; empty for none
	Incident *alert.LinkedIncident
}

// show answers with the page. It changes nothing.
func (h *routes) show(w http.ResponseWriter, r *http.Request) error {
	l, err := h.open(r)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, describe(&l))
}

// acknowledge is what the button does. It answers with the way back to the page, so that loading that anew does not
// send anything again.
func (h *routes) acknowledge(w http.ResponseWriter, r *http.Request) error {
	l, err := h.open(r)
	if err != nil {
		return err
	}
	web.Identify(r.Context(), l.Actor())
	if _, err = h.Alerts.AcknowledgeLink(r.Context(), l); err != nil && api.KindOf(err) != api.KindConflict {
		return err
	}
	// An incident that is over says so on the page.
	http.Redirect(w, r, r.URL.EscapedPath(), http.StatusSeeOther)
	return nil
}

func (h *routes) open(r *http.Request) (alert.LinkedIncident, error) {
	l, err := h.Alerts.OpenLink(r.Context(), chi.URLParam(r, "link"))
	if errors.Is(err, alert.ErrLinkBroken) {
		err = h.Fail(r, err)
	}
	return l, err
}

// describe says how an incident stands.
func describe(l *alert.LinkedIncident) shown {
	s := shown{Headline: l.Title, Incident: l}
	if l.SubjectKind == api.SubjectService {
		s.Link = "/gui/#/services/" + url.PathEscape(l.Subject)
	}
	switch {
	case l.State == api.IncidentClosed:
		s.State, s.Note = "over", "This is over, there is nothing left to acknowledge."
	case l.AcknowledgedBy != "":
		s.State, s.Note = "taken", "Somebody is at it: no reminders are sent until it is over."
	default:
		s.State, s.Note, s.Button = "open", "Nobody is at it yet.", "I am at it"
	}
	return s
}

// refuse answers with a page what was not done.
func refuse(w http.ResponseWriter, _ *http.Request, p *api.Problem) {
	s := shown{Headline: "This did not work", State: "none", Note: sentence(cmp.Or(p.Detail, p.Title))}
	switch p.Code {
	case api.KindGone:
		s.Headline = "This link has expired"
	case api.KindNotFound:
		s.Headline = "There is nothing at this link"
	case api.KindTooMany:
		s.Headline = "Too many wrong links"
	}
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((p.RetryAfter+time.Second-1)/time.Second), 10))
	}
	_ = answer(w, p.Status, s) // the template takes any text
}

func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func answer(w http.ResponseWriter, status int, s shown) error {
	var b bytes.Buffer
	if err := page.Execute(&b, s); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client is gone: there is nobody to tell
	return nil
}
