package api

// MaxWindow is how long a window of maintenance may last.
const MaxWindow = Seconds(31 * 24 * 3600)

// MaxMaintenance is how many times of maintenance there may be.
const MaxMaintenance = 1000

// NextWindows is how many windows an answer shows ahead.
const NextWindows = 3

// Maintenance is a time in which nobody is told of what it matches: once, or again and again.
type Maintenance struct {
	MaintenanceInput
	ID        string   `json:"id" doc:"UUID, or the name where it comes from the configuration file"`
	Source    string   `json:"source" enum:"api,file" doc:"file: comes from the configuration file and cannot be changed here"`
	CreatedBy string   `json:"created_by,omitempty" doc:"the token that made it, or password"`
	CreatedAt Time     `json:"created_at,omitzero"`
	Active    bool     `json:"active" doc:"a window is open now"`
	Next      []Window `json:"next" doc:"the windows that are open or follow, three at most"`
}

// MaintenanceInput is what people decide about it: starts_at and ends_at, or cron and duration.
type MaintenanceInput struct {
	Name      string   `json:"name" doc:"1 to 100 letters, digits, dots, hyphens, underscores; unique"`
	Match     Matchers `json:"match" doc:"one matcher at least, as in tag=\"prod\""`
	StartsAt  Time     `json:"starts_at,omitzero" doc:"of a single window"`
	EndsAt    Time     `json:"ends_at,omitzero" doc:"of a single window"`
	Cron      string   `json:"cron,omitempty" doc:"five-field expression of when windows begin"`
	Duration  Seconds  `json:"duration,omitempty" doc:"seconds that each of them lasts"`
	Zone      string   `json:"zone,omitempty" doc:"IANA zone of the expression; empty is the server's"`
	Comment   string   `json:"comment" doc:"why"`
	ManagedBy string   `json:"managed_by,omitempty" doc:"what made it and keeps it as a file says, such as the --name of watchkeeper apply; at most 100 characters"`
}

// Window is one time of maintenance.
type Window struct {
	From Time `json:"from"`
	To   Time `json:"to"`
}

// Validate checks the fields but the expression and its zone, which api/schedule reads.
func (in *MaintenanceInput) Validate() error {
	var f Fields
	if !channelName.MatchString(in.Name) {
		f.Add("body.name", "must be 1 to 100 letters, digits, dots, hyphens and underscores, beginning with a letter or digit")
	}
	if len(in.Match) == 0 {
		f.Add("body.match", `must be one matcher at least, such as tag="prod"`)
	}
	checkComment(&f, in.Comment)
	checkManagedBy(&f, in.ManagedBy)
	once, again := in.StartsAt > 0 || in.EndsAt > 0, in.Cron != "" || in.Duration != 0
	switch {
	case once == again:
		f.Add("body.cron", "either starts_at and ends_at, or cron and duration must be given")
	case once && (in.StartsAt == 0 || in.EndsAt == 0):
		f.Add("body.ends_at", "must be given together with starts_at")
	case once && in.EndsAt <= in.StartsAt:
		f.Add("body.ends_at", "must be after starts_at")
	case once && in.EndsAt.Sub(in.StartsAt) > MaxWindow.Duration():
		f.Add("body.ends_at", "must be at most 31 days after starts_at")
	case again && in.Cron == "":
		f.Add("body.cron", "must be given with duration")
	case again && (in.Duration < 60 || in.Duration > MaxWindow):
		f.Add("body.duration", "must be 60 to %d seconds (31 days)", MaxWindow)
	}
	return f.Err()
}

// maxBeginnings bounds how many beginnings of windows are looked at: those that overlap are one, and an expression of
// every minute would have no end.
const maxBeginnings = 2000

// Windows gives the windows that are open at now or begin after it, n at most; cron is the parsed expression of
// recurring ones. Windows that overlap or meet are given as one, which for those that never end goes some way ahead.
func (in *MaintenanceInput) Windows(now Time, cron Schedule, n int) []Window {
	if in.Cron == "" {
		if in.EndsAt <= now {
			return nil
		}
		return []Window{{From: in.StartsAt, To: in.EndsAt}}
	}
	if cron == nil {
		return nil
	}
	var windows []Window
	at := now.Add(-in.Duration.Duration()) // the first that may still be open began after this
	for range maxBeginnings {
		if at = TimeOf(cron.Next(at.Std())); at == 0 {
			break
		}
		end := at.Add(in.Duration.Duration())
		switch last := len(windows) - 1; {
		case last >= 0 && at <= windows[last].To:
			windows[last].To = end
		case last+1 == n:
			return windows
		default:
			windows = append(windows, Window{From: at, To: end})
		}
	}
	return windows
}

// Contains reports whether the window is open.
func (w Window) Contains(now Time) bool { return w.From <= now && now < w.To }
