package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/dial"
	"watchkeeper/server/store"
)

const (
	every     = time.Minute
	first     = 5 * time.Second // after the start, for what was left undone before it
	patience  = 10 * time.Second
	maxAnswer = 64 << 10
	redirects = 5
)

// Options is what a heartbeat is made of. All are required.
type Options struct {
	URL     string // what is fetched; whoever knows it can send the heartbeat, so it is never shown
	Servers *store.Servers
	Dialer  *dial.Dialer
	Clock   clock.Clock
	Log     *slog.Logger
	Version string // of the program
}

// Heartbeat sends it.
type Heartbeat struct {
	options  Options
	client   *http.Client
	status   atomic.Pointer[api.HeartbeatStatus]
	withheld Reason
	problem  string
}

// New makes a heartbeat. Every server sends one of its own: what one server says of the database holds for all of them.
func New(o Options) *Heartbeat {
	h := &Heartbeat{options: o, client: o.Dialer.Client(patience)}
	h.client.CheckRedirect = func(_ *http.Request, via []*http.Request) error {
		if len(via) > redirects {
			return errors.New("too many redirects")
		}
		return nil
	}
	h.status.Store(&api.HeartbeatStatus{})
	return h
}

// Status gives what became of the last one.
func (h *Heartbeat) Status() *api.HeartbeatStatus { return h.status.Load() }

// Look says what does not work of the servers on a database, if anything, and the error for which that is not known.
func Look(ctx context.Context, servers *store.Servers) (Reason, error) {
	v, err := servers.Vitals(ctx)
	return withhold(v, err), err
}

// Run sends a heartbeat every minute until ctx ends.
func (h *Heartbeat) Run(ctx context.Context) error {
	timer := h.options.Clock.NewTimer(first)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C():
		}
		h.beat(ctx)
		timer.Reset(every)
	}
}

// beat sends one heartbeat if all works.
func (h *Heartbeat) beat(ctx context.Context) {
	look, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reason, err := Look(look, h.options.Servers)
	if ctx.Err() != nil {
		return
	}
	next := *h.status.Load()
	next.Withheld, next.Problem = string(reason), ""
	if reason == ReasonNone {
		if err := h.fetch(ctx); err != nil {
			next.Problem = api.CleanText(err.Error())
		} else {
			next.SentAt = api.TimeOf(h.options.Clock.Now())
		}
	}
	if ctx.Err() != nil {
		return
	}
	h.tell(reason, err, next.Problem)
	h.status.Store(&next)
}

// tell writes a line when something has changed.
func (h *Heartbeat) tell(reason Reason, cause error, problem string) {
	log := h.options.Log
	switch {
	case reason != ReasonNone && reason != h.withheld:
		log.Warn("the heartbeat is withheld", "reason", string(reason), "error", cause)
	case problem != "" && problem != h.problem:
		log.Warn("the heartbeat could not be sent", "error", problem)
	case reason == ReasonNone && problem == "" && (h.withheld != ReasonNone || h.problem != ""):
		log.Info("the heartbeat is sent again")
	}
	h.withheld, h.problem = reason, problem
}

// fetch gets the URL. Neither it nor what it leads to is in the error.
func (h *Heartbeat) fetch(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.options.URL, nil)
	if err != nil {
		return errors.New("the URL cannot be read")
	}
	r.Header.Set("User-Agent", "watchkeeper/"+h.options.Version)
	answer, err := h.client.Do(r)
	if err != nil {
		var outer *url.Error // names the URL
		for errors.As(err, &outer) {
			err = outer.Err
		}
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // so that the connection serves again; what it says does not matter
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("it was answered with %d", answer.StatusCode)
	}
	return nil
}
