package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/google/uuid"

	"watchkeeper/api"
	"watchkeeper/server/alert"
	"watchkeeper/server/auth"
	"watchkeeper/server/cert"
	"watchkeeper/server/clock"
	"watchkeeper/server/config"
	"watchkeeper/server/cron"
	"watchkeeper/server/event"
	"watchkeeper/server/heartbeat"
	"watchkeeper/server/httpapi"
	"watchkeeper/server/httpapi/ping"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/hub"
	"watchkeeper/server/probe"
	"watchkeeper/server/retention"
	"watchkeeper/server/service"
	"watchkeeper/server/store"
)

// parts is what a server is made of, in the order in which it is made.
type parts struct {
	id          string
	startedAt   api.Time
	clock       Clock
	system      *clock.System // nil where the clock was given
	hub         *hub.Hub
	health      *httpapi.Health
	http        *front
	secret      theSecret
	store       *store.Store
	install     auth.Installation
	passwords   *auth.Passwords
	pingKey     *auth.PingKey
	tokens      *auth.Tokens
	authn       *auth.Authenticator
	keeper      *cert.Keeper
	publicURL   string
	services    *service.Services
	probes      *probe.Probes
	events      *event.Events
	disk        *retention.Guard // nil where the database is not in the data folder
	retention   *retention.Retention
	liveness    *service.Liveness
	channels    *alert.Channels
	alertRoutes *alert.Routes
	maintenance *alert.Maintenance
	alerts      *alert.Alerts
	heartbeat   *heartbeat.Heartbeat // nil where no setting names its URL
	metrics     *metrics
	floor       *web.Floor
	routes      http.Handler
}

