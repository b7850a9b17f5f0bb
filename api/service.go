package api

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of what a service may carry.
const (
	MaxNameLength        = 1000 // characters of a service name
	MaxSlugLength        = 100
	MaxHostLength        = 63
	MaxDescriptionLength = 10_000
	MaxTags              = 50
	MaxTagLength         = 100
	MaxAlerts            = 20 // targets of one service
	MaxTargetLength      = 1000
	MaxOpenRuns          = 32 // starts without an end that are tracked at once; the oldest is forgotten beyond that
	MaxParents           = 20
	MaxFailures          = 100 // fails in a row that may be asked for before a service is down
)

// Service is a thing that pulses, as the REST interface shows it and as the store keeps it.
type Service struct {
	ID string `json:"id" doc:"UUID; also the ping address" format:"uuid"`
	ServiceSettings
	ServiceStatus
	CreatedAt Time   `json:"created_at"`
	UpdatedAt Time   `json:"updated_at" doc:"last change of the settings"`
	PingURL   string `json:"ping_url,omitempty" doc:"absolute URL that takes pulses without a credential"`
}

// ServiceSettings is what people decide about a service.
type ServiceSettings struct {
	Name         string   `json:"name" doc:"unique, 1 to 1000 characters"`
	Slug         string   `json:"slug" doc:"for ping URLs by key and slug; made from the name unless given"`
	Description  string   `json:"description,omitempty"`
	Tags         []string `json:"tags"`
	Host         string   `json:"host,omitempty" doc:"the host it runs on"`
	NextIn       Seconds  `json:"next_in" doc:"seconds between pulses at the latest; 0 when a cron expression or a probe rules or nobody said"`
	Cron         string   `json:"cron,omitempty" doc:"five-field cron expression of the expected pulses"`
	TimeZone     string   `json:"time_zone,omitempty" doc:"IANA zone of the cron expression"`
	Grace        Seconds  `json:"grace" doc:"seconds after the expected pulse before the service is down"`
	MaxRun       Seconds  `json:"max_run,omitempty" doc:"seconds; a run that took longer counts as failed"`
	MinRun       Seconds  `json:"min_run,omitempty" doc:"seconds; a run that took less counts as failed"`
	FinishWithin Seconds  `json:"finish_within,omitempty" doc:"seconds after a start by which the run must have ended"`
	Alerts       []string `json:"alerts" doc:"who is told: mail:ADDRESS, pushover:KEY, webhook:URL or the name of a channel; empty means the default route"`
	ManualResume bool     `json:"manual_resume,omitempty" doc:"a pulse does not end a pause"`
	// Parents are names. Together with Host they are what Ancestry gives.
	Parents         []string `json:"parents" doc:"services without which this one cannot be reached: while one of them is down nobody is told of this one; its host is one, too"`
	ManagedBy       string   `json:"managed_by,omitempty" doc:"what made it and keeps it as a file says, such as the --name of watchkeeper apply; at most 100 characters"`
	FailuresToAlert int      `json:"failures_to_alert,omitempty" doc:"how many fails in a row make it down; 0 means 1, with a probe 2. Silence does not wait for more"`
	Probe           *Probe   `json:"probe,omitempty" doc:"a target that the server looks at by itself, whose results are the pulses"`
}

