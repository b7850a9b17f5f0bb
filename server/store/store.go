package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/clock"
	"watchkeeper/server/hub"
)

// Options is what a store is opened with.
type Options struct {
	Folder   string // the data folder, where SQLite keeps its files
	Database string // a postgres:// URL; empty means SQLite in Folder
	Hub      *hub.Hub
	Clock    clock.Clock
	Log      *slog.Logger
	Zone     api.Zone // in which the texts of events show times
	// Shortcut lets one statement move the plain services of a group. The conformance suite runs with and without.
	Shortcut Shortcut
}

// longestRead is how long a transaction that only reads may last. One that lasts keeps SQLite from emptying its log, and
// PostgreSQL from clearing away dead rows.
const longestRead = 30 * time.Second

// Shortcut says whether plain pulses take the bulk statement.
type Shortcut string

// Whether plain pulses take the bulk statement. The zero value means on.
const (
	ShortcutOn  Shortcut = "on"
	ShortcutOff Shortcut = "off"
)

// Store is the database of Watchkeeper. Its handles have the methods; see the package comment.
type Store struct {
	Services     *Services
	Pulses       *Pulses
	Events       *Events
	Changes      *Changes
	Incidents    *Incidents
	Deliveries   *Deliveries
	Channels     *Channels
	Routes       *Routes
	Silences     *Silences
	Maintenance  *Maintenance
	Tokens       *Tokens
	Settings     *Settings
	Servers      *Servers
	Imports      *Imports
	Leases       *Leases
	Audit        *Audit
	Search       *Search
	Probes       *Probes
	Certificates *Certificates
	Retention    *Retention

	eng     engine
	hub     *hub.Hub
	clock   clock.Clock
	log     *slog.Logger
	zone    api.Zone
	longest time.Duration // of a transaction that only reads
	// sealer is nil until Audit.Unlock.
	sealer Sealer

	closing sync.Once
	closed  error
}

// Open opens the database and makes the files of SQLite where there are none. The schema is left as it is: see Migrate.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{hub: o.Hub, clock: o.Clock, log: o.Log, zone: o.Zone, longest: longestRead}
	wakeAll := func() { o.Hub.WakeLocal(hub.Topics()...) }
	var err error
	if o.Database == "" {
		s.eng, err = openSQLite(ctx, filepath.Join(o.Folder, StateFile), writerPragmas, wakeAll)
	} else {
		s.eng, err = openPostgres(ctx, o.Database, o.Hub, wakeAll)
	}
	if err != nil {
		return nil, err
	}
	s.Servers = &Servers{s: s}
	s.Services = newServices(s)
	s.Pulses = newPulses(s, o.Shortcut)
	s.Events = newEvents(s)
	s.Changes = &Changes{s}
	s.Incidents = newIncidents(s)
	s.Deliveries = newDeliveries(s)
	s.Channels = &Channels{s}
	s.Routes = &Routes{s}
	s.Silences = &Silences{s}
	s.Maintenance = &Maintenance{s}
	s.Tokens = &Tokens{s}
	s.Settings = &Settings{s}
	s.Leases = &Leases{s}
	s.Imports = &Imports{s}
	s.Audit = &Audit{s}
	s.Retention = &Retention{s}
	s.Search = &Search{s: s, folder: o.Folder}
	s.Probes = newProbes(s)
	s.Certificates = &Certificates{s}
	return s, nil
}

// Close ends the committers after what they have taken, and gives the connections back. It may be called again.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.Pulses.committer.close()
		s.Events.committer.close()
		s.closed = s.eng.close()
		s.closed = errors.Join(s.closed, s.Search.close())
	})
	return s.closed
}

// Engine says which database this is.
func (s *Store) Engine() Engine { return s.eng.kind() }

// Size gives the bytes that the database uses.
func (s *Store) Size(ctx context.Context) (int64, error) { return s.eng.size(ctx) }

// Clock gives the time of the database: for SQLite, of the machine.
func (s *Store) Clock(ctx context.Context) (time.Time, error) { return s.eng.time(ctx) }

// Run exchanges wake-ups with other servers and programs on the same database. It blocks until ctx ends.
func (s *Store) Run(ctx context.Context) error { return s.eng.watch(ctx) }

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error {
	return s.read(ctx, func(tx *Tx) error {
		_, err := one(ctx, tx, scanOne[int64], "select 1")
		return err
	})
}

// Tx is a transaction with one now. What it records of changes and events is written last, in the order of commits.
type Tx struct {
	session
	eng     engine
	now     api.Time
	zone    api.Zone
	self    serverRow
	catchUp time.Duration
	changes []*changeRow
	events  []*eventRow
	wakes   []hub.Topic
	actor   api.Actor // of transactions that write
	audits  []auditEntry
	sealer  Sealer
	log     *slog.Logger
}

