package command

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"watchkeeper/server/app"
)

// progress shows how far something is, on one line of a terminal. Elsewhere it shows nothing.
type progress struct {
	r        *run
	terminal bool
	mu       sync.Mutex
	shownAt  time.Time
	step     string
}

const showEvery = 200 * time.Millisecond

func (r *run) progress() *progress {
	f, ok := r.Err.(*os.File)
	return &progress{r: r, terminal: ok && isTerminal(f)}
}

// report is told how far it is.
func (p *progress) report(at app.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.terminal || at.Step == p.step && p.r.now().Sub(p.shownAt) < showEvery {
		return
	}
	p.shownAt, p.step = p.r.now(), at.Step
	_, _ = fmt.Fprintf(p.r.Err, "\r\x1b[K%s", harmless(at.String()))
}

// end clears the line, before something else is said.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal && p.step != "" {
		_, _ = fmt.Fprint(p.r.Err, "\r\x1b[K")
	}
	p.step = ""
}

// interruptible lets Ctrl-C and SIGTERM end what a command does, so that it takes away what it has begun. A second one ends
// the program at once.
func interruptible(c *cobra.Command) (stop func()) {
	ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop)
	c.SetContext(ctx)
	return stop
}
