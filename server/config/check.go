package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"watchkeeper/api"
)

// The bounds of numbers that would harm outside of them.
const (
	minSecret          = 16 // bytes
	maxShutdownTimeout = 10 * time.Second
	maxCatchUp         = 24 * time.Hour
	maxEventsList      = 1_000_000
	minAge             = time.Hour
	minBudget          = 16 << 20 // bytes
)

func checkWord[T ~string](word T, words []T) error {
	if !slices.Contains(words, word) {
		return fmt.Errorf("must be one of %s", joined(words))
	}
	return nil
}

// checkAge is for how long something is kept: less than an hour is a slip, such as 90 for 90d.
func checkAge(age time.Duration) error {
	if age != 0 && age < minAge {
		return fmt.Errorf("must be 0, for ever, or at least %s", api.FormatDuration(minAge))
	}
	return nil
}

// checkBudget is for how much is kept: with less than a few megabytes nothing worth reading would be.
func checkBudget(size int64) error {
	if size != 0 && size < minBudget {
		return fmt.Errorf("must be 0, no limit, or at least %s", FormatSize(minBudget))
	}
	return nil
}

func checkListen(c Config) error { return checkAddress(c.Listen) }

// checkAddress is for addresses to listen on.
func checkAddress(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return errors.New("must be host:port such as :8443, 127.0.0.1:8443 or [::1]:8443")
	}
	return nil
}

// checkBaseURL is for addresses to which paths are added; empty is left to the caller.
func checkBaseURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		strings.ContainsAny(text, "?# \t\n") {
		return errors.New("must be an absolute address such as https://watch.example.org, without user, query or fragment")
	}
	return nil
}

func checkTimeZone(c Config) error {
	if c.TimeZone == nil {
		return errors.New("must be a time zone")
	}
	return nil
}

func checkShutdownTimeout(c Config) error {
	if c.ShutdownTimeout <= 0 || c.ShutdownTimeout > maxShutdownTimeout {
		return fmt.Errorf("must be above 0 and at most %s", api.FormatDuration(maxShutdownTimeout))
	}
	return nil
}

func checkData(c Config) error {
	if c.Data == "" {
		return errors.New("must name a folder")
	}
	return checkPath(c.Data)
}

func checkPath(text string) error {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return errors.New("must be a path; a variable that ends in _FILE names a file that holds the path, not what the path leads to")
	}
	return nil
}

func checkDatabase(c Config) error {
	if c.Database == "" {
		return nil
	}
	u, err := url.Parse(c.Database)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Opaque != "" {
		return errors.New("must be empty for SQLite or postgres://user:password@host/name, with %40 for @ and %2F for / in the password")
	}
	return nil
}

func checkSecret(c Config) error {
	if c.Secret != "" && len(c.Secret) < minSecret {
		return fmt.Errorf("must be at least %d bytes long, has %d", minSecret, len(c.Secret))
	}
	return nil
}

// checkPassword refuses what a header of a request cannot carry.
func checkPassword(c Config) error {
	if strings.ContainsFunc(c.Password, unicode.IsControl) || c.Password != strings.TrimSpace(c.Password) {
		return errors.New("must not begin or end with blanks nor contain line breaks: it travels in a header")
	}
	return nil
}

func checkTLSFile(c Config, path string) error {
	switch {
	case !c.TLS.Valid():
		return nil
	case c.TLS == TLSFiles && path == "":
		return errors.New("must be given with tls files")
	case c.TLS != TLSFiles && path != "":
		return fmt.Errorf("must not be given with tls %s, only with tls files", c.TLS)
	}
	return checkPath(path)
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?$`)

func checkTLSNames(c Config) error {
	for _, name := range c.TLSNames {
		if _, err := netip.ParseAddr(name); err != nil && !hostName.MatchString(name) || len(name) > 253 {
			return errors.New("must be host names or IP addresses, without scheme and port")
		}
	}
	return nil
}

func checkACMEDirectory(c Config) error {
	u, err := url.Parse(c.ACME.Directory)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return errors.New("must be the URL of an ACME directory such as https://acme-v02.api.letsencrypt.org/directory")
	}
	return nil
}

func checkACMEEmail(c Config) error {
	if a, err := mail.ParseAddress(c.ACME.Email); c.ACME.Email != "" && (err != nil || a.Address != c.ACME.Email) {
		return errors.New("must be a bare mail address such as ops@example.org")
	}
	return nil
}

func checkACMEHTTP(c Config) error {
	if c.ACME.HTTP == "" {
		return nil
	}
	if c.TLS.Valid() && c.TLS != TLSACME {
		return fmt.Errorf("must not be given with tls %s, only with tls acme", c.TLS)
	}
	return checkAddress(c.ACME.HTTP)
}

func checkDefaultRoute(c Config) error {
	for _, text := range c.DefaultRoute {
		target := api.ParseTarget(text)
		switch {
		case target.Channel == "":
			return errors.New("must name a channel or kind before each colon, such as mail:me@example.org")
		case target.Address == "" && api.ChannelKind(target.Channel).Valid():
			return fmt.Errorf("must have an address after %s, such as %s:ADDRESS", target.Channel, target.Channel)
		}
	}
	return nil
}

func checkHeartbeatURL(c Config) error {
	if c.HeartbeatURL == "" {
		return nil
	}
	u, err := url.Parse(c.HeartbeatURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "" {
		return errors.New("must be an absolute address such as https://watch.example.org/ping/UUID")
	}
	return nil
}

func checkSMTPURL(c Config) error {
	if c.SMTPURL == "" {
		return nil
	}
	u, err := url.Parse(c.SMTPURL)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" ||
		u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("must be smtp://user:password@host:port or smtps://..., with %40 for @ and %2F for / in user and password")
	}
	return nil
}

func checkSMTPFrom(c Config) error {
	if c.SMTPFrom == "" {
		return nil
	}
	if _, err := mail.ParseAddress(c.SMTPFrom); err != nil {
		return errors.New("must be a mail address such as watchkeeper@example.org")
	}
	return nil
}

func checkPushoverURL(c Config) error {
	if c.PushoverURL == "" {
		return errors.New("must not be empty")
	}
	return checkBaseURL(c.PushoverURL)
}

func checkCatchUp(c Config) error {
	if c.CatchUp < 0 || c.CatchUp > maxCatchUp {
		return fmt.Errorf("must be at most %s", api.FormatDuration(maxCatchUp))
	}
	return nil
}

func checkPingBodyLimit(c Config) error {
	if c.PingBodyLimit < 0 {
		return errors.New("must not be negative")
	}
	return nil
}

func checkEventsListLimit(c Config) error {
	if c.EventsListLimit < 1 || c.EventsListLimit > maxEventsList {
		return fmt.Errorf("must be from 1 to %d", maxEventsList)
	}
	return nil
}
