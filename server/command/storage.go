package command

import (
	"fmt"

	"watchkeeper/api"
)

// printStorage says what the database holds, how far back, and what is left for it.
func printStorage(p *page, s api.Storage) {
	p.line("")
	t := p.table("HOLDS", "ROWS", "SIZE", "SINCE", "KEPT FOR", "AT MOST", "LEFT")
	for i := range s.Tables {
		u := &s.Tables[i]
		since, keep, most, left := "", "ever", "", ""
		if u.Oldest != 0 {
			since = p.clock.short(u.Oldest)
		}
		if u.KeepFor > 0 {
			keep = roughly(u.KeepFor.Duration())
		}
		if u.KeepBytes > 0 {
			most, left = size(u.KeepBytes), size(u.LeftBytes)
		}
		t.row(string(u.Name), fmt.Sprint(u.Rows), size(u.Bytes), since, keep, most, left)
	}
	t.end("")
	if d := s.Disk; d != nil {
		p.line("The database has %s; of the disk %s of %s are free.%s", size(s.Bytes), size(d.Free), size(d.Total), diskWarning(d.State))
	} else {
		p.line("The database has %s.", size(s.Bytes))
	}
}

// diskWarning says what follows from the state of the disk.
func diskWarning(state api.DiskState) string {
	switch state {
	case api.DiskLow:
		return " It is getting full."
	case api.DiskFull:
		return " It is nearly full: events are refused."
	}
	return ""
}

// size writes a number of bytes as people read it.
func size(bytes int64) string {
	v := float64(bytes)
	for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
		if v < 1024 {
			if unit == "B" || v >= 100 {
				return fmt.Sprintf("%.0f %s", v, unit)
			}
			return fmt.Sprintf("%.1f %s", v, unit)
		}
		v /= 1024
	}
	return fmt.Sprintf("%.1f TiB", v)
}
