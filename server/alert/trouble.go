package alert

import "log/slog"

// trouble logs that a loop's work fails when it begins to, and that it works again, not every round between.
type trouble struct{ now bool }

func (t *trouble) note(log *slog.Logger, work string, err error) {
	switch {
	case err != nil && !t.now:
		log.Error(work+" failed, trying on", "error", err)
	case err == nil && t.now:
		log.Info(work + " works again")
	}
	t.now = err != nil
}
