package config

import "errors"

// Settings gives every setting, in the order in which they are shown.
func Settings() []Setting {
	var all []Setting
	for _, group := range groups {
		all = append(all, settingsOf(group)...)
	}
	return all
}

func settingsOf(group Group) []Setting {
	settings := map[Group]func() []Setting{
		GroupServer:    serverSettings,
		GroupStorage:   storageSettings,
		GroupRetention: retentionSettings,
		GroupAccess:    accessSettings,
		GroupAlerts:    alertSettings,
		GroupInput:     inputSettings,
	}[group]()
	for i := range settings {
		settings[i].Group = group
	}
	return settings
}

func serverSettings() []Setting {
	return []Setting{
		{
			Key: "listen", Form: "host:port",
			Help:  "address to listen on; without a host, on every address",
			field: func(c *Config) value { return textOf(&c.Listen) },
			check: checkListen,
		},
		{
			Key: "public_url", Form: "url",
			Help:  "address under which others reach this server, for links and ping URLs; found out when empty",
			field: func(c *Config) value { return baseURLOf(&c.PublicURL) },
			check: func(c Config) error { return checkBaseURL(c.PublicURL) },
		},
		{
			Key: "trusted_proxies", Form: "networks",
			Help:  "addresses or networks of proxies whose X-Forwarded headers are believed, separated by commas",
			field: func(c *Config) value { return prefixesOf(&c.TrustedProxies) },
		},
		{
			Key: "time_zone", Form: "zone",
			Help:  "zone of the times in messages and of new cron expressions",
			field: func(c *Config) value { return zoneOf(&c.TimeZone) },
			check: checkTimeZone,
		},
		{
			Key: "shutdown_timeout", Form: "duration",
			Help:  "how long a stop may take, at most 10s",
			field: func(c *Config) value { return durationOf(&c.ShutdownTimeout) },
			check: checkShutdownTimeout,
		},
		{
			Key: "log_level", Form: "debug|info|warn|error",
			Help:  "least level of the lines that are logged",
			field: func(c *Config) value { return levelOf(&c.LogLevel) },
		},
		{
			Key: "log_format", Form: formOf(logFormats),
			Help:  "form of the lines that are logged",
			field: func(c *Config) value { return wordOf(&c.LogFormat, logFormats) },
			check: func(c Config) error { return checkWord(c.LogFormat, logFormats) },
		},
	}
}

func storageSettings() []Setting {
	return []Setting{
		{
			Key: "data", Form: "folder",
			Help:  "folder of the databases, keys and certificates; made when missing",
			field: func(c *Config) value { return textOf(&c.Data) },
			check: checkData,
		},
		{
			Key: "database", Form: "url",
			Help:  "postgres://user:password@host/name for PostgreSQL; empty for SQLite in the data folder",
			field: func(c *Config) value { return textOf(&c.Database) },
			check: checkDatabase,
			mask:  func(c Config) string { return maskURL(c.Database) },
		},
		{
			Key: "secret", Form: "text",
			Help:  "seals keys and passwords in the database, at least 16 bytes, the same for all servers of a database; when empty, made and kept in secret.key of the data folder",
			field: func(c *Config) value { return textOf(&c.Secret) },
			check: checkSecret, mask: maskAll,
		},
		{
			Key: "migrate", Form: formOf(migrateWays),
			Help:  "bring an older database up to date at start, or refuse to start",
			field: func(c *Config) value { return wordOf(&c.Migrate, migrateWays) },
			check: func(c Config) error { return checkWord(c.Migrate, migrateWays) },
		},
	}
}

func retentionSettings() []Setting {
	return []Setting{
		{
			Key: "retention.events_age", Form: "duration",
			Help:  "how long events are kept; 0 for ever",
			field: func(c *Config) value { return durationOf(&c.Retention.EventsAge) },
			check: func(c Config) error { return checkAge(c.Retention.EventsAge) },
		},
		{
			Key: "retention.events_size", Form: "size",
			Help:  "how much room events may take with their indexes, before the oldest go; 0 sets no limit",
			field: func(c *Config) value { return sizeOf(&c.Retention.EventsSize) },
			check: func(c Config) error { return checkBudget(c.Retention.EventsSize) },
		},
		{
			Key: "retention.pulses_age", Form: "duration",
			Help:  "how long the history of pulses is kept; 0 for ever",
			field: func(c *Config) value { return durationOf(&c.Retention.PulsesAge) },
			check: func(c Config) error { return checkAge(c.Retention.PulsesAge) },
		},
		{
			Key: "retention.pulses_size", Form: "size",
			Help:  "how much room the history of pulses may take, before the oldest go; 0 sets no limit",
			field: func(c *Config) value { return sizeOf(&c.Retention.PulsesSize) },
			check: func(c Config) error { return checkBudget(c.Retention.PulsesSize) },
		},
		{
			Key: "retention.changes_age", Form: "duration",
			Help:  "how long changes, incidents and deliveries are kept; 0 for ever; open incidents stay",
			field: func(c *Config) value { return durationOf(&c.Retention.ChangesAge) },
			check: func(c Config) error { return checkAge(c.Retention.ChangesAge) },
		},
	}
}

