package notifytest

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Answer is what a server says instead of what it would.
type Answer struct {
	Status int
	Header map[string]string
	Body   string
	// Wait is how long it takes to answer, unless the other side gives up before.
	Wait time.Duration
	// Drop hangs up without a word.
	Drop bool
}

// answers is what to say to the next requests.
type answers struct {
	mu   sync.Mutex
	list []Answer
}

func (a *answers) add(list ...Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, list...)
}

func (a *answers) next() (Answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.list) == 0 {
		return Answer{}, false
	}
	first := a.list[0]
	a.list = a.list[1:]
	return first, true
}

func (a Answer) write(w http.ResponseWriter, r *http.Request) {
	if a.Wait > 0 {
		timer := time.NewTimer(a.Wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
	}
	if a.Drop {
		panic(http.ErrAbortHandler)
	}
	for name, value := range a.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

// Push is a message as the push service took it: the fields of the form.
type Push map[string]string

// Pushover is a push service that keeps what it took. It ends with the test.
type Pushover struct {
	server  *httptest.Server
	inbox   *inbox[Push]
	answers answers
}

// StartPushover starts a push service on a port of its own.
func StartPushover(tb testing.TB) *Pushover {
	tb.Helper()
	p := &Pushover{inbox: newInbox[Push]()}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /1/messages.json", p.messages)
	p.server = httptest.NewServer(mux)
	tb.Cleanup(p.server.Close)
	return p
}

// URL gives what the setting pushover_url takes.
func (p *Pushover) URL() string { return p.server.URL + "/1" }

// Answer makes the service answer the next requests like this, one each, and take nothing.
func (p *Pushover) Answer(list ...Answer) { p.answers.add(list...) }

// Pushes gives what the service took, in that order.
func (p *Pushover) Pushes() []Push { return p.inbox.all() }

// Wait gives what the service took as soon as it is n messages or more.
func (p *Pushover) Wait(ctx context.Context, n int) ([]Push, error) { return p.inbox.wait(ctx, n) }

var key = regexp.MustCompile(`^[A-Za-z0-9]{30}$`)

func (p *Pushover) messages(w http.ResponseWriter, r *http.Request) {
	err := r.ParseForm() // read first: only then is it noticed when the other side gives up
	if a, ok := p.answers.next(); ok {
		a.write(w, r)
		return
	}
	if err != nil {
		refusePush(w, "form", "cannot be read")
		return
	}
	push := Push{}
	for name, values := range r.PostForm {
		push[name] = values[0]
	}
	if field, reason := push.check(); field != "" {
		refusePush(w, field, reason)
		return
	}
	p.inbox.add(push)
	w.Header().Set("Content-Type", "application/json")
	maps.Copy(w.Header(), http.Header{
		"X-Limit-App-Limit": {"10000"}, "X-Limit-App-Remaining": {"7496"}, "X-Limit-App-Reset": {"1893456000"},
	})
	_, _ = io.WriteString(w, `{"status":1,"request":"647d2300-702c-4b38-8b2f-d56326ae460b"}`)
}

// check applies the documented rules of the service.
func (p Push) check() (field, reason string) {
	priority, err := strconv.Atoi(p["priority"])
	link, linkErr := url.Parse(p["url"])
	switch {
	case !key.MatchString(p["token"]):
		return "token", "application token is invalid"
	case !key.MatchString(p["user"]):
		return "user", "user identifier is not a valid user, group, or subscribed user key"
	case p["message"] == "":
		return "message", "message cannot be blank"
	case len([]rune(p["message"])) > 1024:
		return "message", "message is too long"
	case len([]rune(p["title"])) > 250:
		return "title", "title is too long"
	case len(p["url"]) > 512 || linkErr != nil || p["url"] != "" && link.Host == "":
		return "url", "url is invalid"
	case len([]rune(p["url_title"])) > 100:
		return "url_title", "url title is too long"
	case p["priority"] != "" && (err != nil || priority < -2 || priority > 2):
		return "priority", "priority is invalid"
	case priority == 2 && (p["retry"] == "" || p["expire"] == ""):
		return "expire", "expire must be supplied with priority=2"
	}
	return "", ""
}

func refusePush(w http.ResponseWriter, field, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, `{"`+field+`":"invalid","errors":["`+reason+`"],"status":0,`+
		`"request":"5042853c-402d-4a18-abcb-168734a801de"}`)
}

// Hook is a request as the receiver of webhooks took it.
type Hook struct {
	Method string
	Path   string
	Header http.Header
	Body   []byte
}

// Receiver takes webhooks and keeps them. It ends with the test.
type Receiver struct {
	server  *httptest.Server
	inbox   *inbox[Hook]
	answers answers
}

// StartReceiver starts a receiver on a port of its own.
func StartReceiver(tb testing.TB) *Receiver {
	tb.Helper()
	r := &Receiver{inbox: newInbox[Hook]()}
	r.server = httptest.NewServer(r)
	tb.Cleanup(r.server.Close)
	return r
}

// URL gives where to post to.
func (r *Receiver) URL() string { return r.server.URL }

// Answer makes the receiver answer the next requests like this, one each. It keeps those requests, too.
func (r *Receiver) Answer(list ...Answer) { r.answers.add(list...) }

// Hooks gives what came, in that order.
func (r *Receiver) Hooks() []Hook { return r.inbox.all() }

// Wait gives what came as soon as it is n requests or more.
func (r *Receiver) Wait(ctx context.Context, n int) ([]Hook, error) { return r.inbox.wait(ctx, n) }

// ServeHTTP takes any request.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.inbox.add(Hook{Method: request.Method, Path: request.URL.RequestURI(), Header: request.Header.Clone(), Body: body})
	if a, ok := r.answers.next(); ok {
		a.write(w, request)
		return
	}
	_, _ = io.WriteString(w, "taken")
}