func (tx *Tx) wake(topics ...hub.Topic) { tx.wakes = append(tx.wakes, topics...) }

func (s *Store) newTx(session session) *Tx {
	return &Tx{session: session, eng: s.eng, now: s.now(), zone: s.zone, self: s.Servers.self, catchUp: s.Servers.catchUp}
}

// attempts is how often a transaction is tried that others made impossible.
const attempts = 4

// write runs fn in a transaction, again when a conflict with others undid it, and wakes who waits after the commit. An
// error whose outcome is not known, and any trouble of the database, is KindUnavailable.
func (s *Store) write(ctx context.Context, u use, fn func(*Tx) error) error {
	return s.outward(s.tryWrite(ctx, u, fn))
}

// tryWrite is write with the error as the database gave it.
func (s *Store) tryWrite(ctx context.Context, u use, fn func(*Tx) error) error {
	return s.tryWriteOn(ctx, s.eng, u, fn)
}

func (s *Store) tryWriteOn(ctx context.Context, eng engine, u use, fn func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := s.writeOnce(ctx, eng, u, fn)
		v := s.eng.judge(err)
		if attempt == attempts || v != verdictRetry && v != verdictUnprepared {
			return err
		}
		if v == verdictUnprepared {
			if err := s.Prepare(ctx); err != nil {
				return err
			}
		}
	}
}

func (s *Store) writeOnce(ctx context.Context, eng engine, u use, fn func(*Tx) error) error {
	session, err := eng.begin(ctx, u)
	if err != nil {
		return err
	}
	defer session.rollback()
	tx := s.newTx(session)
	tx.actor, tx.sealer, tx.log = api.ActorOf(ctx), s.sealer, s.log
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.flush(ctx); err != nil {
		return err
	}
	if err := session.commit(ctx); err != nil {
		return err
	}
	if len(tx.wakes) > 0 {
		s.hub.Wake(tx.wakes...)
	}
	return nil
}

// read runs fn in a transaction that sees one moment.
func (s *Store) read(ctx context.Context, fn func(*Tx) error) error { return s.readOn(ctx, s.eng, fn) }

// readOn is read on an engine. It ends, with an error, when it lasts too long.
func (s *Store) readOn(ctx context.Context, eng engine, fn func(*Tx) error) error {
	limited, cancel := context.WithTimeout(ctx, s.longest)
	defer cancel()
	err := s.readLong(limited, eng, func(tx *Tx) error {
		tx.session = limitedSession{tx.session, limited}
		return fn(tx)
	})
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return api.Wrap(api.KindUnavailable, err, "reading took too long and was ended")
	}
	return err
}

// readLong is for what must be read as of one moment however long it takes.
func (s *Store) readLong(ctx context.Context, eng engine, fn func(*Tx) error) error {
	session, err := eng.view(ctx)
	if err != nil {
		return s.outward(err)
	}
	defer session.rollback()
	return s.outward(fn(s.newTx(session)))
}

func (s *Store) now() api.Time { return api.TimeOf(s.clock.Now()) }

// outward turns an error of the database into one that a caller can act on; errors with a kind pass as they are.
func (s *Store) outward(err error) error {
	var known *api.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	switch s.eng.judge(err) {
	case verdictCanceled:
		return err
	case verdictUnique:
		return api.Wrap(api.KindConflict, err, "exists already")
	case verdictContent:
		return api.Wrap(api.KindInternal, err, "storing failed")
	case verdictFull:
		return api.Wrap(api.KindUnavailable, err, "no space is left for the database")
	}
	return unavailable(err)
}

// nameKey stands for a name where an index needs a bounded length. Short names stand for themselves.
func nameKey(name string) string {
	if len(name) <= maxPlainKey {
		return name
	}
	return api.CutText(name, prefixOfKey) + "#" + digest(name)
}

const (
	maxPlainKey = 255
	prefixOfKey = 200 // with # and 64 hex digits longer than any plain key, so that the two never meet
)

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// appendJSON appends s as a JSON string. Most text needs no escape and is copied as it is.
func appendJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
			quoted, err := json.Marshal(s)
			if err != nil { // a string can always be written
				panic(err)
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// toJSON writes lists and small structs of package api, which can always be written.
func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// list writes a list of strings; none is [].
func list(l []string) string {
	if len(l) == 0 {
		return "[]"
	}
	return toJSON(l)
}

func fromJSON[T any](text string) (T, error) {
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return v, fmt.Errorf("reading stored JSON: %w", err)
	}
	return v, nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
