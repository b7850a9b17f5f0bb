package alert

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"watchkeeper/api"
	"watchkeeper/api/schedule"
)

// Rules is what people have said of who is told and when not, beside the services themselves.
type Rules struct {
	Routes      []api.Route // in the order in which they are asked
	Silences    []api.Silence
	Maintenance []api.Maintenance
}

// rules is Rules as decisions need them.
type rules struct {
	Rules
	routes  []route
	windows []maintenance
	crons   *schedule.Cache // of services
	zone    api.Zone        // of the server
}

// route is a route with the zone of its hours.
type route struct {
	api.Route
	zone api.Zone
}

// maintenance is a time of maintenance with its expression, nil where it has none or it cannot be read.
type maintenance struct {
	api.Maintenance
	cron api.Schedule
}

// readCron reads the expression of a time of maintenance.
type readCron func(*api.MaintenanceInput) (*schedule.Cron, error)

func newRules(given Rules, read readCron, zone api.Zone) *rules {
	r := &rules{Rules: given, crons: schedule.NewCache(256), zone: zone}
	for _, one := range given.Routes {
		r.routes = append(r.routes, route{one, r.hoursZone(one.Hours)})
	}
	for _, m := range given.Maintenance {
		w := maintenance{Maintenance: m}
		if m.Cron != "" {
			if cron, err := read(&m.MaintenanceInput); err == nil { // else a zone has gone from this machine
				w.cron = cron
			}
		}
		r.windows = append(r.windows, w)
	}
	return r
}

// hoursZone gives the zone that hours name, the server's where that is none that is known.
func (r *rules) hoursZone(h *api.Hours) api.Zone {
	if h == nil || h.Zone == "" {
		return r.zone
	}
	zone, err := schedule.LoadZone(h.Zone)
	if err != nil {
		return r.zone
	}
	return zone
}

// readRules reads what the configuration file and the database say.
func (a *Alerts) readRules(ctx context.Context) (Rules, error) {
	routes, err := a.Routes.List(ctx)
	if err != nil {
		return Rules{}, err
	}
	silences, err := a.Store.Silences.Current(ctx)
	if err != nil {
		return Rules{}, err
	}
	made, err := a.Store.Maintenance.List(ctx)
	return Rules{Routes: routes, Silences: silences, Maintenance: slices.Concat(a.Maintenance.file, made)}, err
}

// ruleBook keeps the rules as they were last read.
type ruleBook struct {
	read    func(context.Context) (Rules, error)
	cron    readCron
	zone    api.Zone
	loading sync.Mutex
	current atomic.Pointer[rules]
}

func newRuleBook(read func(context.Context) (Rules, error), cron readCron, zone api.Zone) *ruleBook {
	if zone == nil {
		zone = time.UTC
	}
	b := &ruleBook{read: read, cron: cron, zone: zone}
	b.current.Store(newRules(Rules{}, cron, zone))
	return b
}

// load reads the rules; those that have not changed are kept.
func (b *ruleBook) load(ctx context.Context) error {
	b.loading.Lock()
	defer b.loading.Unlock()
	given, err := b.read(ctx)
	if err != nil || reflect.DeepEqual(given, b.current.Load().Rules) {
		return err
	}
	b.current.Store(newRules(given, b.cron, b.zone))
	return nil
}
