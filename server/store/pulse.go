package store

import (
	"context"
	"time"

	"watchkeeper/api"
)

// Pulses is the handle of signs of life.
type Pulses struct {
	s         *Store
	sql       pulseSQL
	shortcut  Shortcut
	committer *committer[*PulseWrite]
}

func newPulses(s *Store, shortcut Shortcut) *Pulses {
	h := &Pulses{s: s, sql: newPulseSQL(s.eng), shortcut: shortcut}
	h.committer = newCommitter(s, h.apply)
	return h
}

// PulseWrite is a pulse that is to be stored, for the service with the Name or the ID.
type PulseWrite struct {
	Name string
	ID   string
	// Create makes the service, with these settings, when no service has the name.
	Create *api.ServiceSettings

	Pulse         api.Pulse
	HasExitCode   bool
	Body          []byte
	Scheme        string
	Method        string
	RemoteAddress string
	UserAgent     string
	// Probe is what the run of a probe found that made the pulse; nil for all others.
	Probe *ProbeRun

	result PulseResult
}

// PulseResult is what a pulse has made of its service.
type PulseResult struct {
	Name     string
	Kind     api.PulseKind // what the pulse counted as
	Created  bool          // the service was made for it
	State    api.State
	Last     api.Time // the last success or fail, 0 before the first
	NextIn   api.Seconds
	Expected api.Time
	Deadline api.Time
	Duration time.Duration
	From     api.State // where the service stood before
	Failures int       // in a row, of a probe; 0 for all others
}

// Add stores a pulse and answers after its commit. It gives KindNotFound for an unknown service that is not to be
// created, KindUnavailable when the pulse could not be stored for a reason of ours, and for the pulse of a probe
// ErrNotLeader or ErrProbeOutdated where it must not count.
func (h *Pulses) Add(w PulseWrite) (PulseResult, error) {
	w.Pulse.RID = api.CleanText(w.Pulse.RID)
	w.UserAgent = api.CutText(api.CleanText(w.UserAgent), api.MaxUserAgent)
	w.Method = api.CutText(api.CleanText(w.Method), api.MaxUserAgent)
	if l := w.Pulse.Legacy; l != nil {
		w.Pulse.Legacy = &api.LegacyTarget{
			AlertType:   api.CutText(api.CleanText(l.AlertType), api.MaxTargetLength),
			AlertTarget: api.CutText(api.CleanText(l.AlertTarget), api.MaxTargetLength),
		}
	}
	err := h.committer.submit(&w, len(w.Body)+len(w.Name)+200, w.Pulse.ReceivedAt)
	return w.result, err
}

// List gives the history of a service, newest first, before a moment and id; 0 begins with the newest.
func (h *Pulses) List(ctx context.Context, serviceID string, before Mark, limit int) ([]api.PulseRecord, error) {
	before = before.orNewest()
	var out []api.PulseRecord
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = collect(ctx, tx.session, scanPulse, `select `+pulseColumns+` from pulse
			where service = (select key from service where id = $1) and (received_at, id) < ($2, $3)
			order by received_at desc, id desc limit $4`, serviceID, int64(before.Time), before.ID, limit)
		return err
	})
	return out, err
}

// Mark is a place in a list that is ordered by time and id, newest first.
type Mark struct {
	Time api.Time
	ID   int64
}

func (m Mark) orNewest() Mark {
	if m == (Mark{}) {
		return Mark{Time: 1 << 62, ID: 1 << 62}
	}
	return m
}
