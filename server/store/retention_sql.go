package store

import "watchkeeper/api"

// keptTable is a table that grows for ever.
type keptTable struct {
	name string
	at   string // the column with the receive time
	// bytes is an expression for the size of the texts in a row, and overhead what a row takes beside them, with its
	// entries in indexes: on SQLite, and on PostgreSQL.
	bytes    string
	overhead map[Engine]int64
	// oldest selects the receive time of the oldest row.
	oldest string
	// stays is a condition for rows that are not removed, however old.
	stays string
	// removal removes the oldest rows received before $1, at most $2 of them, where a table is not removed in the order
	// in which its rows were written.
	removal string
}

var keptTables = map[api.Table]keptTable{
	api.TableEvents: {
		name: "event", at: "received_at", overhead: map[Engine]int64{SQLite: 50, Postgres: 140},
		bytes:  "octet_length(message) + octet_length(level_text) + octet_length(long_service) + octet_length(service)",
		oldest: "select received_at from event order by id limit 1",
	},
	api.TablePulses: {
		name: "pulse", at: "received_at", overhead: map[Engine]int64{SQLite: 65, Postgres: 135},
		bytes: "octet_length(kind) + octet_length(rid) + octet_length(scheme) + octet_length(method) + octet_length(remote_addr) + " +
			"octet_length(user_agent) + coalesce(octet_length(body), 0)",
		oldest: "select received_at from pulse order by id limit 1",
	},
	api.TableChanges: {
		name: "change", at: "recorded_at", overhead: map[Engine]int64{SQLite: 70, Postgres: 130},
		bytes: "octet_length(subject_kind) + 2 * octet_length(subject_id) + octet_length(subject) + octet_length(from_state) + " +
			"octet_length(to_state) + octet_length(reason) + octet_length(facts) + 2 * octet_length(incident)",
		oldest: "select recorded_at from change order by id limit 1",
		stays:  "exists (select 1 from incident where incident.id = change.incident and incident.state = 'open')",
	},
	api.TableIncidents: {
		name: "incident", at: "opened_at", overhead: map[Engine]int64{SQLite: 170, Postgres: 330},
		bytes:  "octet_length(subject_kind) + 3 * octet_length(subject_id) + octet_length(subject) + octet_length(reason)",
		oldest: "select coalesce(min(opened_at), 0) from incident",
		removal: `delete from incident where id in (select id from incident
			where opened_at < $1 and state = 'closed' and closed_at < $1 order by opened_at limit $2)`,
	},
	api.TableDeliveries: {
		name: "delivery", at: "created_at", overhead: map[Engine]int64{SQLite: 300, Postgres: 500},
		bytes: "octet_length(subject) + octet_length(subject_id) + octet_length(channel) + octet_length(address) + octet_length(target) + " +
			"octet_length(lane) + octet_length(reason) + octet_length(last_error) + octet_length(receipt)",
		oldest: "select coalesce(min(created_at), 0) from delivery",
		removal: `delete from delivery where id in (select id from delivery
			where created_at < $1 and state not in ('waiting', 'held', 'sending') and not exists (
				select 1 from incident where incident.id = delivery.incident and incident.state = 'open')
			order by created_at limit $2)`,
	},
}

// held is what a table holds.
type held struct {
	rows, bytes int64
	oldest      api.Time
}

// textBytes gives the statement for the mean size of the texts of some rows of a table: of the first ones in an order.
func (t keptTable) textBytes(table, order string) string {
	return "select cast(coalesce(avg(" + t.bytes + "), 0) as bigint) from (select * from " + table + order + " limit 200) sample"
}
