package api

import (
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of routes.
const (
	MaxRoutes        = 200
	MaxRouteTargets  = 20
	MaxCommentLength = 1000
	MinRepeat        = Seconds(60)
)

// Route says who is told of which subjects. Routes are looked through in their order: the first that matches is taken,
// and those behind it only while each one taken says Continue. A service that names alerts of its own has no need of
// them; the default route is for what no route matches.
type Route struct {
	RouteInput
	ID        string `json:"id" doc:"the name of the route in the configuration file, else a UUID"`
	Source    string `json:"source" enum:"api,file" doc:"file: comes from the configuration file and cannot be changed here"`
	CreatedAt Time   `json:"created_at,omitzero"`
	UpdatedAt Time   `json:"updated_at,omitzero"`
}

// RouteInput is what people decide about a route.
type RouteInput struct {
	Name      string   `json:"name" doc:"1 to 100 letters, digits, dots, hyphens, underscores; unique"`
	Position  int      `json:"position" required:"false" doc:"its place among the routes made through the API, which are asked from 1 on, after those of the configuration file; 0 in a request is the end for a new route, and where it is for another"`
	Match     Matchers `json:"match" required:"false" doc:"matchers on name, kind, host, tag and level, as in tag=\"prod\"; all must hold, none match everything"`
	To        []string `json:"to" doc:"mail:ADDRESS, pushover:KEY, webhook:URL or names of channels"`
	Continue  bool     `json:"continue,omitempty" doc:"look at the routes behind this one too"`
	After     Seconds  `json:"after,omitempty" doc:"seconds after the opening; skipped when the incident is acknowledged or over by then"`
	Repeat    Seconds  `json:"repeat,omitempty" doc:"seconds between reminders while the incident is open and nobody has acknowledged it; 0 is none, else 60 at least"`
	ManagedBy string   `json:"managed_by,omitempty" doc:"what made it and keeps it as a file says, such as the --name of watchkeeper apply; at most 100 characters"`
	Hours     *Hours   `json:"hours,omitempty" doc:"when its targets may be told; outside, a message waits until the hours begin and is sent if it still matters"`
}

// RoutePatch is the body that changes the members of a route that it carries.
type RoutePatch struct {
	Name     *string   `json:"name,omitempty"`
	Position *int      `json:"position" required:"false" doc:"moves the route there; 1 is the first"`
	Match    *Matchers `json:"match,omitempty"`
	To       *[]string `json:"to,omitempty"`
	Continue *bool     `json:"continue,omitempty"`
	After    *Seconds  `json:"after,omitempty"`
	Repeat   *Seconds  `json:"repeat,omitempty"`
	Hours    *Hours    `json:"hours,omitempty" doc:"to remove them, replace the route"`
}

// Apply changes a route as the patch says.
func (p *RoutePatch) Apply(in *RouteInput) {
	set(&in.Name, p.Name)
	set(&in.Position, p.Position)
	set(&in.Match, p.Match)
	set(&in.To, p.To)
	set(&in.Continue, p.Continue)
	set(&in.After, p.After)
	set(&in.Repeat, p.Repeat)
	if p.Hours != nil {
		in.Hours = p.Hours
	}
}

// Hours is a part of the week.
type Hours struct {
	Days string `json:"days,omitempty" doc:"days of the week such as mon-fri or sat,sun; empty is every day"`
	From string `json:"from" doc:"HH:MM"`
	To   string `json:"to" doc:"HH:MM; not after from means on the next day"`
	Zone string `json:"zone,omitempty" doc:"IANA zone; empty is the server's"`
}

// Validate checks the fields; whether the targets lead anywhere and the zone exists is for the server to say.
func (in *RouteInput) Validate() error {
	var f Fields
	if !channelName.MatchString(in.Name) {
		f.Add("body.name", "must be 1 to 100 letters, digits, dots, hyphens and underscores, beginning with a letter or digit")
	}
	if in.Position < 0 {
		f.Add("body.position", "must be 0 or more")
	}
	if len(in.To) == 0 || len(in.To) > MaxRouteTargets {
		f.Add("body.to", "must be 1 to %d targets", MaxRouteTargets)
	}
	checkTargets(&f, "body.to", in.To)
	checkManagedBy(&f, in.ManagedBy)
	if in.After < 0 || in.After > MaxSeconds {
		f.Add("body.after", "must be 0 to %d seconds", MaxSeconds)
	}
	if in.Repeat != 0 && (in.Repeat < MinRepeat || in.Repeat > MaxSeconds) {
		f.Add("body.repeat", "must be 0, or %d to %d seconds", MinRepeat, MaxSeconds)
	}
	if in.Hours != nil {
		if _, err := in.Hours.parse(time.UTC); err != nil {
			f.Add("body.hours", "%s", err)
		}
	}
	return f.Err()
}

// checkComment adds what is wrong with a comment that people write to one another.
func checkComment(f *Fields, comment string) {
	if utf8.RuneCountInString(comment) > MaxCommentLength {
		f.Add("body.comment", "must be at most %d characters", MaxCommentLength)
	}
	if strings.TrimSpace(comment) == "" {
		f.Add("body.comment", "must say why")
	}
}
