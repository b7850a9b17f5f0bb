package alert

import (
	"context"
	"time"

	"watchkeeper/server/hub"
)

// The pace of the router.
const (
	routeEvery  = time.Second
	forgetEvery = time.Hour
)

// Router makes deliveries of incidents.
type Router struct {
	alerts *Alerts
	known  known // with which everything has been looked at
}

// known is what people have said beside the services themselves, as it was read.
type known struct {
	rules    *rules
	channels *directory
}

// NewRouter makes the router. Any number of servers may run one on the same database.
func NewRouter(a *Alerts) *Router { return &Router{alerts: a} }

// Run looks at incidents, when one is recorded and once a second, until ctx ends.
func (r *Router) Run(ctx context.Context) error {
	a := r.alerts
	woken := a.Hub.Subscribe(hub.Incidents, hub.Changes, hub.Routes, hub.Silences, hub.Maintenance)
	defer woken.Close()
	timer := a.Clock.NewTimer(0)
	defer timer.Stop()
	var failing trouble
	var forgot time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-woken.C():
		case <-timer.C():
		}
		err := a.Channels.ready(ctx)
		if err == nil {
			err = r.keepUp(ctx)
		}
		if err == nil {
			err = r.route(ctx)
		}
		if now := a.Clock.Now(); err == nil && now.Sub(forgot) >= forgetEvery {
			forgot = now
			err = a.Store.Deliveries.ForgetTargets(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		failing.note(a.Log, "deciding who is told", err)
		timer.Reset(routeEvery)
	}
}

// keepUp reads the rules, and has everything looked at anew for which it may matter that they or the channels have changed.
// At the start they have, as nobody knows what they were before.
func (r *Router) keepUp(ctx context.Context) error {
	a := r.alerts
	if err := a.rules.load(ctx); err != nil {
		return err
	}
	current := known{a.rules.current.Load(), a.Channels.current.Load()}
	if current == r.known {
		return nil
	}
	if err := a.Store.Incidents.Recall(ctx); err != nil {
		return err
	}
	r.known = current
	return nil
}

// route looks at incidents until none is left that somebody must look at.
func (r *Router) route(ctx context.Context) error {
	for ctx.Err() == nil {
		done, err := r.alerts.Store.Incidents.Attend(ctx, r.alerts.policy().decide)
		if err != nil || done.Incidents == 0 {
			return err
		}
	}
	return nil
}
