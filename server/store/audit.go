package store

import (
	"context"
	"errors"
	"fmt"

	"watchkeeper/api"
)

// Audit is the handle of the record of who changed what. Rows are written by the methods of the other handles, in the
// transaction of what they record: one line, tx.audit, says what was done, and the context of the call says by whom (see
// api.WithActor). Each row has the hash of the one before, and the last one is sealed with the secret of the
// installation, so that whoever changes the database without the secret can be found out.
type Audit struct{ s *Store }

// Sealer seals and opens with the secret of the installation.
type Sealer interface {
	Seal(purpose string, plain []byte) (string, error)
	Open(purpose, sealed string) ([]byte, error)
	// Verify gives an error when a check value, as the setting secret_check holds it, is of another secret.
	Verify(check string) error
}

// Unlock gives the secret with which the end of the audit is sealed. It comes once, before the first change: without it
// whatever is audited is refused with KindUnavailable.
func (h *Audit) Unlock(key Sealer) { h.s.sealer = key }

// Begin writes the first row unless there is one, so that an audit without rows is always one that somebody emptied.
func (h *Audit) Begin(ctx context.Context, detail map[string]any) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		tx.eng.orderNow(tx.session, "audit")
		_, err := one(ctx, tx, scanOne[string], "select value from setting where name = $1", settingAuditHead)
		if errors.Is(err, errNoRow) {
			tx.audit(api.AuditBegin, "", detail)
			return nil
		}
		return err
	})
}

// Record writes a row about something that is no change of rows, or of too many for one transaction.
func (h *Audit) Record(ctx context.Context, action api.AuditAction, subject string, detail map[string]any) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		tx.audit(action, subject, detail)
		return nil
	})
}

// List gives rows, the newest first.
func (h *Audit) List(ctx context.Context, f api.AuditFilter) ([]api.AuditRow, error) {
	c := auditWhere(f)
	sql := "select " + auditColumns + " from audit" + c.text() + " order by id desc limit " + c.value(f.Limit)
	var out []api.AuditRow
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = collect(ctx, tx, scanAudit, sql, c.args...)
		return err
	})
	return out, err
}

func auditWhere(f api.AuditFilter) *conditions {
	c := &conditions{}
	if f.Action != "" {
		exact, noun := c.value(f.Action), c.value(f.Action+".")
		c.literal("(action = " + exact + " or substr(action, 1, length(" + noun + ")) = " + noun + ")")
	}
	if f.ActorKind != "" {
		c.add("actor_kind = ", string(f.ActorKind))
	}
	if f.Actor != "" {
		c.add("actor = ", f.Actor)
	}
	if f.Subject != "" {
		c.add("subject = ", f.Subject)
	}
	if f.From > 0 {
		c.add("at >= ", int64(f.From))
	}
	if f.To > 0 {
		c.add("at <= ", int64(f.To))
	}
	if f.Before > 0 {
		c.add("id < ", f.Before)
	}
	return c
}

// verifyStep is how many rows a check reads at a time.
const verifyStep = 500

// Verify looks at every row and at the seal of the last, and gives what it found up to the first that is not what was
// written. Expect is a hash that must be among them, or empty. Rows that are written meanwhile are looked at, too.
func (h *Audit) Verify(ctx context.Context, expect string) (api.AuditCheck, error) {
	if h.s.sealer == nil {
		return api.AuditCheck{}, api.Errorf(api.KindUnavailable, "the audit cannot be checked without the secret of the server")
	}
	v := verification{expect: expect, last: api.AuditRow{Hash: api.AuditGenesis}}
	for done := false; !done && v.Broken == nil; {
		err := h.s.read(ctx, func(tx *Tx) error {
			rows, err := collect(ctx, tx, scanAudit, "select "+auditColumns+" from audit where id > $1 order by id limit $2", v.last.ID, verifyStep)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if !v.row(r) {
					return nil
				}
			}
			if done = len(rows) < verifyStep; !done {
				return nil
			}
			head, fault, err := tx.openAuditHead(ctx, h.s.sealer)
			if err == nil {
				v.end(head, fault)
			}
			return err
		})
		if err != nil {
			return v.AuditCheck, err
		}
	}
	return v.AuditCheck, nil
}

// verification is a check on its way through the rows.
type verification struct {
	api.AuditCheck
	expect string
	last   api.AuditRow
}

// row looks at the next row and reports whether it is what was written.
func (v *verification) row(r api.AuditRow) bool {
	next := v.last.ID + 1
	switch {
	case r.ID > next:
		return v.broken(next, "is missing")
	case r.Previous != v.last.Hash:
		return v.broken(r.ID, "does not follow the row before it: its own hash of that row is another")
	case r.Hash != r.Sum():
		return v.broken(r.ID, "was changed: its hash is not that of its content")
	case r.Action == api.AuditBroken:
		return v.broken(r.ID, fmt.Sprintf("says that the audit was damaged before it was written: %s", r.Detail))
	}
	if v.Rows == 0 {
		v.From = r.At
	}
	v.Rows, v.To, v.Head, v.last = v.Rows+1, r.At, r.Hash, r
	if r.Hash == v.expect {
		v.Expected = r.ID
	}
	return true
}

// end compares the last row with the sealed head.
func (v *verification) end(head *auditHead, fault string) {
	switch {
	case fault != "":
		v.broken(v.last.ID, fault+", so nobody can say whether it was the last")
	case head == nil && v.Rows == 0:
		v.broken(1, "is missing: the first start of a server writes it")
	case head == nil:
		v.broken(v.last.ID, "has no seal, so nobody can say whether it was the last")
	case head.Count > v.last.ID:
		v.broken(v.last.ID+1, fmt.Sprintf("is missing, and with it all up to row %d: they were cut off at the end", head.Count))
	case head.Count < v.last.ID:
		v.broken(head.Count+1, "was put in behind the row that is sealed as the last")
	case head.Hash != v.last.Hash:
		v.broken(v.last.ID, "is not the one that is sealed as the last: it, or rows before it, were written anew")
	case v.expect != "" && v.Expected == 0:
		v.broken(v.last.ID, "is the last, and none has the expected hash: rows were taken from the end together with their seal, or the hash is of another installation")
	}
}

func (v *verification) broken(row int64, reason string) bool {
	v.Broken = &api.AuditBreak{Row: row, Reason: reason}
	return false
}