// ServiceStatus is what pulses and time have made of a service. Only the functions in this package change it.
type ServiceStatus struct {
	State        State   `json:"state" enum:"new,up,late,down,paused"`
	StateSince   Time    `json:"state_since"`
	FirstPulse   Time    `json:"first_pulse,omitzero"`
	LastPulse    Time    `json:"last_pulse" doc:"last success or fail; null before the first"`
	LastStart    Time    `json:"last_start,omitzero"`
	LastDuration float64 `json:"last_duration,omitempty" doc:"seconds of the last run whose start was seen"`
	Expected     Time    `json:"expected" doc:"when the next pulse is expected at the latest; null when none is"`
	Deadline     Time    `json:"deadline" doc:"when the service is down unless it pulses; null when nothing is expected"`
	Running      bool    `json:"running" doc:"a start was seen whose end was not"`

	// AlertType and AlertTarget are where the latest watchTower pulse wants alerts to go.
	AlertType   string `json:"alert_type,omitempty"`
	AlertTarget string `json:"alert_target,omitempty"`

	// StatedNextIn is the nextIn of the latest pulse that carried one. It rules until the next pulse, and on where the
	// settings name no period of their own.
	StatedNextIn Seconds `json:"-"`
	// OpenRuns are the starts whose end was not seen, oldest first.
	OpenRuns []OpenRun `json:"-"`
	// Failures is how many fails came in a row, the latest included.
	Failures int `json:"failures,omitempty" doc:"fails in a row since the last success"`

	// JudgeAt is a moment at which the service must be looked at: never later than the next moment that changes its
	// state, maybe earlier, 0 when time cannot change it.
	JudgeAt Time `json:"-"`
}

// OpenRun is a start signal whose end was not seen.
type OpenRun struct {
	RID       string  `json:"rid"`
	StartedAt Time    `json:"at"`
	NextIn    Seconds `json:"next_in,omitempty"` // what the start promised: an end within these seconds
	Overdue   bool    `json:"overdue,omitempty"` // its time ended while the service was down; it is kept for its duration only
}

// Ancestry gives the names of the services that stand in front of this one: its parents and its host.
func (s *ServiceSettings) Ancestry() []string {
	names := slices.Clone(s.Parents)
	if s.Host != "" && s.Host != s.Name && !slices.Contains(names, s.Host) {
		names = append(names, s.Host)
	}
	return names
}

// NextInForce gives the seconds between pulses that rule now, 0 where none do or a cron expression does.
func (s *Service) NextInForce() Seconds {
	if s.StatedNextIn > 0 {
		return s.StatedNextIn
	}
	return s.NextIn
}

// FailsToDown gives how many fails in a row make the service down.
func (s *ServiceSettings) FailsToDown() int {
	const least, ofProbes = 1, 2 // a single request that was lost on its way is no outage
	if s.FailuresToAlert == 0 && s.Probe != nil {
		return ofProbes
	}
	return max(least, s.FailuresToAlert)
}

// ServiceInput is the body that creates, replaces or patches a service: nil leaves a field alone, or at its default when
// the service is made or replaced.
type ServiceInput struct {
	Name         *string   `json:"name,omitempty" doc:"unique, 1 to 1000 characters without control characters"`
	Slug         *string   `json:"slug,omitempty" doc:"a-z, 0-9, hyphen, underscore; made from the name unless given"`
	Description  *string   `json:"description,omitempty"`
	Tags         *[]string `json:"tags,omitempty" doc:"words without blanks"`
	Host         *string   `json:"host,omitempty" doc:"the host it runs on"`
	NextIn       *Seconds  `json:"next_in,omitempty" doc:"seconds between pulses, 1 to ten years; not together with cron"`
	Cron         *string   `json:"cron,omitempty" doc:"five-field cron expression; not together with next_in"`
	TimeZone     *string   `json:"time_zone,omitempty" doc:"IANA zone of the cron expression; default: the server's"`
	Grace        *Seconds  `json:"grace,omitempty" doc:"seconds; default: a tenth of the period, 60 at least"`
	MaxRun       *Seconds  `json:"max_run,omitempty" doc:"seconds; 0 is no limit"`
	MinRun       *Seconds  `json:"min_run,omitempty" doc:"seconds; 0 is no limit"`
	FinishWithin *Seconds  `json:"finish_within,omitempty" doc:"seconds; 0 means max_run, or the grace"`
	Alerts       *[]string `json:"alerts,omitempty" doc:"mail:ADDRESS, pushover:KEY, webhook:URL, or names of channels"`
	ManualResume *bool     `json:"manual_resume,omitempty" doc:"a pulse does not end a pause"`

	Parents         *[]string      `json:"parents,omitempty" doc:"names of services; while one is down nobody is told of this one; no cycles"`
	FailuresToAlert *int           `json:"failures_to_alert,omitempty" doc:"fails in a row that make it down; default 1, with a probe 2"`
	Probe           *ProbeSettings `json:"probe,omitempty" doc:"a target that the server looks at by itself; not together with next_in or cron. It replaces the former probe as a whole; a secret that is sent as it was shown, masked, keeps its value"`
	ManagedBy       *string        `json:"managed_by,omitempty" doc:"what made it and keeps it as a file says, such as the --name of watchkeeper apply; at most 100 characters"`
}

