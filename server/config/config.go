// Package config holds the settings of the server: what they are called, what they mean, how their texts are read, and
// where each value came from. One table, in table.go, names every setting once; flags, environment variables, keys of
// the YAML file, the help text and docs/settings.md all follow from it.
//
// Only the command line and the wiring know this package; every other package is given the values it needs. Nothing that
// acts on a setting belongs here, and no setting that is changed through the API.
package config

import (
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"watchkeeper/api"
)

// Config is the value of every setting. It is copied at start and never changed afterwards.
type Config struct {
	Listen          string         // host:port
	PublicURL       string         // absolute, without a slash at its end; empty means to find one
	TrustedProxies  []netip.Prefix // whose X-Forwarded-For is believed
	TimeZone        *time.Location
	ShutdownTimeout time.Duration
	LogLevel        slog.Level
	LogFormat       LogFormat

	Data     string // folder
	Database string // empty means SQLite in Data, else a PostgreSQL URL
	Secret   string // empty means the file secret.key in Data
	Migrate  Migrate

	TLS      TLS
	TLSCert  string // file, for TLSFiles
	TLSKey   string // file, for TLSFiles
	TLSNames []string
	ACME     ACME

	Password string // empty means the one kept in the database

	PublicTags []string // whose services everybody may see on a status page

	HeartbeatURL  string
	DefaultRoute  []string // targets as api.ParseTarget reads them
	SMTPURL       string
	SMTPFrom      string
	SMTPTLS       SMTPTLS
	PushoverToken string
	PushoverURL   string // without a slash at its end
	Alerts        Alerts
	Channels      []api.ChannelInput
	Templates     []Template
	Routes        []api.RouteInput
	Maintenance   []api.MaintenanceInput

	Probes []Probe
	Pings  []Probe // those that stand in the list of watchTower

	Retention Retention

	CatchUp         time.Duration // longest hold of deadlines after our own absence
	PingBodyLimit   int64         // bytes kept of a ping's body, 0 for all
	EventsListLimit int           // events in one answer on the watchTower routes
	EventsPresets   []EventsPreset
}

// Retention is how long what happened is kept, and how much of it; 0 is for ever, and any amount.
type Retention struct {
	EventsAge, PulsesAge   time.Duration
	EventsSize, PulsesSize int64
	ChangesAge             time.Duration // changes, incidents and deliveries
}

// Alerts limits whom alerts may reach.
type Alerts struct {
	RefusePrivate bool                         // no deliveries to loopback and private addresses
	Targets       map[api.ChannelKind][]string // patterns as api.MatchName reads them; a kind without any is open
}

// Template is how messages are worded that go through a kind without a channel of a name. An empty one is the built-in.
type Template struct {
	Kind  api.ChannelKind
	Title string
	Body  string
}

// EventsPreset is a saved search that the watchTower page offers. Service and Message are regular expressions; empty
// means any.
type EventsPreset struct {
	Name    string
	Service string
	Message string
}

// TLS says how connections are secured.
type TLS string

// The ways of TLS.
const (
	TLSSelf  TLS = "self"  // a certificate of our own making
	TLSFiles TLS = "files" // TLSCert and TLSKey
	TLSACME  TLS = "acme"  // ordered by ACME
	TLSOff   TLS = "off"   // plain HTTP, for a proxy in front
)

var tlsWays = []TLS{TLSSelf, TLSFiles, TLSACME, TLSOff}

// Valid reports whether t is one of the ways above.
func (t TLS) Valid() bool { return slices.Contains(tlsWays, t) }

// ACME says where certificates are ordered, for TLSACME.
type ACME struct {
	Directory string
	Email     string
	CA        string // file
	HTTP      string // address to listen on
}

// SMTPTLS says whether mail is only handed over encrypted. It does not matter for smtps, which always is.
type SMTPTLS string

// The ways of STARTTLS.
const (
	SMTPTLSOpportunistic SMTPTLS = "opportunistic" // when the server offers it
	SMTPTLSRequired      SMTPTLS = "required"
	SMTPTLSOff           SMTPTLS = "off"
)

var smtpTLSWays = []SMTPTLS{SMTPTLSOpportunistic, SMTPTLSRequired, SMTPTLSOff}

// Valid reports whether s is one of the ways above.
func (s SMTPTLS) Valid() bool { return slices.Contains(smtpTLSWays, s) }

// Migrate says what a start does with a database of an older release.
type Migrate string

// What a start may do with an older database.
const (
	MigrateOn  Migrate = "on"
	MigrateOff Migrate = "off" // refuse to start
)

var migrateWays = []Migrate{MigrateOn, MigrateOff}

// Valid reports whether m is one of the words above.
func (m Migrate) Valid() bool { return slices.Contains(migrateWays, m) }

// LogFormat is the form of log lines.
type LogFormat string

// The forms of log lines.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

var logFormats = []LogFormat{LogText, LogJSON}

// Valid reports whether f is one of the forms above.
func (f LogFormat) Valid() bool { return slices.Contains(logFormats, f) }

const day = 24 * time.Hour

// Default gives the settings of a start without flags, variables and file.
func Default() Config {
	return Config{
		Listen:          ":8443",
		TimeZone:        time.Local,
		ShutdownTimeout: 10 * time.Second,
		LogLevel:        slog.LevelInfo,
		LogFormat:       LogText,
		Data:            "./data",
		Migrate:         MigrateOn,
		TLS:             TLSSelf,
		ACME:            ACME{Directory: "https://acme-v02.api.letsencrypt.org/directory"},
		SMTPTLS:         SMTPTLSOpportunistic,
		PushoverURL:     "https://api.pushover.net/1",
		Retention: Retention{
			EventsAge: 90 * day, EventsSize: 2 << 30, PulsesAge: 30 * day, PulsesSize: 2 << 30, ChangesAge: 400 * day,
		},
		CatchUp:         10 * time.Minute,
		PingBodyLimit:   10_000,
		EventsListLimit: 50_000,
	}
}
