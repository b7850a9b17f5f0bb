package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"watchkeeper/api"
)

// insertEvents stores events that others have sent and gives them their ids. Those that ask for an alert are changes of
// their own kind, opened and closed at once.
func (tx *Tx) insertEvents(ctx context.Context, statement string, events []*eventRow) error {
	if slices.ContainsFunc(events, func(e *eventRow) bool { return e.Alert }) {
		tx.eng.orderNow(tx.session, "change") // before that of events, as flush does, or both would wait for each other
	}
	tx.eng.orderNow(tx.session, "event")
	added, err := tx.eng.insert(ctx, tx.session, "event", statement, eventValues(tx.eng, events)...)
	if err != nil {
		return err
	}
	if added.rows != int64(len(events)) {
		return fmt.Errorf("%d events were stored of %d", added.rows, len(events))
	}
	for i, e := range events {
		e.ID = added.last - int64(len(events)-1-i)
		if e.Alert {
			tx.changes = append(tx.changes, alertChange(e, tx.now))
		}
	}
	return nil
}

func alertChange(e *eventRow, now api.Time) *changeRow {
	id := strconv.FormatInt(e.ID, 10)
	return &changeRow{subjectID: id, Change: api.Change{
		SubjectKind: api.SubjectEvent, Subject: id, To: "alert", Reason: api.ReasonAlert, At: e.Time, RecordedAt: now,
		Facts: api.Facts{Service: e.Service, Message: e.Message, Level: e.Level},
	}}
}
