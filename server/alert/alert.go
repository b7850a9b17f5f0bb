package alert

import (
	"log/slog"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

// Options is what the feature is made of.
type Options struct {
	Store    *store.Store
	Hub      *hub.Hub
	Clock    clock.Clock
	Log      *slog.Logger
	Channels *Channels
	// DefaultRoute is who is told when nothing else says so; see ParseRoute.
	DefaultRoute []api.Target
	Key          *secret.Key // signs the links in messages
	// PublicURL is where links lead, without a slash at its end.
	PublicURL string
	Zone      api.Zone // in which messages show times
	// Routes and Maintenance are what there is beside the services and silences.
	Routes      *Routes
	Maintenance *Maintenance
}

// Alerts shows incidents and deliveries, and has what Router and Sender share.
type Alerts struct {
	Options
	noted noted
	rules *ruleBook
}

// New makes the feature.
func New(o Options) *Alerts {
	a := &Alerts{Options: o}
	a.rules = newRuleBook(a.readRules, o.Maintenance.cron, o.Zone)
	return a
}
