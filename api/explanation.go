package api

// Explanation says who would be told of a service, when, and why not: what follows if it goes down now, or if it stays
// down, as things and rules are at this moment.
type Explanation struct {
	Service  string `json:"service"`
	State    State  `json:"state" enum:"new,up,late,down,paused"`
	Now      Time   `json:"now" doc:"the server's time"`
	Incident string `json:"incident,omitempty" doc:"id of the open incident; absent when the service is not down, so that this is what would be"`
	Note     string `json:"note,omitempty" doc:"what else keeps people from being told, such as a pause"`
	Warning  string `json:"warning,omitempty" doc:"who cannot be told, and why"`
	// Telling is in the order of time. It ends a day ahead, or at the first reminder to each target.
	Telling []Foreseen `json:"telling" doc:"what was told of the open incident, and what would be told of it, in the order of time; at most 200"`
}

// Foreseen is a message that was sent or would be.
type Foreseen struct {
	At      Time          `json:"at" doc:"when it was ordered, or would be sent or decided about"`
	About   DeliveryAbout `json:"about" enum:"opened,repeated,recovered"`
	Route   string        `json:"route,omitempty" doc:"by which route: its name, default or escalation; empty when the service names the target itself"`
	Channel string        `json:"channel"`
	Target  string        `json:"target" doc:"secrets are masked"`
	State   DeliveryState `json:"state" enum:"waiting,held,sending,sent,failed,skipped" doc:"waiting is sent then; held waits for what the reason says"`
	Reason  string        `json:"reason,omitempty" doc:"why it is held, skipped or failed"`
}

// MaxForeseen is how many messages an Explanation lists.
const MaxForeseen = 200
