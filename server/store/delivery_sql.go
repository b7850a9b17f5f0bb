package store

import "fmt"

const deliveryColumns = `delivery.id, delivery.incident, delivery.change_id, delivery.position, delivery.subject_kind,
	delivery.subject_id, delivery.subject, delivery.about, delivery.channel, delivery.address, delivery.target, delivery.lane,
	delivery.state, delivery.reason, delivery.attempts, delivery.next_attempt, delivery.claimed_by, delivery.last_error,
	delivery.receipt, delivery.digest, delivery.created_at, delivery.due_at, delivery.sent_at, delivery.route`

// fields gives where the values of deliveryColumns go.
func (d *Delivery) fields() []any {
	return []any{
		&d.ID, &d.Incident, &d.ChangeID, &d.position, &d.SubjectKind, &d.SubjectID, &d.Subject, &d.About, &d.Channel, &d.Address,
		&d.target, &d.Lane, &d.State, &d.Reason, &d.Attempts, &d.NextAttempt, &d.claimedBy, &d.LastError, &d.Receipt, &d.Digest,
		&d.CreatedAt, &d.DueAt, &d.SentAt, &d.Route,
	}
}

func scanDelivery(r row) (*Delivery, error) {
	var d Delivery
	if err := r.Scan(d.fields()...); err != nil {
		return nil, fmt.Errorf("reading a delivery: %w", err)
	}
	return &d, nil
}

// scanToldDelivery reads a delivery with how the digest stands that tells of it.
func scanToldDelivery(r row) (*Delivery, error) {
	var d Delivery
	if err := r.Scan(append(d.fields(), &d.DigestAttempts, &d.DigestDueAt)...); err != nil {
		return nil, fmt.Errorf("reading a delivery: %w", err)
	}
	return &d, nil
}

// newDeliveryColumns are those of a delivery that nobody has tried yet.
var newDeliveryColumns = []column{
	text("id"), text("incident"), ints("change_id"), ints("position"), text("subject_kind"), text("subject_id"),
	text("subject"), text("about"), text("channel"), text("address"), text("target"), text("lane"), text("state"),
	text("reason"), ints("next_attempt"), text("last_error"), text("digest"), ints("created_at"), ints("due_at"), text("route"),
}

func newDeliveryValues(e engine, deliveries []*Delivery) []any {
	return e.pack(
		each(deliveries, func(d *Delivery) string { return d.ID }),
		each(deliveries, func(d *Delivery) string { return d.Incident }),
		each(deliveries, func(d *Delivery) int64 { return d.ChangeID }),
		each(deliveries, func(d *Delivery) int64 { return d.position }),
		each(deliveries, func(d *Delivery) string { return string(d.SubjectKind) }),
		each(deliveries, func(d *Delivery) string { return d.SubjectID }),
		each(deliveries, func(d *Delivery) string { return d.Subject }),
		each(deliveries, func(d *Delivery) string { return string(d.About) }),
		each(deliveries, func(d *Delivery) string { return d.Channel }),
		each(deliveries, func(d *Delivery) string { return d.Address }),
		each(deliveries, func(d *Delivery) string { return d.target }),
		each(deliveries, func(d *Delivery) string { return d.Lane }),
		each(deliveries, func(d *Delivery) string { return string(d.State) }),
		each(deliveries, func(d *Delivery) string { return d.Reason }),
		each(deliveries, func(d *Delivery) int64 { return int64(d.NextAttempt) }),
		each(deliveries, func(d *Delivery) string { return d.LastError }),
		each(deliveries, func(d *Delivery) string { return d.Digest }),
		each(deliveries, func(d *Delivery) int64 { return int64(d.CreatedAt) }),
		each(deliveries, func(d *Delivery) int64 { return int64(d.DueAt) }),
		each(deliveries, func(d *Delivery) string { return d.Route }),
	)
}

func scanLaneLoad(r row) (LaneLoad, error) {
	var l LaneLoad
	return l, r.Scan(&l.Lane, &l.Due)
}

const memberChange = `change.id, change.subject_kind, change.subject, change.from_state, change.to_state, change.reason,
	change.at, change.recorded_at, change.facts`

// digestMembers is what a digest tells of, with the services as they are now.
const digestMembers = `select ` + deliveryColumns + `, coalesce(service.state, ''), coalesce(service.state_since, 0), coalesce(incident.flap, ''), ` + memberChange + `
	from delivery join change on change.id = delivery.change_id
	left join incident on incident.id = delivery.incident
	left join service on service.id = delivery.subject_id and delivery.subject_kind = 'service'
	where delivery.digest = $1 and delivery.digest <> '' and delivery.state = 'held'
	order by delivery.created_at, delivery.id`

