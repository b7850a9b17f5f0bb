package app

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/config"
	"watchkeeper/server/store"
	"watchkeeper/server/watchtower"
)

// ImportOptions say what is imported of a watchTower server.
type ImportOptions struct {
	DatabaseOptions
	Folder string
	Zone   *time.Location
	// Try only reads, and says what would be done.
	Try    bool
	Unread func(Unread)   // is told of every line that cannot be read
	Report func(Progress) // may be nil
}

// Unread is a line that could not be read.
type Unread = watchtower.Unread

// Fates are what may have become of a service in watchTower.
var Fates = []watchtower.Fate{watchtower.FateAlive, watchtower.FateDead, watchtower.FateCancelled, watchtower.FateForgotten}

// Imported is what an import did or would do.
type Imported struct {
	Services map[watchtower.Fate]int // by what became of them there
	New      int                     // services that were made; the others were there
	Pulses   int64
	Events   int64  // that were added
	Repeated int64  // events that were there
	Password string // a note about it; empty where there is none
	Settings string // lines for the settings file; empty where there are none
}

const (
	importBatch   = 500
	shortPassword = 12
	// importKeepPassword is how long the password of before stays good.
	importKeepPassword = 7 * 24 * time.Hour
)

// ImportWatchTower brings the services, their history, the events and the password of a watchTower server into a database,
// on which a server may run. What was brought before is not brought again.
func ImportWatchTower(ctx context.Context, o ImportOptions) (out Imported, err error) {
	if o.Report == nil {
		o.Report = func(Progress) {}
	}
	folder, err := watchtower.Open(o.Folder, o.Zone)
	if err != nil {
		return out, err
	}
	in := &importer{ImportOptions: o, folder: folder, config: folder.Config(o.Unread), lives: map[string]*watchtower.Life{}}
	in.out.Settings = in.settings()
	if err := in.readLives(ctx); err != nil {
		return out, err
	}
	if o.Try {
		return in.out, in.count(ctx)
	}
	err = withUnlocked(ctx, o.DatabaseOptions, func(d *Database) error {
		in.d = d
		for _, step := range []func(context.Context) error{in.services, in.pulses, in.events, in.password} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return d.store.Audit.Record(ctx, api.AuditInstallationImport, "watchTower", map[string]any{
			"services": in.out.New, "pulses": in.out.Pulses, "events": in.out.Events,
		})
	})
	return in.out, err
}

type importer struct {
	ImportOptions
	d      *Database
	folder *watchtower.Folder
	config watchtower.Config
	lives  map[string]*watchtower.Life
	end    api.Time // of the records
	out    Imported
}

func ignoreUnread(watchtower.Unread) {} // they were told of when the lines were first read

// readLives reads what became of each service.
func (in *importer) readLives(ctx context.Context) error {
	in.Report(Progress{Step: "reading heartbeats"})
	err := in.folder.Beats(ctx, func(b watchtower.Beat) error {
		life := in.lives[b.Service]
		if life == nil {
			life = &watchtower.Life{}
			in.lives[b.Service] = life
		}
		life.Add(b)
		in.end = max(in.end, b.At)
		return nil
	}, in.Unread)
	in.out.Services = map[watchtower.Fate]int{}
	for _, life := range in.lives {
		in.out.Services[life.Fate(in.end)]++
	}
	return err
}

// count says what an import would bring at most.
func (in *importer) count(ctx context.Context) error {
	in.out.New = len(in.lives)
	for _, life := range in.lives {
		in.out.Pulses += life.Pulses
	}
	if in.config.Password != "" {
		in.out.Password = "the password would become the one of watchTower"
	}
	in.Report(Progress{Step: "reading events"})
	return in.folder.Events(ctx, func(watchtower.Event) error {
		in.out.Events++
		return nil
	}, in.Unread)
}

// stateOf is where a service stands with us.
var stateOf = map[watchtower.Fate]api.State{
	watchtower.FateAlive: api.StateUp, watchtower.FateCancelled: api.StatePaused,
	watchtower.FateDead: api.StateDown, watchtower.FateForgotten: api.StateNew,
}

func (in *importer) services(ctx context.Context) error {
	names := slices.Sorted(maps.Keys(in.lives))
	for done, some := range slices.Collect(slices.Chunk(names, importBatch)) {
		in.Report(Progress{Step: "making services", Done: int64(done * importBatch), Total: int64(len(names))})
		made, err := in.d.store.Imports.Services(ctx, each(some, in.service))
		if err != nil {
			return err
		}
		in.out.New += made
	}
	return nil
}

func (in *importer) service(name string) store.ImportedService {
	life := in.lives[name]
	s := store.ImportedService{
		Name: name, First: life.First, Last: life.Last, NextIn: life.NextIn, State: stateOf[life.Fate(in.end)], Since: life.Latest.At,
		Target: api.LegacyTarget{AlertType: in.config.DefaultType, AlertTarget: in.config.DefaultTarget},
	}
	if s.NextIn == 0 {
		s.NextIn = life.Latest.NextIn
	}
	return s
}

