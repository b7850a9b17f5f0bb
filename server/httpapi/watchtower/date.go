package watchtower

import (
	"net/http"
	"time"

	"watchkeeper/api"
)

// date is a moment in Unix seconds as an answer shows it: the number, or text for people in a zone.
type date func(unix int64) any

func unixDate(unix int64) any { return unix }

func humanDate(zone api.Zone) date {
	return func(unix int64) any { return time.Unix(unix, 0).In(zone).Format(time.DateTime) }
}

// dates gives how a list shows its dates: for people where the request says humanDates=1.
func (h *routes) dates(r *http.Request) date {
	if r.URL.Query().Get("humanDates") == "1" {
		return humanDate(h.Zone)
	}
	return unixDate
}