func accessSettings() []Setting {
	return []Setting{
		{
			Key: "password", Form: "text",
			Help:  "password with full access; when empty, made at the first start: watchkeeper password show",
			field: func(c *Config) value { return textOf(&c.Password) },
			check: checkPassword, mask: maskAll,
		},
		{
			Key: "public_tags", Form: "tags",
			Help:  "tags whose services everybody may see, by name, state and uptime, at /status/TAG and as badges, separated by commas",
			field: func(c *Config) value { return textsOf(&c.PublicTags) },
		},
		{
			Key: "tls", Form: formOf(tlsWays),
			Help:  "a certificate made here, one from files, one ordered by ACME, or plain HTTP for a proxy in front",
			field: func(c *Config) value { return wordOf(&c.TLS, tlsWays) },
			check: func(c Config) error { return checkWord(c.TLS, tlsWays) },
		},
		{
			Key: "tls_cert", Form: "file",
			Help:  "certificate chain in PEM form, read anew when it changes; for tls files",
			field: func(c *Config) value { return textOf(&c.TLSCert) },
			check: func(c Config) error { return checkTLSFile(c, c.TLSCert) },
		},
		{
			Key: "tls_key", Form: "file",
			Help:  "private key of the certificate in PEM form; for tls files",
			field: func(c *Config) value { return textOf(&c.TLSKey) },
			check: func(c Config) error { return checkTLSFile(c, c.TLSKey) },
		},
		{
			Key: "tls_names", Form: "names",
			Help:  "more host names and addresses for the certificate made here or ordered, separated by commas",
			field: func(c *Config) value { return textsOf(&c.TLSNames) },
			check: checkTLSNames,
		},
		{
			Key: "acme.directory", Form: "url",
			Help:  "directory of the authority that certificates are ordered from; for tls acme",
			field: func(c *Config) value { return textOf(&c.ACME.Directory) },
			check: checkACMEDirectory,
		},
		{
			Key: "acme.email", Form: "address",
			Help:  "where that authority writes when something is wrong",
			field: func(c *Config) value { return textOf(&c.ACME.Email) },
			check: checkACMEEmail,
		},
		{
			Key: "acme.ca", Form: "file",
			Help:  "who signed the certificate of that directory, in PEM form, where that is a private authority",
			field: func(c *Config) value { return textOf(&c.ACME.CA) },
			check: func(c Config) error { return checkPath(c.ACME.CA) },
		},
		{
			Key: "acme.http", Form: "host:port",
			Help:  "also prove the names in plain HTTP at this address, to which port 80 must lead; :80 as a rule",
			field: func(c *Config) value { return textOf(&c.ACME.HTTP) },
			check: checkACMEHTTP,
		},
	}
}