// pulses brings the history, which is in order, so that what was brought before is known by its last moment.
func (in *importer) pulses(ctx context.Context) error {
	known, err := in.d.store.Imports.Known(ctx, slices.Collect(maps.Keys(in.lives)))
	if err != nil {
		return err
	}
	var batch []store.ImportedPulse
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		in.out.Pulses += int64(len(batch))
		in.Report(Progress{Step: "bringing " + strconv.FormatInt(in.out.Pulses, 10) + " pulses"})
		err := in.d.store.Imports.Pulses(ctx, batch)
		batch = batch[:0]
		return err
	}
	err = in.folder.Beats(ctx, func(b watchtower.Beat) error {
		service := known[b.Service]
		if b.Action != watchtower.ActionPulse || service.Key == 0 || b.At <= service.Until {
			return nil
		}
		if batch = append(batch, store.ImportedPulse{Service: service.Key, Time: b.At, NextIn: b.NextIn}); len(batch) < importBatch {
			return nil
		}
		return flush()
	}, ignoreUnread)
	if err != nil {
		return err
	}
	return flush()
}

func (in *importer) events(ctx context.Context) error {
	began := api.TimeOf(in.d.clock.Now())
	var batch []api.Event
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		added, err := in.d.store.Imports.Events(ctx, batch, began)
		in.out.Events += int64(added)
		in.out.Repeated += int64(len(batch) - added)
		in.Report(Progress{Step: "bringing " + strconv.FormatInt(in.out.Events, 10) + " events"})
		batch = batch[:0]
		return err
	}
	size := 0
	err := in.folder.Events(ctx, func(e watchtower.Event) error {
		batch = append(batch, api.Event{Service: e.Service, Message: api.CleanText(e.Message), Level: e.Level, LevelText: e.LevelText, Time: min(e.At, began)})
		if size += len(e.Message); len(batch) < importBatch && size < importBytes {
			return nil
		}
		size = 0
		return flush()
	}, in.Unread)
	if err != nil {
		return err
	}
	return flush()
}

// importBytes bounds the text of the events of one transaction.
const importBytes = 4 << 20

// password makes the password of watchTower ours, which its clients go on sending.
func (in *importer) password(ctx context.Context) error {
	if in.config.Password == "" {
		return nil
	}
	adopted, err := in.d.Passwords.Adopt(ctx, in.config.Password, importKeepPassword)
	switch {
	case api.KindOf(err) == api.KindConflict, api.KindOf(err) == api.KindInvalid:
		in.out.Password = fmt.Sprintf("the password of watchTower was not taken over: %s", err)
		return nil
	case adopted:
		in.out.Password = "the password is now the one of watchTower; the former one stays good for 7 days"
		if len(in.config.Password) < shortPassword {
			in.out.Password += ". It is short: replace it with watchkeeper password rotate --keep-old once the clients can follow"
		}
	}
	return err
}

// settings writes what belongs into the settings file. Text is quoted as JSON, which YAML reads alike.
func (in *importer) settings() string {
	var b strings.Builder
	c := in.config
	if c.PushoverToken != "" {
		fmt.Fprintf(&b, "pushover_token: %s\n", quoted(c.PushoverToken))
	}
	if c.DefaultType != "" && c.DefaultTarget != "" {
		fmt.Fprintf(&b, "default_route: %s\n", quoted(c.DefaultType+":"+c.DefaultTarget))
	}
	records(&b, "events_presets", each(c.Presets, func(p watchtower.Preset) [][2]string {
		return [][2]string{{"name", p.Name}, {"service", p.Service}, {"message", p.Message}}
	}))
	records(&b, "pings", each(c.Pings, func(p watchtower.Ping) [][2]string {
		return [][2]string{
			{"service", p.Service},
			{"url", p.URL},
			{"alertType", p.AlertType},
			{"alertTarget", p.AlertTarget},
			{"frequency", strconv.Itoa(p.Frequency)},
			{"proxyURL", p.ProxyURL},
		}
	}))
	return b.String()
}

func records(b *strings.Builder, key string, list [][][2]string) {
	if len(list) == 0 {
		return
	}
	comment := ""
	if !slices.ContainsFunc(config.Settings(), func(s config.Setting) bool { return s.Key == key }) {
		comment = "# "
	}
	fmt.Fprintf(b, "%s%s:\n", comment, key)
	for _, record := range list {
		lead := "- "
		for _, part := range record {
			if part[1] == "" {
				continue
			}
			fmt.Fprintf(b, "%s  %s%s: %s\n", comment, lead, part[0], quoted(part[1]))
			lead = "  "
		}
	}
}

func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil { // text can always be written
		panic(err)
	}
	return string(b)
}
