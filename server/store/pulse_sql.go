package store

import (
	"fmt"
	"time"

	"watchkeeper/api"
)

// pulseRow is a row of pulse that is to be written.
type pulseRow struct {
	service  int64
	receipt  api.Receipt
	exitCode int64 // -1 when none was named
	*PulseWrite
}

var pulseWriteColumns = []column{
	ints("service"), text("kind"), ints("received_at"), ints("time"), ints("next_in"), ints("duration"), ints("exit_code"),
	text("rid"), text("scheme"), text("method"), text("remote_addr"), text("user_agent"), blob("body"),
}

func pulseValues(e engine, pulses []pulseRow) []any {
	return e.pack(
		each(pulses, func(p pulseRow) int64 { return p.service }),
		each(pulses, func(p pulseRow) string { return string(p.receipt.Kind) }),
		each(pulses, func(p pulseRow) int64 { return int64(p.Pulse.ReceivedAt) }),
		each(pulses, func(p pulseRow) int64 { return int64(p.Pulse.Time) }),
		each(pulses, func(p pulseRow) int64 { return int64(p.Pulse.NextIn) }),
		each(pulses, func(p pulseRow) int64 { return p.receipt.Duration.Milliseconds() }),
		each(pulses, func(p pulseRow) int64 { return p.exitCode }),
		each(pulses, func(p pulseRow) string { return p.Pulse.RID }),
		each(pulses, func(p pulseRow) string { return p.Scheme }),
		each(pulses, func(p pulseRow) string { return p.Method }),
		each(pulses, func(p pulseRow) string { return p.RemoteAddress }),
		each(pulses, func(p pulseRow) string { return p.UserAgent }),
		each(pulses, func(p pulseRow) []byte { return p.Body }),
	)
}

const pulseColumns = `id, kind, received_at, time, next_in, duration, exit_code, rid, scheme, method, remote_addr, user_agent, body`

func scanPulse(r row) (api.PulseRecord, error) {
	var (
		p              api.PulseRecord
		duration, code int64
	)
	if err := r.Scan(&p.ID, &p.Kind, &p.ReceivedAt, &p.Time, &p.NextIn, &duration, &code, &p.RID, &p.Scheme, &p.Method,
		&p.RemoteAddress, &p.UserAgent, &p.Body); err != nil {
		return p, fmt.Errorf("reading a pulse: %w", err)
	}
	p.Duration = api.InSeconds(time.Duration(duration) * time.Millisecond)
	if code >= 0 {
		exit := int(code)
		p.ExitCode = &exit
	}
	return p, nil
}

// pulseSQL is the statements that need the engine's dialect, made once.
type pulseSQL struct {
	insert               string
	moveByName, moveByID string
}

func newPulseSQL(e engine) pulseSQL {
	return pulseSQL{
		insert: `insert into pulse (` + names(pulseWriteColumns) + `)
			select ` + names(pulseWriteColumns) + ` from ` + e.relation(1, pulseWriteColumns...) + ` i`,
		moveByName: movePlain(e, "name_key"),
		moveByID:   movePlain(e, "id"),
	}
}

// movePlain is the shortcut: one statement that lets successes act on all services of a group for which that only
// moves times, and gives those it moved. What it leaves out goes the long way through package api, which decides the
// same; the conformance suite compares the two. It leaves alone what an index has, and so leaves out the rows whose new
// deadline is earlier than judge_at: SQLite rewrites the entry of an index whose column a statement names, though it may
// not change. Of a later deadline the sweeper finds the row too early and moves judge_at then, once for many pulses.
func movePlain(e engine, key string) string {
	const (
		wait     = `(case when i.next_in > 0 then i.next_in when service.next_in > 0 then service.next_in else service.stated_next_in end)`
		expected = `(case when ` + wait + ` > 0 then i.at + ` + wait + ` * 1000 else 0 end)`
		deadline = `(case when ` + wait + ` > 0 then i.at + (` + wait + ` + service.grace) * 1000 else 0 end)`
	)
	return `update service set last_pulse = i.at, expected = ` + expected + `, deadline = ` + deadline + `,
		stated_next_in = case when i.next_in > 0 then i.next_in when service.next_in > 0 then 0 else service.stated_next_in end
		from ` + e.relation(1, text("name"), ints("at"), ints("next_in"), ints("legacy"), text("alert_type"), text("alert_target")) + ` i
		where service.` + key + ` = i.name and service.state = 'up' and service.plain = 1
		and (service.expected = 0 or service.expected > i.at) and service.last_pulse <= i.at
		and (` + wait + ` = 0 or (service.judge_at > 0 and service.judge_at <= ` + expected + `))
		and (i.legacy = 0 or (service.alert_type = i.alert_type and service.alert_target = i.alert_target))
		returning service.` + key + `, service.key, service.name, service.next_in, service.stated_next_in, service.expected, service.deadline`
}

// moved is what the shortcut gives of a service.
type moved struct {
	lookup   string
	key      int64
	name     string
	nextIn   api.Seconds
	expected api.Time
	deadline api.Time
}

func scanMoved(r row) (moved, error) {
	var (
		m      moved
		stated api.Seconds
	)
	err := r.Scan(&m.lookup, &m.key, &m.name, &m.nextIn, &stated, &m.expected, &m.deadline)
	if stated > 0 {
		m.nextIn = stated
	}
	return m, err
}