func alertSettings() []Setting {
	return []Setting{
		{
			Key: "default_route", Form: "targets",
			Help:  "who is told when nothing else says so: mail:me@example.org, pushover:KEY or names of channels, separated by commas",
			field: func(c *Config) value { return textsOf(&c.DefaultRoute) },
			check: checkDefaultRoute,
			mask:  func(c Config) string { return maskTargets(c.DefaultRoute) },
		},
		{
			Key: "heartbeat_url", Form: "url",
			Help:  "fetched every minute while database, deadlines and messages work, such as a ping URL of another Watchkeeper, which tells when it stays away",
			field: func(c *Config) value { return textOf(&c.HeartbeatURL) },
			check: checkHeartbeatURL,
			mask:  maskAll,
		},
		{
			Key: "smtp_url", Form: "url",
			Help:  "mail server as smtp://user:password@host:port, or smtps://",
			field: func(c *Config) value { return textOf(&c.SMTPURL) },
			check: checkSMTPURL,
			mask:  func(c Config) string { return maskURL(c.SMTPURL) },
		},
		{
			Key: "smtp_from", Form: "address",
			Help:  "sender of mail, such as Watchkeeper <watchkeeper@example.org>",
			field: func(c *Config) value { return textOf(&c.SMTPFrom) },
			check: checkSMTPFrom,
		},
		{
			Key: "smtp_tls", Form: formOf(smtpTLSWays),
			Help:  "STARTTLS with smtp://; opportunistic means when the server offers it",
			field: func(c *Config) value { return wordOf(&c.SMTPTLS, smtpTLSWays) },
			check: func(c Config) error { return checkWord(c.SMTPTLS, smtpTLSWays) },
		},
		{
			Key: "pushover_token", Form: "text",
			Help:  "application token of Pushover",
			field: func(c *Config) value { return textOf(&c.PushoverToken) },
			mask:  maskAll,
		},
		{
			Key: "pushover_url", Form: "url",
			Help:  "address of Pushover's interface",
			field: func(c *Config) value { return baseURLOf(&c.PushoverURL) },
			check: checkPushoverURL,
		},
		{
			Key: "alerts.refuse_private", Form: formSwitch,
			Help:  "refuse to send to loopback and private addresses too, as is always done with link-local and metadata addresses",
			field: func(c *Config) value { return switchOf(&c.Alerts.RefusePrivate) },
		},
		{
			Key: "alerts.targets", Form: "patterns",
			Help:  "the only targets that a pulse may name, such as mail=*@example.org,pushover=uQ*; kinds that are not listed are open",
			field: func(c *Config) value { return targets{&c.Alerts.Targets} },
		},
		{
			Key: "channels", Form: formFileOnly,
			Help:  "channels with a name, a kind and settings",
			field: func(c *Config) value { return channelsOf(&c.Channels) },
			check: func(c Config) error { return channelsOf(&c.Channels).checkAll() },
			mask:  func(c Config) string { return channelsOf(&c.Channels).String() }, // without their settings
		},
		{
			Key: "templates", Form: formFileOnly,
			Help:  "how messages are worded that go through a kind without a channel of a name: kind, title, body",
			field: func(c *Config) value { return templatesOf(&c.Templates) },
			check: func(c Config) error { return templatesOf(&c.Templates).checkAll() },
		},
		{
			Key: "routes", Form: formFileOnly,
			Help:  "who is told of what, asked in this order before those made through the API: a name, match, to, continue, after, repeat, hours",
			field: func(c *Config) value { return routesOf(&c.Routes) },
			check: func(c Config) error { return routesOf(&c.Routes).checkAll() },
			mask:  func(c Config) string { return routesOf(&c.Routes).String() }, // without their targets
		},
		{
			Key: "maintenance", Form: formFileOnly,
			Help:  "times in which nobody is told: a name, match, comment, and starts_at with ends_at, or cron with duration and zone",
			field: func(c *Config) value { return maintenanceOf(&c.Maintenance) },
			check: func(c Config) error { return maintenanceOf(&c.Maintenance).checkAll() },
		},
	}
}

func inputSettings() []Setting {
	return []Setting{
		{
			Key: "probes", Form: formFileOnly,
			Help:  "services whose targets this server looks at by itself: a service, a kind (http, tcp, icmp, dns), an interval and what the kind needs",
			field: func(c *Config) value { return probesOf(&c.Probes) },
			check: func(c Config) error { return probesOf(&c.Probes).checkAll() },
			mask:  func(c Config) string { return probesOf(&c.Probes).String() }, // without headers and the like
		},
		{
			Key: "pings", Form: formFileOnly,
			Help:  "the same in the words of watchTower: service, url, frequency, alertType, alertTarget, proxyURL",
			field: func(c *Config) value { return pingsOf(&c.Pings) },
			check: func(c Config) error { return errors.Join(pingsOf(&c.Pings).checkAll(), checkBothProbes(c)) },
			mask:  func(c Config) string { return pingsOf(&c.Pings).String() },
		},
		{
			Key: "catch_up", Form: "duration",
			Help:  "longest time that deadlines are held after this server was away itself",
			field: func(c *Config) value { return durationOf(&c.CatchUp) },
			check: checkCatchUp,
		},
		{
			Key: "ping_body_limit", Form: "size",
			Help:  "how much of the body of a ping is kept; 0 sets no limit of its own",
			field: func(c *Config) value { return sizeOf(&c.PingBodyLimit) },
			check: checkPingBodyLimit,
		},
		{
			Key: "events_list_limit", Form: "number",
			Help:  "most events in one answer on the watchTower routes",
			field: func(c *Config) value { return numberOf(&c.EventsListLimit) },
			check: checkEventsListLimit,
		},
		{
			Key: "events_presets", Form: formFileOnly,
			Help:  "saved searches for the watchTower page, with a name and regular expressions for service and message",
			field: func(c *Config) value { return presetsOf(&c.EventsPresets) },
			check: func(c Config) error { return presetsOf(&c.EventsPresets).checkAll() },
		},
	}
}