// start makes all parts. It is one straight function on purpose: what needs what can be read from top to bottom.
func (s *server) start(ctx context.Context) error {
	c := s.Config
	s.id = uuid.Must(uuid.NewV7()).String()
	if err := s.takeFolder(); err != nil {
		return err
	}
	s.hub = hub.New()
	if s.clock = s.Clock; s.clock == nil {
		s.system = clock.NewSystem(clock.Options{OnStep: s.clockStepped, Logger: s.log, Reference: s.reference()})
		s.clock = s.system
	}
	s.metrics = newMetrics(s.Version)

	// The port first: whoever asks is told that the server is starting, and a second server fails at once.
	s.health = &httpapi.Health{}
	var err error
	if s.http, err = listen(c.Listen, s.health.Handler(), s.log); err != nil {
		return err
	}
	s.teardown.add("the listener", func() error { s.http.stop(time.Second); return nil })

	if s.secret, err = readOrDraftSecret(c); err != nil {
		return err
	}
	s.publicURL = publicURL(c, s.http.listener.Addr(), s.log)
	if s.keeper, err = cert.New(cert.Options{
		Mode: cert.Mode(c.TLS), Clock: s.clock, Log: s.log, PublicURL: s.publicURL, Key: s.secret.key, Hub: s.hub,
		Folder: c.Data, Names: c.TLSNames, CertificateFile: c.TLSCert, KeyFile: c.TLSKey,
		ACME: cert.ACME{
			Directory: c.ACME.Directory, Email: c.ACME.Email, CAFile: c.ACME.CA, HTTP: c.ACME.HTTP, Address: s.http.listener.Addr(),
		},
	}); err != nil {
		return err
	}
	s.teardown.add("the certificate", s.keeper.Close)
	s.floor = web.NewFloor(web.FloorOptions{
		Logger: s.log, Now: s.clock.Now, Observe: s.metrics.observe, TrustedProxies: c.TrustedProxies,
	})
	s.http.serve(s.keeper, s.floor)

	s.health.Starting("opening the database")
	if s.store, err = s.openStore(ctx); err != nil {
		return err
	}
	s.teardown.add("the database", s.store.Close)
	if s.system != nil {
		if err := s.system.Sync(ctx); err != nil {
			return fmt.Errorf("reading the time of the database: %w", err)
		}
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.store.CheckCopied(ctx); err != nil {
		return err
	}
	if err := s.secret.unlock(ctx, c, s.store.Settings); err != nil {
		return err
	}
	s.store.Audit.Unlock(s.secret.key)
	if s.install, err = auth.OpenInstallation(ctx, s.store.Settings); err != nil {
		return err
	}
	if err := s.store.Audit.Begin(ctx, map[string]any{"installation": s.install.ID, "version": s.Version}); err != nil {
		return err
	}
	if err := s.openCredentials(ctx); err != nil {
		return err
	}
	if err := s.keeper.Open(ctx, s.store); err != nil {
		return err
	}
	if err := s.takePlace(ctx); err != nil {
		return err
	}
	s.teardown.add("the mark of this server", s.leave)

	if err := s.openSearch(ctx); err != nil {
		return err
	}
	s.openRetention()
	s.events = event.New(event.Options{
		Store: s.store, Hub: s.hub, Clock: s.clock, Log: s.log, Server: s.id, Accept: s.acceptEvents,
	})
	if err := s.openAlerts(ctx); err != nil {
		return err
	}
	s.services = service.New(service.Options{
		Store: s.store, Hub: s.hub, Clock: s.clock, Log: s.log, Zone: zoneName(c.TimeZone),
		CheckTarget: s.channels.CheckTarget, BodyLimit: ping.KeptBody(int(c.PingBodyLimit)), Sealer: s.secret.key,
	})
	if err := s.openProbes(ctx); err != nil {
		return err
	}
	s.liveness = service.NewLiveness(s.services)
	s.openHeartbeat()
	s.metrics.watch(s)
	router, err := httpapi.Routes(s.routeOptions())
	if err != nil {
		return err
	}
	s.routes = s.floor.Wrap(router)
	return nil
}

// loops is all work that goes on while the server runs.
func (s *server) loops() []loop {
	loops := []loop{
		{"exchanging wake-ups", s.store.Run},
		{"marking life", s.liveness.Run},
		{"judging deadlines", service.NewSweeper(s.services).Run},
		{"indexing events", event.NewIndexer(s.events).Run},
		{"probing", s.probes.Run},
		{"knowing the channels", s.channels.Run},
		{"routing alerts", alert.NewRouter(s.alerts).Run},
		{"sending alerts", alert.NewSender(s.alerts).Run},
		{"noting the use of tokens", s.authn.Run},
		{"keeping the certificate", s.keeper.Run},
		{"counting refusals", s.floor.Run},
		{"pacing the garbage collector", paceCollector(s.clock)},
		{"periodic work", cron.New(cron.Options{Leases: s.store.Leases, Server: s.id, Clock: s.clock, Log: s.log, Jobs: []cron.Job{
			{Name: "removing what is not kept", Every: time.Minute, Run: s.retention.RunOnce},
			{Name: "making partitions ahead", Every: time.Hour, Run: s.store.Prepare},
			{Name: "forgetting servers that are gone", Every: time.Hour, Run: s.store.Servers.ForgetSilent},
		}}).Run},
	}
	if s.disk != nil {
		loops = append(loops, loop{"watching the disk", s.disk.Run})
	}
	if s.heartbeat != nil {
		loops = append(loops, loop{"sending the heartbeat", s.heartbeat.Run})
	}
	if s.system != nil {
		loops = append(loops, loop{"keeping time", s.system.Run})
	}
	return loops
}

// takeFolder makes the data folder, and keeps other servers from it where SQLite is in it.
func (s *server) takeFolder() error {
	lock, err := lockFolder(s.Config)
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("the data folder %s is in use by another watchkeeper: stop that one, or name another folder with --data", s.Config.Data)
	}
	if err != nil {
		return err
	}
	s.teardown.add("the lock of the data folder", lock.Close)
	return refuseHalfRestored(s.Config)
}

// reference gives the clock of the database, nil where the machine's own is the base.
func (s *server) reference() func(context.Context) (time.Time, error) {
	if s.Config.Database == "" {
		return nil
	}
	return func(ctx context.Context) (time.Time, error) {
		if s.store == nil {
			return time.Time{}, errors.New("the database is not open yet")
		}
		return s.store.Clock(ctx)
	}
}

// databasePatience is how long a start waits for a database that is not there yet, as when both start together.
const databasePatience = time.Minute

