package api

// MaxSilence is how long a silence may last.
const MaxSilence = Seconds(366 * 24 * 3600)

// MaxSilences is how many silences there may be that have not ended.
const MaxSilences = 5000

// SilenceState is where a silence stands at a moment.
type SilenceState string

// The states of a silence.
const (
	SilenceActive SilenceState = "active"
	SilenceFuture SilenceState = "future"
	SilenceEnded  SilenceState = "ended"
)

// Valid reports whether s is one of the states.
func (s SilenceState) Valid() bool {
	return s == SilenceActive || s == SilenceFuture || s == SilenceEnded
}

// Silence keeps messages about what it matches from being sent until it ends. States and incidents go on.
type Silence struct {
	ID        string   `json:"id" format:"uuid"`
	Match     Matchers `json:"match" doc:"matchers on name, kind, host, tag and level; a silence of a host covers what runs on it"`
	StartsAt  Time     `json:"starts_at"`
	EndsAt    Time     `json:"ends_at"`
	Comment   string   `json:"comment" doc:"why"`
	CreatedBy string   `json:"created_by" doc:"the token that made it, or password"`
	CreatedAt Time     `json:"created_at"`
	Active    bool     `json:"active" doc:"it silences now"`
}

// SilenceInput is the body that makes a silence.
type SilenceInput struct {
	Match    Matchers `json:"match" doc:"one matcher at least, as in name=\"db1\""`
	StartsAt Time     `json:"starts_at,omitzero" doc:"default now"`
	EndsAt   Time     `json:"ends_at,omitzero" doc:"either this or for"`
	For      Seconds  `json:"for,omitempty" doc:"seconds from its start"`
	Comment  string   `json:"comment" doc:"why"`
}

// Silence makes the silence that is stored, or says what is wrong.
func (in *SilenceInput) Silence(now Time) (Silence, error) {
	var f Fields
	if len(in.Match) == 0 {
		f.Add("body.match", `must be one matcher at least, such as name="db1"; to silence everything write name=~".*"`)
	}
	checkComment(&f, in.Comment)
	s := Silence{Match: in.Match, StartsAt: in.StartsAt, EndsAt: in.EndsAt, Comment: CleanText(in.Comment), CreatedAt: now}
	if s.StartsAt == 0 {
		s.StartsAt = now
	}
	switch {
	case (in.EndsAt > 0) == (in.For != 0):
		f.Add("body.ends_at", "either ends_at or for must be given")
	case in.For < 0 || in.For > MaxSilence:
		f.Add("body.for", "must be 1 to %d seconds (a year)", MaxSilence)
	case in.For > 0:
		s.EndsAt = s.StartsAt.Add(in.For.Duration())
	}
	switch {
	case len(f) > 0:
	case s.EndsAt <= max(s.StartsAt, now):
		f.Add("body.ends_at", "must be after the start and in the future")
	case s.EndsAt.Sub(s.StartsAt) > MaxSilence.Duration():
		f.Add("body.ends_at", "must be at most a year after the start")
	}
	return s, f.Err()
}

// At reports whether the silence is in force.
func (s *Silence) At(now Time) bool { return s.StartsAt <= now && now < s.EndsAt }