func scanDigestMember(r row) (DigestMember, error) {
	var m DigestMember
	var err error
	m.Change, err = scanChange(nested{r, append(m.Delivery.fields(), &m.State, &m.Since, (*flapColumn)(&m.Flap))})
	return m, err
}

// deliveryContent is what a delivery about one incident tells.
const deliveryContent = `select ` + incidentColumns + `, ` + memberChange + `
	from delivery join incident on incident.id = delivery.incident join change on change.id = delivery.change_id
	where delivery.id = $1`

func scanDeliveryContent(r row) (DeliveryContent, error) {
	var i Incident
	change, err := scanChange(nested{r, i.fields()})
	return DeliveryContent{Incident: i, Change: change}, err
}

const backlog = `select
	(select count(*) from delivery where state in ('waiting', 'sending')) + (select count(*) from delivery where state = 'held' and digest <> ''),
	(select count(*) from delivery where state = 'held' and digest = ''),
	(select count(*) from delivery where state in ('waiting', 'sending') and last_error <> ''),
	coalesce((select min(due_at) from delivery where state in ('waiting', 'sending') and due_at <= $1), 0),
	(select count(*) from delivery where state = 'failed')`

// deliverySQL is the statements that need the engine's dialect, made once.
type deliverySQL struct {
	insert string
	skip   string
	silent string
	lanes  string
	claim  string

	move, release, incidents, withhold string
}

func newDeliverySQL(e engine) deliverySQL {
	// free holds for a delivery that waits for no earlier one.
	const free = `not exists (select 1 from delivery earlier where earlier.incident = delivery.incident and earlier.incident <> ''
		and earlier.position < delivery.position and earlier.target = delivery.target and earlier.state in ('waiting', 'held', 'sending'))`
	return deliverySQL{
		insert: `insert into delivery (` + names(newDeliveryColumns) + `, attempts, claimed_by, receipt, sent_at)
			select ` + names(newDeliveryColumns) + `, 0, '', '', 0 from ` + e.relation(1, newDeliveryColumns...) + ` i`,
		// What a digest already tells is told. What is being sent is only skipped should that fail.
		skip: `update delivery set reason = i.why,
			state = case when state = 'sending' then state else 'skipped' end,
			next_attempt = case when state = 'sending' then next_attempt else 0 end
			from ` + e.relation(1, text("of_incident"), text("why")) + ` i
			where delivery.incident = i.of_incident and delivery.incident <> '' and (delivery.state in ('waiting', 'sending')
				or delivery.state = 'held' and not exists (select 1 from delivery d where d.id = delivery.digest and d.state = 'sending'))`,
		move: `update delivery set state = i.state, reason = i.why, next_attempt = 0
			from ` + e.relation(1, text("of_delivery"), text("state"), text("why")) + ` i
			where delivery.id = i.of_delivery and delivery.digest = ''
			and (delivery.state in ('waiting', 'held') or delivery.state = 'skipped' and i.state = 'held')`,
		release: `update delivery set state = i.state, reason = i.why, next_attempt = i.next, due_at = i.due, digest = i.gathered
			from ` + e.relation(1, text("of_delivery"), text("state"), text("why"), ints("next"), ints("due"), text("gathered")) + ` i
			where delivery.id = i.of_delivery and delivery.digest = '' and delivery.state in ('held', 'skipped')`,
		incidents: `select incident from delivery where id in (select id from ` + e.relation(1, text("id")) + ` i) order by incident`,
		withhold: `update delivery set digest = '', reason = i.why from ` + e.relation(2, text("of_delivery"), text("why")) + ` i
			where delivery.id = i.of_delivery and delivery.state = 'held' and delivery.digest <> '' and delivery.digest = $1`,
		silent: `update delivery set next_attempt = $1 where state = 'sending' and claimed_by <> $2 and next_attempt > $1
			and not exists (select 1 from server where server.id = delivery.claimed_by and server.seen_at > $3)`,
		lanes: `select lane, count(*) from delivery where state in ('waiting', 'sending') and next_attempt <= $1 and ` + free + `
			group by lane order by min(next_attempt), lane`,
		claim: `with due as (select id from delivery where lane = $1 and state in ('waiting', 'sending') and next_attempt <= $2
				and ` + free + ` order by next_attempt, id limit $3` + e.lockRows(lockFree) + `)
			update delivery set state = 'sending', attempts = attempts + 1, claimed_by = $4, next_attempt = $5, reason = ''
			where id in (select id from due) returning ` + deliveryColumns,
	}
}
