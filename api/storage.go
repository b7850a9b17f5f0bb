package api

import "time"

// Table names a kind of rows that grow for ever unless old ones are removed.
type Table string

// The tables.
const (
	TableEvents     Table = "events"
	TablePulses     Table = "pulses"
	TableChanges    Table = "changes"
	TableIncidents  Table = "incidents"
	TableDeliveries Table = "deliveries"
)

// Tables lists them. Incidents come before what belongs to them.
func Tables() []Table {
	return []Table{TableEvents, TablePulses, TableIncidents, TableDeliveries, TableChanges}
}

// Retention is what is kept of a table: what was received less than Age ago, and of that the newest Bytes. 0 sets no limit.
type Retention struct {
	Age   time.Duration
	Bytes int64
}

// RetentionReason says why rows are removed.
type RetentionReason string

// The reasons for which rows are removed.
const (
	RetentionNone RetentionReason = ""     // they are not
	RetentionAge  RetentionReason = "age"  // they are older than is kept
	RetentionSize RetentionReason = "size" // the table is larger than is kept
)

// roomInBudget is the part of a budget that is left when rows are removed for size, so that it is done now and then and
// not all the time.
const roomInBudget = 0.95

// Keep gives how many bytes of a table that has so many are to be left, and whether any must go.
func (r Retention) Keep(bytes int64) (left int64, over bool) {
	if r.Bytes <= 0 || bytes <= r.Bytes {
		return bytes, false
	}
	return int64(float64(r.Bytes) * roomInBudget), true
}

// Before gives the receive time before which rows are to go, 0 for none of them. size is where the rows begin that the
// budget has room for, 0 when it has room for all.
func (r Retention) Before(now, size Time) (Time, RetentionReason) {
	var age Time
	if r.Age > 0 {
		age = max(now.Add(-r.Age), 0)
	}
	switch {
	case size > age:
		return size, RetentionSize
	case age > 0:
		return age, RetentionAge
	}
	return 0, RetentionNone
}

// TableUse is what a table holds, and what of it is kept. Rows and bytes are estimates.
type TableUse struct {
	Name      Table   `json:"name" enum:"events,pulses,changes,incidents,deliveries"`
	Rows      int64   `json:"rows" doc:"about so many"`
	Bytes     int64   `json:"bytes" doc:"about so many, with the indexes"`
	Oldest    Time    `json:"oldest" doc:"when the oldest row was received; null for an empty table"`
	KeepFor   Seconds `json:"keep_for" doc:"how long rows are kept, in seconds; 0 for ever"`
	KeepBytes int64   `json:"keep_bytes" doc:"how many bytes are kept at most; 0 sets no limit"`
	LeftBytes int64   `json:"left_bytes" doc:"how many bytes fit until rows go for size; 0 where there is no limit"`
}

// With adds what is kept of the table.
func (u TableUse) With(r Retention) TableUse {
	u.KeepFor, u.KeepBytes = Seconds(r.Age/time.Second), r.Bytes
	if r.Bytes > 0 {
		u.LeftBytes = max(r.Bytes-u.Bytes, 0)
	}
	return u
}

// Storage is what the database holds and what is left for it.
type Storage struct {
	Bytes  int64      `json:"bytes" doc:"of the database in all"`
	Tables []TableUse `json:"tables" doc:"what grows"`
	Disk   *Disk      `json:"disk,omitempty" doc:"of the data folder; absent where the database is not in it"`
}

// Disk is how full the file system of the data folder is.
type Disk struct {
	Free  int64     `json:"free" doc:"bytes that the server may still use"`
	Total int64     `json:"total" doc:"bytes"`
	State DiskState `json:"state" enum:"well,low,full" doc:"low: the owner is told; full: events are refused, pulses are not"`
}

// DiskState says what a disk still allows.
type DiskState string

// The states of a disk.
const (
	DiskWell DiskState = "well"
	DiskLow  DiskState = "low"  // the owner is told
	DiskFull DiskState = "full" // events are refused, so that pulses and alerts last
)

// The bounds of free space. It is well again, or no more full, only with a quarter more, so that nobody is told again and
// again.
const (
	diskLowBytes  = 1 << 30
	diskLowShare  = 0.05
	diskFullBytes = 256 << 20
	diskMargin    = 1.25
)

// JudgeDisk gives the state of a disk, which was in another before.
func JudgeDisk(before DiskState, free, total int64) DiskState {
	factor := func(when bool) float64 {
		if when {
			return diskMargin
		}
		return 1
	}
	f := float64(free)
	troubled := before == DiskLow || before == DiskFull
	switch {
	case f < diskFullBytes*factor(before == DiskFull):
		return DiskFull
	case f < diskLowBytes*factor(troubled), f < diskLowShare*float64(total)*factor(troubled):
		return DiskLow
	}
	return DiskWell
}
