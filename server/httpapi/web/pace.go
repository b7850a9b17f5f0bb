package web

import (
	"net/http"
	"time"
)

// A body has to bring paceBytes in every paceWindow, about 1 KiB a second, or its end. The first bytes are awaited under
// the server's own read timeout, so that a body that comes with its headers costs no timer.
const (
	paceWindow = 10 * time.Second
	paceBytes  = 10 << 10
	// paceStep bounds how often a fast body moves its deadline.
	paceStep = time.Second
)

// answerTime is how long an answer may take from the request's headers, or from the end of a body that took its time.
const answerTime = time.Minute

// pace moves the deadline of a connection while a body arrives. It reads the real clock, as deadlines of connections are
// of the operating system's time.
type pace struct {
	writer http.ResponseWriter
	moved  time.Time // zero until the body did not come at once
	mark   int       // bytes read when it was moved
}

// progress is told after each read how much has arrived. It gives time only for progress, not for having been fast
// before.
func (p *pace) progress(read int) {
	now := time.Now()
	if !p.moved.IsZero() && (read-p.mark < paceBytes || now.Sub(p.moved) < paceStep) {
		return
	}
	p.moved, p.mark = now, read
	// A writer that cannot do this, as in some tests, leaves the server's own timeouts in force.
	_ = http.NewResponseController(p.writer).SetReadDeadline(now.Add(paceWindow))
}

// arrived takes the deadline away once the whole body is there. One that failed keeps it: the server reads what is left
// of a body before it answers.
func (p *pace) arrived() {
	if !p.moved.IsZero() {
		_ = http.NewResponseController(p.writer).SetReadDeadline(time.Time{})
	}
}

// end gives the answer its time, which a slow body would have used up.
func (p *pace) end() {
	if !p.moved.IsZero() {
		_ = http.NewResponseController(p.writer).SetWriteDeadline(time.Now().Add(answerTime))
	}
}

// Extend gives a request that rightly takes long, such as a long poll or a download, d from now until its answer is
// written; 0 takes all limits away. Without it a request ends when the server's timeouts do.
func Extend(w http.ResponseWriter, d time.Duration) {
	var deadline time.Time
	if d > 0 {
		deadline = time.Now().Add(d)
	}
	c := http.NewResponseController(w)
	// Past its read deadline, a connection counts as gone and its request is cancelled.
	_ = c.SetReadDeadline(deadline)
	_ = c.SetWriteDeadline(deadline)
}