// Apply gives base with the fields that in carries. Naming a period, a cron expression or a probe ends the others, unless
// two of them are named, which Validate refuses.
func (in *ServiceInput) Apply(base ServiceSettings) ServiceSettings {
	s := base
	set(&s.Name, in.Name)
	set(&s.Slug, in.Slug)
	set(&s.Description, in.Description)
	set(&s.Tags, in.Tags)
	set(&s.Host, in.Host)
	set(&s.NextIn, in.NextIn)
	set(&s.Cron, in.Cron)
	set(&s.TimeZone, in.TimeZone)
	set(&s.Grace, in.Grace)
	set(&s.MaxRun, in.MaxRun)
	set(&s.MinRun, in.MinRun)
	set(&s.FinishWithin, in.FinishWithin)
	set(&s.Alerts, in.Alerts)
	set(&s.ManualResume, in.ManualResume)
	set(&s.Parents, in.Parents)
	set(&s.ManagedBy, in.ManagedBy)
	set(&s.FailuresToAlert, in.FailuresToAlert)
	if in.Cron != nil && *in.Cron != "" && in.NextIn == nil {
		s.NextIn = 0
	}
	if in.NextIn != nil && *in.NextIn > 0 && in.Cron == nil {
		s.Cron = ""
	}
	switch named := s.NextIn > 0 && in.NextIn != nil || s.Cron != "" && in.Cron != nil; {
	case in.Probe != nil:
		s.Probe = &Probe{ProbeSettings: in.Probe.WithDefaults()}
		if in.NextIn == nil {
			s.NextIn = 0
		}
		if in.Cron == nil {
			s.Cron = ""
		}
	case named:
		s.Probe = nil
	}
	s.Description = CleanText(s.Description)
	if s.Slug == "" || in.Slug == nil && in.Name != nil && base.Slug == Slugify(base.Name) {
		s.Slug = Slugify(s.Name)
	}
	return s
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// Validate checks the rules of every field but the cron expression, which api/schedule parses, and the alerts, whose
// kinds the server knows. Locations begin with "body.".
func (s *ServiceSettings) Validate() error {
	var f Fields
	if reason := CheckName(s.Name); reason != "" {
		f.Add("body.name", "%s", reason)
	}
	if s.Slug != "" && !ValidSlug(s.Slug) {
		f.Add("body.slug", "must be 1 to %d of a-z, 0-9, hyphen and underscore", MaxSlugLength)
	}
	if utf8.RuneCountInString(s.Description) > MaxDescriptionLength {
		f.Add("body.description", "must be at most %d characters", MaxDescriptionLength)
	}
	if s.Host != "" && !ValidHostName(s.Host) {
		f.Add("body.host", "must be 1 to %d letters, digits, dots, hyphens and underscores", MaxHostLength)
	}
	if len(s.Tags) > MaxTags {
		f.Add("body.tags", "must be at most %d tags", MaxTags)
	}
	for _, tag := range s.Tags {
		if n := utf8.RuneCountInString(tag); n == 0 || n > MaxTagLength || !utf8.ValidString(tag) || strings.ContainsFunc(tag, isBlankOrControl) {
			f.Add("body.tags", "a tag must be 1 to %d characters without blanks", MaxTagLength)
			break
		}
	}
	if len(s.Alerts) > MaxAlerts {
		f.Add("body.alerts", "must be at most %d targets", MaxAlerts)
	}
	checkTargets(&f, "body.alerts", s.Alerts)
	checkManagedBy(&f, s.ManagedBy)
	s.checkParents(&f)
	if s.FailuresToAlert < 0 || s.FailuresToAlert > MaxFailures {
		f.Add("body.failures_to_alert", "must be 0 to %d", MaxFailures)
	}
	for name, v := range map[string]Seconds{
		"next_in": s.NextIn, "grace": s.Grace, "max_run": s.MaxRun, "min_run": s.MinRun, "finish_within": s.FinishWithin,
	} {
		if v < 0 || v > MaxSeconds {
			f.Add("body."+name, "must be 0 to %d seconds (ten years)", MaxSeconds)
		}
	}
	slices.SortFunc(f, func(a, b FieldError) int { return strings.Compare(a.Location, b.Location) })
	if s.NextIn > 0 && s.Cron != "" {
		f.Add("body.cron", "must not be given together with next_in")
	}
	if s.Probe != nil && (s.NextIn > 0 || s.Cron != "") {
		f.Add("body.probe", "must not be given together with next_in or cron: its interval rules")
	}
	if s.Probe != nil && s.Probe.Sealed == "" { // else its secrets are masked, and it was checked before they were sealed
		s.Probe.Check("body.probe", &f)
	}
	if s.MaxRun > 0 && s.MinRun > s.MaxRun {
		f.Add("body.min_run", "must not be above max_run")
	}
	return f.Err()
}

// checkParents adds what is wrong with the names of the parents; whether they make a cycle is for the store to say.
func (s *ServiceSettings) checkParents(f *Fields) {
	if len(s.Parents) > MaxParents {
		f.Add("body.parents", "must be at most %d names", MaxParents)
		return
	}
	for i, name := range s.Parents {
		switch reason := CheckName(name); {
		case reason != "":
			f.Add("body.parents", "a name %s", reason)
		case name == s.Name:
			f.Add("body.parents", "must not name the service itself")
		case slices.Contains(s.Parents[:i], name):
			f.Add("body.parents", "must not name a service twice")
		default:
			continue
		}
		return
	}
}

// MaxManagedBy is the longest mark of what made a thing.
const MaxManagedBy = 100

// checkManagedBy adds what is wrong with the mark of what made a thing.
func checkManagedBy(f *Fields, mark string) {
	if utf8.RuneCountInString(mark) > MaxManagedBy || !utf8.ValidString(mark) || strings.ContainsFunc(mark, unicode.IsControl) {
		f.Add("body.managed_by", "must be at most %d characters without control characters", MaxManagedBy)
	}
}

// checkTargets adds what is wrong with the form of targets.
func checkTargets(f *Fields, location string, targets []string) {
	for _, target := range targets {
		if n := utf8.RuneCountInString(target); n == 0 || n > MaxTargetLength || !utf8.ValidString(target) || strings.ContainsFunc(target, unicode.IsControl) {
			f.Add(location, "a target must be 1 to %d characters without control characters", MaxTargetLength)
			return
		}
	}
}

// CheckName gives why name cannot be the name of a service, or "".
func CheckName(name string) string {
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "must not be empty"
	case len(name) > 4*MaxNameLength || n > MaxNameLength:
		return "must be at most 1000 characters"
	case !utf8.ValidString(name):
		return "must be valid UTF-8"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "must not contain control characters"
	}
	return ""
}

// ValidHostName reports whether name may name a host.
func ValidHostName(name string) bool {
	return name != "" && len(name) <= MaxHostLength && !strings.ContainsFunc(name, func(r rune) bool {
		return !isASCIILetterOrDigit(r) && r != '.' && r != '-' && r != '_'
	})
}

// ValidSlug reports whether slug may stand in a ping URL.
func ValidSlug(slug string) bool {
	return slug != "" && len(slug) <= MaxSlugLength && !strings.ContainsFunc(slug, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// Slugify makes a slug from a name: lower case, everything else a single hyphen. A name without a letter or digit of
// ASCII gives "".
func Slugify(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case b.Len() >= MaxSlugLength:
		case isASCIILetterOrDigit(r) || r == '_':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}

// DefaultGrace is the grace of a service made in /api/v1 that names none: a tenth of its period, 60 s at least.
func DefaultGrace(period Seconds) Seconds { return max(60, period/10) }

func isASCIILetterOrDigit(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

func isBlankOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
