package store

import "fmt"

// The messages of one incident go in order, so one that waits for another is not late by itself.
const vitals = `select
	(select coalesce(max(seen_at), 0) from server),
	(select coalesce(min(judge_at), 0) from service where judge_at > 0),
	(select coalesce(min(attend_at), 0) from incident where attend_at > 0),
	(select coalesce(min(d.next_attempt), 0) from delivery d where d.state in ('waiting', 'sending') and not exists (
		select 1 from delivery e where e.incident = d.incident and e.incident <> '' and e.position < d.position
			and e.state in ('waiting', 'sending', 'held'))),
	(select coalesce(min(due_at), 0) from delivery where state in ('waiting', 'sending') and attempts > 0)`

func scanVitals(r row) (Vitals, error) {
	var v Vitals
	if err := r.Scan(&v.Marked, &v.Judge, &v.Attend, &v.Send, &v.Vain); err != nil {
		return v, fmt.Errorf("reading how the servers are: %w", err)
	}
	return v, nil
}
