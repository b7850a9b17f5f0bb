package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"time"

	"watchkeeper/server/config"
)

// bench is one run of this program: an engine, what is compared with it, and where the results go.
type bench struct {
	options
	work   string
	alerts string // the URL that takes alerts
	report *report
	engine *engine
}

// measureAll measures what the options name, and prints the table.
func measureAll(ctx context.Context, o options) (err error) {
	if err := os.MkdirAll(o.cache, 0o755); err != nil {
		return err
	}
	b := &bench{options: o, report: newReport(os.Stdout)}
	// Beside the cache, so that nothing is measured on a file system in memory, and that copies are quick. PostgreSQL
	// runs as a user of its own where we are root.
	if b.work, err = os.MkdirTemp(o.cache, "run-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.work)) }()
	if err := errors.Join(os.Chmod(b.work, 0o711), os.Setenv("TMPDIR", b.work)); err != nil {
		return err
	}
	if err := b.report.describeMachine(b.work); err != nil {
		return err
	}
	alerts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer alerts.Close()
	b.alerts = alerts.URL
	for _, name := range o.engines {
		if err := b.measureEngine(ctx, name); err != nil {
			return fmt.Errorf("on %s: %w", name, err)
		}
	}
	return b.report.finish(filepath.Join(o.cache, "results.jsonl"))
}

func (b *bench) measureEngine(ctx context.Context, name string) (err error) {
	if b.engine, err = openEngine(ctx, name, b.cache, b.work); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.engine.close()) }()
	var rate float64 // pulses per second that figure 1 reached
	for _, step := range []struct {
		figures []string // that need it
		run     func(context.Context) error
	}{
		{[]string{"1", "3"}, func(ctx context.Context) (err error) { rate, err = b.throughput(ctx); return err }},
		{[]string{"2"}, b.manyServices},
		{[]string{"3"}, func(ctx context.Context) error { return b.latency(ctx, rate/2) }},
		{[]string{"4"}, b.deadlines},
		{[]string{"5"}, b.start},
		{[]string{"6", "7"}, b.events},
	} {
		if !slices.ContainsFunc(step.figures, b.wants) {
			continue
		}
		// What fails to be measured on a day on which the machine is busy must not cost the other figures.
		if err := step.run(ctx); err != nil {
			if ctx.Err() != nil {
				return err
			}
			b.report.fail(step.figures[len(step.figures)-1], name, err)
		}
	}
	return nil
}

// server is a server in a process of its own, on a database.
type server struct {
	*process
	ready
	database *database
	took     time.Duration // from its start until it served
	serving  time.Time     // since when
}

// serve starts a server on a database. What it is given back it ends with.
func (b *bench) serve(ctx context.Context, d *database, mode config.TLS) (*server, error) {
	began := time.Now()
	p, err := spawn(ctx, roleServer, serverSettings{Data: d.folder, Database: d.url(), TLS: mode, Alerts: b.alerts, At: d.at})
	if err != nil {
		return nil, err
	}
	s := &server{process: p, database: d}
	if err := p.hear(&s.ready); err != nil {
		return nil, errors.Join(err, p.end(), tail(filepath.Join(d.folder, "log")))
	}
	s.serving = time.Now()
	s.took = s.serving.Sub(began)
	return s, nil
}

// now gives the time by the clock of the server.
func (s *server) now() time.Time { return time.Now().Add(time.Duration(s.Ahead) * time.Millisecond) }

func (s *server) end() error {
	err := s.process.end()
	if s.database != nil {
		s.database.at = s.now().Add(10 * time.Millisecond).UnixMilli()
	}
	return err
}

// tail gives the end of a log as an error.
func tail(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return fmt.Errorf("its log ends with: %s", content[max(0, len(content)-2000):])
}

// baseline starts the bare handler.
func (b *bench) baseline(ctx context.Context) (*server, error) {
	p, err := spawn(ctx, roleBaseline, struct{}{})
	if err != nil {
		return nil, err
	}
	s := &server{process: p}
	if err := p.hear(&s.ready); err != nil {
		return nil, errors.Join(err, p.end())
	}
	return s, nil
}

// measured is what came of a load, with the processor time that it cost each side.
type measured struct {
	sent
	server, database, client time.Duration
}

// perPulse gives a processor time in microseconds per pulse.
func (m measured) perPulse(d time.Duration) float64 {
	return float64(d) / float64(time.Microsecond) / float64(max(m.Pulses, 1))
}

// load puts a server under load and gives what was measured once it was warm. Pulses that were not stored are an error.
func (b *bench) load(ctx context.Context, s *server, p plan) (measured, error) {
	var m measured
	p.Address = s.Address
	client, err := spawn(ctx, roleLoad, p)
	if err != nil {
		return m, err
	}
	if err := client.hear(&begun{}); err != nil {
		return m, errors.Join(err, client.end())
	}
	before, err := b.costs(s, client)
	if err == nil {
		err = client.hear(&m.sent)
	}
	after, afterErr := b.costs(s, client)
	if err := errors.Join(err, afterErr, client.end()); err != nil {
		return m, err
	}
	m.server, m.database, m.client = after.server-before.server, after.database-before.database, after.client-before.client
	if m.Failed > 0 {
		return m, fmt.Errorf("%d connections failed, the first one with: %s", m.Failed, m.Failure)
	}
	return m, nil
}

func (b *bench) costs(s *server, client *process) (m measured, err error) {
	if m.server, err = cpuOf(s.pid()); err != nil {
		return m, err
	}
	if m.client, err = cpuOf(client.pid()); err != nil {
		return m, err
	}
	if s.database != nil && s.database.engine.postgres != nil {
		pid, err := s.database.engine.postgres.PID()
		if err != nil {
			return m, err
		}
		m.database, err = cpuOfFamily(pid)
		return m, err
	}
	return m, nil
}
