package store

import "time"

// partition is a part of a table that grows for ever, cut by receive time, so that old rows go with their partition.
type partition struct {
	name, table string
	from, to    time.Time
}

// The number of partitions that are made ahead of the present one.
const partitionsAhead = 2

// partitions gives the partitions that must exist at now: events by month, pulses by day.
func partitions(now time.Time) []partition {
	now = now.UTC()
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	var out []partition
	for i := range partitionsAhead + 1 {
		out = append(out,
			cut("event", "200601", month.AddDate(0, i, 0), month.AddDate(0, i+1, 0)),
			cut("pulse", "20060102", day.AddDate(0, 0, i), day.AddDate(0, 0, i+1)))
	}
	return out
}

func cut(table, layout string, from, to time.Time) partition {
	return partition{name: table + "_" + from.Format(layout), table: table, from: from, to: to}
}
