package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strconv"
)

// AuditAction is what somebody did, as noun.verb. The constants stand with their nouns' actions below or in the file of
// the noun.
type AuditAction string

// What is audited. Pulses, events and metrics are not, and neither is what time or a pulse makes of a service.
const (
	AuditServiceCreate AuditAction = "service.create"
	AuditServiceUpdate AuditAction = "service.update"
	AuditServiceDelete AuditAction = "service.delete"
	AuditServicePause  AuditAction = "service.pause"
	AuditServiceResume AuditAction = "service.resume"
	AuditChannelCreate AuditAction = "channel.create"
	AuditChannelUpdate AuditAction = "channel.update"
	AuditChannelDelete AuditAction = "channel.delete"
	AuditDeliveryRetry AuditAction = "delivery.retry"

	AuditIncidentAcknowledge AuditAction = "incident.acknowledge"
	AuditIncidentWithdraw    AuditAction = "incident.withdraw" // an acknowledgement is taken back
	AuditRouteCreate         AuditAction = "route.create"
	AuditRouteUpdate         AuditAction = "route.update"
	AuditRouteDelete         AuditAction = "route.delete"
	AuditSilenceAdd          AuditAction = "silence.add"
	AuditSilenceEnd          AuditAction = "silence.end"
	AuditMaintenanceAdd      AuditAction = "maintenance.add"
	AuditMaintenanceUpdate   AuditAction = "maintenance.update"
	AuditMaintenanceEnd      AuditAction = "maintenance.end"

	AuditTokenCreate    AuditAction = "token.create"
	AuditTokenRevoke    AuditAction = "token.revoke"
	AuditPasswordSet    AuditAction = "password.set"
	AuditPasswordRotate AuditAction = "password.rotate"
	AuditPingKeyRotate  AuditAction = "ping_key.rotate"

	AuditInstallationRestore AuditAction = "installation.restore"
	AuditInstallationCopy    AuditAction = "installation.copy"   // to another database, where it is written
	AuditInstallationImport  AuditAction = "installation.import" // from another program
	AuditSecretRotate        AuditAction = "secret.rotate"

	// AuditBegin is the first row that a server writes; AuditBroken says that the audit was found damaged and goes on all
	// the same, with nobody answering for the rows before.
	AuditBegin  AuditAction = "audit.begin"
	AuditBroken AuditAction = "audit.broken"
)

var auditAction = regexp.MustCompile(`^[a-z][a-z_]{0,31}\.[a-z][a-z_]{0,31}$`)

// Valid reports whether a has the form noun.verb.
func (a AuditAction) Valid() bool { return auditAction.MatchString(string(a)) }

// AuditRow is one row of the audit. Each has the hash of the one before, so that none can be changed, taken out or put in
// without every later hash being wrong.
type AuditRow struct {
	ID       int64           `json:"id" doc:"counts from 1 without a gap"`
	At       Time            `json:"at"`
	Actor    Actor           `json:"actor"`
	Action   AuditAction     `json:"action" doc:"noun.verb, such as token.create"`
	Subject  string          `json:"subject" doc:"the name, or where there is none the id, of what was changed"`
	Detail   json.RawMessage `json:"detail" doc:"an object: what was said or changed, secrets masked; changed fields as {\"from\":…,\"to\":…}"`
	Previous string          `json:"previous" doc:"hash of the row before, 64 zeros in the first"`
	Hash     string          `json:"hash" doc:"SHA-256 of this row, as the page of the protocol says, in hex"`
}

// AuditGenesis stands for the hash of the row before the first.
const AuditGenesis = "0000000000000000000000000000000000000000000000000000000000000000"

// Sum gives the hash that the row must have: SHA-256 over all its other fields, each written as the number of its bytes,
// a colon and the bytes, so that no two rows are written alike.
func (r *AuditRow) Sum() string {
	var b []byte
	for _, field := range []string{
		strconv.FormatInt(r.ID, 10), strconv.FormatInt(int64(r.At), 10), string(r.Actor.Kind), r.Actor.Name, r.Actor.Ref,
		r.Actor.Address, r.Actor.RequestID, string(r.Action), r.Subject, string(r.Detail), r.Previous,
	} {
		b = strconv.AppendInt(b, int64(len(field)), 10)
		b = append(append(b, ':'), field...)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// AuditChange is what became of one field.
type AuditChange struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// AuditFilter is what a list of the audit, newest first, is narrowed to. Empty fields do not narrow.
type AuditFilter struct {
	Action    string // an action, or the noun of several
	ActorKind ActorKind
	Actor     string
	Subject   string
	From, To  Time  // inclusive
	Before    int64 // the id behind which the page begins; 0 for the newest
	Limit     int
}

// AuditBreak is where the audit is not what was written.
type AuditBreak struct {
	Row    int64  `json:"row" doc:"the first row that is wrong or missing"`
	Reason string `json:"reason"`
}

// AuditCheck is what a check of the audit found.
type AuditCheck struct {
	Rows     int64       `json:"rows" doc:"how many rows were found to be as they were written"`
	From     Time        `json:"from" doc:"when the first of them was written"`
	To       Time        `json:"to" doc:"when the last of them was written"`
	Head     string      `json:"head" doc:"hash of the last of them: noted elsewhere, it proves later that nothing before it was changed"`
	Expected int64       `json:"expected,omitempty" doc:"the row with the hash that was to be found"`
	Broken   *AuditBreak `json:"broken,omitempty" doc:"where the audit is not what was written; nothing behind it was looked at"`
}
