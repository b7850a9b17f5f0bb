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
type Router struct{ alerts *Alerts }

// NewRouter makes the router. Any number of servers may run one on the same database.
func NewRouter(a *Alerts) *Router { return &Router{a} }

// Run looks at incidents, when one is recorded and once a second, until ctx ends.
func (r *Router) Run(ctx context.Context) error {
	a := r.alerts
	woken := a.Hub.Subscribe(hub.Incidents, hub.Changes)
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

// route looks at incidents until none is left that somebody must look at.
func (r *Router) route(ctx context.Context) error {
	for ctx.Err() == nil {
		done, err := r.alerts.Store.Incidents.Attend(ctx, r.alerts.policy().decide)
		if err != nil || !done.More {
			return err
		}
	}
	return nil
}
