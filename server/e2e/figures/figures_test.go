package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryServiceHasItsTurn(t *testing.T) {
	for _, count := range []int{1, 2, 7, 1000, 20_000, 988_000} {
		o := newOrder(5, count)
		seen := make([]bool, count)
		for nth := range count {
			seen[o.at(nth)-5] = true
		}
		for i, was := range seen {
			if !was {
				t.Fatalf("of %d services number %d has no turn", count, i)
			}
		}
		if o.at(count) != o.at(0) {
			t.Errorf("of %d services the second round begins elsewhere", count)
		}
	}
}

func TestMessages(t *testing.T) {
	for r, want := range map[request]string{
		requestHeartbeat: `{"service":"service-0001234","nextIn":       60,"alertType":"figures","alertTarget":"anybody"}`,
		requestPulse:     "POST /api/v1/services/service-0001234/pulses HTTP/1.1\r\n",
		requestEvent:     `{"service":"service-0001234","level":`,
		requestPing:      "GET /ping/01900000-0000-7000-8000-000000001234 HTTP/1.1\r\n",
	} {
		m := newMessage(r)
		m.address(7_654_321, 100_000_000)
		m.address(1234, 60)
		if !strings.Contains(string(m.bytes), want) {
			t.Errorf("%s: %s", r, m.bytes)
		}
	}
}

func TestStored(t *testing.T) {
	const good = "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 14\r\n\r\n{\"result\":200}"
	for n := range len(good) {
		if done, err := stored([]byte(good[:n])); done || err != nil {
			t.Fatalf("%q: complete %v, %v", good[:n], done, err)
		}
	}
	if done, err := stored([]byte(good)); !done || err != nil {
		t.Errorf("complete %v, %v", done, err)
	}
	for _, bad := range []string{
		strings.Replace(good, ":200}", ":500}", 1), strings.Replace(good, "200 OK", "503 No", 1),
		strings.Replace(good, "Length: 14", "Length: x", 1), strings.Replace(good, "Content-Length", "Other", 1),
	} {
		if _, err := stored([]byte(bad)); err == nil {
			t.Errorf("%q counts as stored", bad)
		}
	}
}

func FuzzStored(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if done, err := stored(answer); done && (err != nil || !bytes.HasPrefix(answer, success)) {
			t.Errorf("%q: %v", answer, err)
		}
	})
}

func TestStatistics(t *testing.T) {
	if got := median([]float64{5, 1, 3}); got != 3 {
		t.Errorf("median %v", got)
	}
	if got := median([]float64{4, 1, 3, 2}); got != 2.5 {
		t.Errorf("median of four %v", got)
	}
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	if p50, p99, most := rank(hundred, 0.5), rank(hundred, 0.99), rank(hundred, 1); p50 != 51 || p99 != 100 || most != 100 {
		t.Errorf("ranks %v, %v, %v", p50, p99, most)
	}
	half := series{{sent: sent{Pulses: 10, Seconds: 2}}, {sent: sent{Pulses: 90, Seconds: 10}}}
	full := series{{sent: sent{Pulses: 10, Seconds: 1}}, {sent: sent{Pulses: 18, Seconds: 1}}}
	if got := ratio(half, full); got != 0.5 {
		t.Errorf("ratio %v", got)
	}
}

func TestUsage(t *testing.T) {
	own, err := cpuOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	family, err := cpuOfFamily(os.Getpid())
	if err != nil || family < own {
		t.Errorf("the family took %v, we alone %v, %v", family, own, err)
	}
	s, err := parseStat([]byte("7 (a) b (c) S 3 7 7 0 -1 0 0 0 0 0 100 50 20 5 20 0 1"))
	if want := (stat{parent: 3, own: 1500 * time.Millisecond, gone: 250 * time.Millisecond}); err != nil || s != want {
		t.Errorf("%+v, want %+v, %v", s, want, err)
	}
	m, err := memoryOf(os.Getpid())
	if err != nil || m.resident <= 0 || m.highest < m.anonymous {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := parseStatus("VmRSS:  10 kB\n"); err == nil {
		t.Error("a status without most figures was taken")
	}
}

func TestWhatFallsIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.jsonl")
	run := func(value float64) string {
		var out strings.Builder
		r := newReport(&out)
		r.add(result{Figure: "1", Engine: "sqlite", Value: value, Unit: "ms", Goal: goal{ofValue, atMost, 20}})
		r.add(result{Figure: "2", Engine: "sqlite", Ratio: 0.3, Goal: goal{ofRatio, atLeast, 0.4}})
		r.add(result{Figure: "3", Engine: "sqlite", Value: 7})
		if err := r.finish(path); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if first := run(10); strings.Contains(first, "FELL") {
		t.Errorf("the first run fell: %s", first)
	}
	if second := run(21); !strings.Contains(second, "FELL below a goal that was reached before: 1 on sqlite\n") {
		t.Errorf("the second run fell and did not say so: %s", second)
	}
	if third := run(12); strings.Contains(third, "FELL") {
		t.Errorf("the third run fell: %s", third)
	}
}

// The baseline and the load generator speak with each other as in a real run, in goroutines instead of processes.
func TestLoadAgainstTheBaseline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	bare := play(ctx, serveBaseline)
	var at ready
	tell(t, bare, struct{}{}, &at)

	load := play(ctx, sendLoad)
	tell(t, load, plan{
		Address: at.Address, Request: requestHeartbeat, Connections: 4, Services: 100, NextIn: 60, Rate: 1000, Total: 60, Duration: 10 * time.Second,
	}, &begun{})
	var s sent
	if err := load.hear(&s); err != nil {
		t.Fatal(err)
	}
	if s.Pulses != 60 || s.Failed != 0 || s.P50 <= 0 || s.Slowest < s.P99 {
		t.Errorf("%+v", s)
	}
	for _, p := range []*part{load, bare} {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}
}

// part is a role that is played in this process.
type part struct {
	*conversation
	input io.Closer
	done  chan error
}

func play(ctx context.Context, role func(context.Context, *conversation) error) *part {
	theirIn, ourOut := io.Pipe()
	ourIn, theirOut := io.Pipe()
	p := &part{conversation: newConversation(ourIn, ourOut), input: ourOut, done: make(chan error, 1)}
	go func() {
		err := role(ctx, newConversation(theirIn, theirOut))
		_ = theirOut.CloseWithError(fmt.Errorf("the role ended: %w", err))
		p.done <- err
	}()
	return p
}

func (p *part) stop() error {
	_ = p.input.Close()
	return <-p.done
}

func tell(t *testing.T, p *part, settings, answer any) {
	t.Helper()
	if err := p.say(settings); err != nil {
		t.Fatal(err)
	}
	if err := p.hear(answer); err != nil {
		t.Fatal(err)
	}
}
