package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"watchkeeper/api"
)

// audit records, in this transaction, that whoever the context names as actor did something. Subject is the name of what
// it was done to, or its id where it has none. Detail is an object of what is worth knowing (see changesOf and fieldsOf),
// without secrets, or nil. Call it once all is decided; an error of the transaction takes the row with it.
func (tx *Tx) audit(action api.AuditAction, subject string, detail any) {
	tx.audits = append(tx.audits, auditEntry{action, subject, detail})
}

// auditEntry is a row of the audit before it has its place.
type auditEntry struct {
	action  api.AuditAction
	subject string
	detail  any
}

// auditHead is the end of the audit, as it is sealed.
type auditHead struct {
	Count int64    `json:"count"`
	Hash  string   `json:"hash"`
	At    api.Time `json:"at"`
}

// settingAuditHead holds the head, sealed with the purpose that all sealed settings have.
const settingAuditHead = "audit_head"

// writeAudits puts the gathered rows behind those that are there. It is done before ids of changes and events are drawn,
// so that two transactions never wait for each other.
func (tx *Tx) writeAudits(ctx context.Context) error {
	if len(tx.audits) == 0 {
		return nil
	}
	key := tx.sealer
	if key == nil {
		return api.Errorf(api.KindUnavailable, "this is recorded in the audit, for which the secret of the server is needed")
	}
	tx.eng.orderNow(tx.session, "audit")
	head, fault, err := tx.auditHead(ctx, key)
	if err != nil {
		return err
	}
	var rows []api.AuditRow
	if fault != "" {
		if err := tx.checkSecret(ctx, key); err != nil {
			return err
		}
		tx.log.Error("the audit is damaged and goes on; see: watchkeeper verify", "fault", fault)
		if rows, err = head.append(rows, api.ActorOf(context.Background()), tx.now, auditEntry{api.AuditBroken, "", map[string]any{"fault": fault}}); err != nil {
			return err
		}
	}
	for _, e := range tx.audits {
		if rows, err = head.append(rows, tx.actor, tx.now, e); err != nil {
			return err
		}
	}
	if _, err := tx.exec(ctx, insertAudit(tx.eng), auditValues(tx.eng, rows)...); err != nil {
		return err
	}
	sealed, err := key.Seal("setting:"+settingAuditHead, []byte(toJSON(head)))
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, putSetting, settingAuditHead, sealed, int64(tx.now))
	return err
}

// append adds a row behind the head and moves the head on. Times never go back, so that their order is that of the ids.
func (h *auditHead) append(rows []api.AuditRow, actor api.Actor, now api.Time, e auditEntry) ([]api.AuditRow, error) {
	if !e.action.Valid() {
		return nil, fmt.Errorf("%q is no action of the audit", e.action)
	}
	detail, err := json.Marshal(e.detail)
	if err != nil {
		return nil, fmt.Errorf("writing the detail of %s: %w", e.action, err)
	}
	if string(detail) == "null" {
		detail = []byte("{}")
	}
	actor.Name = api.CleanText(actor.Name)
	r := api.AuditRow{
		ID: h.Count + 1, At: max(now, h.At), Actor: actor, Action: e.action, Subject: api.CleanText(e.subject), Detail: detail, Previous: h.Hash,
	}
	r.Hash = r.Sum()
	h.Count, h.Hash, h.At = r.ID, r.Hash, r.At
	return append(rows, r), nil
}

// auditHead gives the row behind which the next one goes. That is the sealed head and not the end of the table, so that
// rows which somebody took from the end stay missing. Where the head does not fit, it is the end of the table, and fault
// says what is wrong: refusing every change for that would let the damage spread.
func (tx *Tx) auditHead(ctx context.Context, key Sealer) (head *auditHead, fault string, err error) {
	last, err := one(ctx, tx, scanAudit, lastAudit)
	if errors.Is(err, errNoRow) {
		last, err = api.AuditRow{Hash: api.AuditGenesis}, nil
	}
	if err != nil {
		return nil, "", err
	}
	sealed, fault, err := tx.openAuditHead(ctx, key)
	switch {
	case err != nil:
		return nil, "", err
	case sealed != nil && sealed.Count >= last.ID:
		return sealed, "", nil
	case sealed != nil:
		fault = fmt.Sprintf("there are rows behind row %d, which was the last", sealed.Count)
	case last.ID == 0 && fault == "":
		return &auditHead{Hash: api.AuditGenesis}, "", nil
	case fault == "":
		fault = "the seal of the last row is gone"
	}
	return &auditHead{Count: last.ID, Hash: last.Hash, At: last.At}, fault, nil
}

// checkSecret refuses a secret that was replaced while this server did not hear of it: to it everything that is sealed
// looks damaged.
func (tx *Tx) checkSecret(ctx context.Context, key Sealer) error {
	check, err := one(ctx, tx, scanOne[string], "select value from setting where name = 'secret_check'")
	if errors.Is(err, errNoRow) {
		return nil
	}
	if err == nil && key.Verify(check) != nil {
		return api.Errorf(api.KindUnavailable, "the secret of the installation was replaced; start this server again with the new one")
	}
	return err
}

// openAuditHead gives the sealed head, nil when there is none, with the fault where it cannot be read.
func (tx *Tx) openAuditHead(ctx context.Context, key Sealer) (head *auditHead, fault string, err error) {
	sealed, err := one(ctx, tx, scanOne[string], "select value from setting where name = $1", settingAuditHead)
	if errors.Is(err, errNoRow) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	plain, err := key.Open("setting:"+settingAuditHead, sealed)
	if err == nil {
		err = json.Unmarshal(plain, &head)
	}
	if err != nil {
		return nil, "the seal of the last row is broken", nil //nolint:nilerr // the fault is what the error means
	}
	return head, "", nil
}

// fieldsOf gives the JSON fields of v that are not empty, long texts cut: the detail of something that was made.
func fieldsOf(v any) map[string]any {
	fields := jsonFields(v)
	for name, value := range fields {
		if value == nil || reflect.ValueOf(value).IsZero() || reflect.DeepEqual(value, []any{}) || value == json.Number("0") {
			delete(fields, name)
			continue
		}
		fields[name] = brief(value)
	}
	return fields
}

// changesOf gives what became of the JSON fields that differ, long texts cut: the detail of something that was changed.
func changesOf(from, to any) map[string]api.AuditChange {
	before, after := jsonFields(from), jsonFields(to)
	changes := map[string]api.AuditChange{}
	for name, value := range after {
		if !reflect.DeepEqual(before[name], value) {
			changes[name] = api.AuditChange{From: brief(before[name]), To: brief(value)}
		}
	}
	for name, value := range before {
		if _, there := after[name]; !there {
			changes[name] = api.AuditChange{From: brief(value)}
		}
	}
	return changes
}

func jsonFields(v any) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader([]byte(toJSON(v))))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil { // structs are objects
		panic(err)
	}
	return fields
}

// maxBrief is how many bytes of a text the audit keeps.
const maxBrief = 300

func brief(v any) any {
	if text, is := v.(string); is && len(text) > maxBrief {
		return api.CutText(text, maxBrief) + "…"
	}
	return v
}

// maskTargets gives targets such as "mail:me@example.org" as the audit may keep them.
func maskTargets(targets []string) []string {
	return each(targets, func(target string) string { return api.ParseTarget(target).Masked() })
}
