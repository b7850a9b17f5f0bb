package heartbeat

import (
	"time"

	"watchkeeper/server/store"
)

// Reason is what does not work, for which the heartbeat is withheld. The text follows "the heartbeat is withheld: ".
type Reason string

// The reasons, the first that holds is given. ReasonNone means that all works.
const (
	ReasonNone      Reason = ""
	ReasonDatabase  Reason = "the database does not answer"
	ReasonMarks     Reason = "no server has written to the database for 10 s"
	ReasonDeadlines Reason = "services should have been judged 10 s ago"
	ReasonIncidents Reason = "incidents should have been looked at a minute ago"
	ReasonSending   Reason = "messages have been due for 5 minutes and not been tried"
	ReasonVain      Reason = "messages have been tried for 10 minutes, and none was delivered"
)

// The longest that each may be behind.
const (
	maxMarks     = 10 * time.Second
	maxDeadlines = 10 * time.Second
	maxIncidents = time.Minute
	maxSending   = 5 * time.Minute
	maxVain      = 10 * time.Minute
)

// withhold says why there shall be no heartbeat. err is of reading the vitals.
func withhold(v store.Vitals, err error) Reason {
	switch {
	case err != nil:
		return ReasonDatabase
	case v.Now.Sub(v.Marked) > maxMarks:
		return ReasonMarks
	case v.Judge != 0 && v.Now.Sub(v.Judge) > maxDeadlines:
		return ReasonDeadlines
	case v.Attend != 0 && v.Now.Sub(v.Attend) > maxIncidents:
		return ReasonIncidents
	case v.Send != 0 && v.Now.Sub(v.Send) > maxSending:
		return ReasonSending
	case v.Vain != 0 && v.Now.Sub(v.Vain) > maxVain && !v.Sent:
		return ReasonVain
	}
	return ReasonNone
}
