package web

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// The bounds of what is remembered and written about requests that were not done.
const (
	refusalWindow    = time.Minute
	maxCauses        = 256
	failuresInWindow = 60 // internal errors with a line of their own; further ones are counted
	maxLoggedDetail  = 300
)

// cause is why a request was not done, with few enough values that each may have a line.
type cause struct {
	code  string
	route string
}

// instance is one refused request, as an example of its cause.
type instance struct {
	status  int
	detail  string
	address netip.Addr
	request string
}

type tally struct {
	written time.Time // when the cause last had a line
	count   int       // since then
	latest  instance
}

// refusals writes at most one line per cause and minute: the first at once, later ones with a count.
type refusals struct {
	logger *slog.Logger
	now    func() time.Time

	mu       sync.Mutex
	causes   map[cause]*tally
	swept    time.Time
	window   time.Time // start of the window that failures are counted in
	failures int
}

func newRefusals(logger *slog.Logger, now func() time.Time) *refusals {
	return &refusals{logger: logger, now: now, causes: make(map[cause]*tally)}
}

// line is a tally on its way to the log, written after the lock is released.
type line struct {
	cause  cause
	count  int
	sample instance
}

func (l *refusals) note(c cause, i instance) {
	now := l.now()
	l.mu.Lock()
	lines := l.sweep(now, refusalWindow)
	t := l.causes[c]
	if t == nil && len(l.causes) >= maxCauses {
		c = cause{code: c.code, route: "others"}
		t = l.causes[c]
	}
	switch {
	case t == nil:
		l.causes[c] = &tally{written: now}
		lines = append(lines, line{c, 1, i})
	default:
		t.count++
		t.latest = i
	}
	l.mu.Unlock()
	l.write(lines)
}

// sweep takes the tallies whose last line is at least age old: those with a count have a line due, the others are
// forgotten. It looks once a second at most.
func (l *refusals) sweep(now time.Time, age time.Duration) []line {
	if age > 0 && now.Sub(l.swept) < time.Second {
		return nil
	}
	l.swept = now
	var lines []line
	for c, t := range l.causes {
		switch {
		case now.Sub(t.written) < age:
		case t.count == 0:
			delete(l.causes, c)
		default:
			lines = append(lines, line{c, t.count, t.latest})
			t.written, t.count = now, 0
		}
	}
	return lines
}

func (l *refusals) write(lines []line) {
	for _, n := range lines {
		level := slog.LevelInfo
		switch n.sample.status {
		case 401, 403, 429, 500, 503:
			level = slog.LevelWarn
		}
		detail := n.sample.detail
		if len(detail) > maxLoggedDetail {
			detail = detail[:maxLoggedDetail]
		}
		attrs := []slog.Attr{
			slog.String("code", n.cause.code), slog.String("route", n.cause.route), slog.Int("count", n.count),
			slog.String("detail", detail), slog.String("request_id", n.sample.request),
		}
		if n.sample.address.IsValid() {
			attrs = append(attrs, slog.String("address", n.sample.address.String()))
		}
		l.logger.LogAttrs(context.Background(), level, "requests refused", attrs...)
	}
}

// allowFailure reports whether one more internal error may have a line of its own in this minute.
func (l *refusals) allowFailure() bool {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.window) >= refusalWindow {
		l.window, l.failures = now, 0
	}
	l.failures++
	return l.failures <= failuresInWindow
}

func (l *refusals) run(ctx context.Context) error {
	ticker := time.NewTicker(refusalWindow / 6)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			l.flush(0)
			return nil
		case <-ticker.C:
			l.flush(refusalWindow)
		}
	}
}

func (l *refusals) flush(age time.Duration) {
	l.mu.Lock()
	lines := l.sweep(l.now(), age)
	l.mu.Unlock()
	l.write(lines)
}