func (s *server) openStore(ctx context.Context) (*store.Store, error) {
	deadline := time.Now().Add(databasePatience)
	for {
		opened, err := store.Open(ctx, store.Options{
			Folder: s.Config.Data, Database: s.Config.Database, Hub: s.hub, Clock: s.clock, Log: s.log, Zone: s.Config.TimeZone,
		})
		if err == nil || s.Config.Database == "" || errors.Is(err, store.ErrDatabaseURL) || time.Now().After(deadline) || ctx.Err() != nil {
			return opened, err
		}
		s.log.Warn("the database cannot be reached yet, trying on", "error", err)
		if err := clock.Sleep(ctx, s.clock, time.Second); err != nil {
			return nil, err
		}
	}
}

// migrate brings the schema up to date, or refuses where that was asked for.
func (s *server) migrate(ctx context.Context) error {
	if s.Config.Migrate == config.MigrateOff {
		return s.store.CheckSchema(ctx)
	}
	at := ""
	done, err := s.store.Migrate(ctx, store.MigrateOptions{Copy: true, Report: func(p Progress) {
		s.health.Starting(p.String())
		if p.Step != at && p.Total > 0 {
			at = p.Step
			s.log.Info(p.Step)
		}
	}})
	if len(done) > 0 {
		s.log.Info("migrated the database", "steps", len(done), "to", done[len(done)-1])
	}
	return err
}

// openSearch opens the index of texts. One that had to be emptied is filled again while the server runs.
func (s *server) openSearch(ctx context.Context) error {
	anew, err := s.store.Search.Open(ctx, fmt.Sprintf("%s %d", s.install.ID, s.install.Generation))
	if err != nil {
		return fmt.Errorf("opening the index of texts: %w", err)
	}
	if anew != "" {
		s.log.Warn("the index of texts is made anew; until it is whole, searches take longer", "reason", anew)
	}
	return nil
}

func (s *server) openCredentials(ctx context.Context) error {
	var err error
	override := auth.Override{Value: s.Config.Password}
	if s.Loaded != nil && override.Value != "" {
		override.Source = s.Loaded.Source("password").String()
	}
	if s.passwords, err = auth.NewPasswords(auth.PasswordOptions{
		Settings: s.store.Settings, Key: s.secret.key, Clock: s.clock, Override: override,
	}); err != nil {
		return err
	}
	if _, err := s.passwords.Ensure(ctx); err != nil {
		return err
	}
	s.pingKey = auth.NewPingKey(s.store.Settings, s.secret.key)
	if err := s.pingKey.Ensure(ctx); err != nil {
		return err
	}
	s.tokens = auth.NewTokens(s.store.Tokens, s.clock)
	s.authn = auth.NewAuthenticator(auth.AuthenticatorOptions{
		Tokens: s.store.Tokens, Passwords: s.passwords, PingKey: s.pingKey, Hub: s.hub, Clock: s.clock, Log: s.log,
	})
	return nil
}

// takePlace makes this server one of those that watch: it sets its time by theirs and marks that it is alive.
func (s *server) takePlace(ctx context.Context) error {
	last, err := s.store.Servers.LastAlive(ctx)
	if err != nil {
		return err
	}
	if ahead := last.Sub(api.TimeOf(s.clock.Now())); last > 0 && ahead > 0 {
		s.log.Warn("the clock of this machine was set back since the last run; going on from the last time that was recorded",
			"ahead", ahead.String())
		if err := s.clock.SetBase(last.Std()); err != nil {
			return err
		}
	}
	s.startedAt = api.TimeOf(s.clock.Now())
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	s.store.Servers.Register(store.Presence{ID: s.id, Name: name, Version: s.Version, CatchUp: s.Config.CatchUp})
	gap, err := s.store.Servers.Beat(ctx)
	if gap != nil {
		s.log.Warn("no server watched for a while, so silence in that time is judged later",
			"from", gap.From.String(), "to", gap.To.String())
	}
	return err
}

// leave gives up what this server holds. It has little time: what it cannot give up runs out by itself.
func (s *server) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return s.store.Servers.Leave(ctx)
}

// clockStepped is told when the clock of the machine was set while the server runs.
func (s *server) clockStepped(offset time.Duration) {
	s.log.Warn("the clock was set; deadlines follow slowly", "by", offset.String())
	if s.events != nil {
		s.events.AddOwn(api.LevelWarning, fmt.Sprintf("The clock was set by %s; deadlines follow slowly", offset.Round(time.Millisecond)))
	}
}
