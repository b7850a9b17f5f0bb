package e2e

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"watchkeeper/api"
)

// acknowledged is what clients were told is stored.
type acknowledged struct {
	mu     sync.Mutex
	pulses map[string]int  // by service
	events map[string]bool // by message
}

func (a *acknowledged) pulse(service string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pulses[service]++
}

func (a *acknowledged) event(message string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events[message] = true
}

// load sends pulses and events over many connections until stop is closed or the server is gone.
func load(p *process, round int, a *acknowledged, stop <-chan struct{}) *sync.WaitGroup {
	var wg sync.WaitGroup
	for c := range 24 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if c%3 == 0 {
					message := fmt.Sprintf("round %d client %d event %d", round, c, i)
					status, _, err := p.do("POST", "/api/v1/events", fmt.Sprintf(`{"service":"load","message":%q}`, message))
					if err != nil {
						return
					}
					if status < 300 {
						a.event(message)
					}
					continue
				}
				service := fmt.Sprintf("job %d", (c+i)%40)
				status, text, err := p.do("POST", "/heartbeat",
					fmt.Sprintf(`{"service":%q,"nextIn":3600,"alertType":"mail","alertTarget":"me@example.org"}`, service))
				if err != nil {
					return
				}
				var answer struct{ Result int }
				if status == 200 && json.Unmarshal(text, &answer) == nil && answer.Result == 200 {
					a.pulse(service)
				}
			}
		})
	}
	return &wg
}

// check finds everything again that was acknowledged.
func (a *acknowledged) check(t *testing.T, p *process) {
	t.Helper()
	events := map[string]bool{}
	for path := "/api/v1/events?limit=1000&service=load"; ; {
		page := ask[api.Page[api.Event]](t, p, "GET", path, "")
		for _, e := range page.Items {
			events[e.Message] = true
		}
		if page.Next == "" {
			break
		}
		path = "/api/v1/events?limit=1000&service=load&cursor=" + page.Next
	}
	for message := range a.events {
		if !events[message] {
			t.Errorf("the acknowledged event %q is lost", message)
		}
	}
	for service, n := range a.pulses {
		if kept := countPulses(t, p, service); kept < n {
			t.Errorf("%s has %d pulses, %d were acknowledged", service, kept, n)
		}
	}
	t.Logf("%d events and the pulses of %d services were acknowledged and found again", len(a.events), len(a.pulses))
}

func countPulses(t *testing.T, p *process, service string) int {
	n := 0
	base := "/api/v1/services/" + pathEscape(service) + "/pulses?limit=1000"
	for path := base; ; {
		page := ask[api.Page[api.PulseRecord]](t, p, "GET", path, "")
		n += len(page.Items)
		if page.Next == "" {
			return n
		}
		path = base + "&cursor=" + page.Next
	}
}

func TestNothingAcknowledgedIsLostWhenKilled(t *testing.T) {
	each(t, func(t *testing.T, in *installation) {
		a := &acknowledged{pulses: map[string]int{}, events: map[string]bool{}}
		for round := range 3 {
			p := in.start(t)
			stop := make(chan struct{})
			clients := load(p, round, a, stop)
			time.Sleep(700 * time.Millisecond) // load must have been going on for a while when the power goes
			p.kill()
			close(stop)
			clients.Wait()
		}
		if len(a.events) == 0 || len(a.pulses) == 0 {
			t.Fatal("nothing was acknowledged")
		}
		a.check(t, in.start(t))
	})
}

func TestStopInGoodOrderDropsNoAcceptedRequest(t *testing.T) {
	each(t, func(t *testing.T, in *installation) {
		a := &acknowledged{pulses: map[string]int{}, events: map[string]bool{}}
		p := in.start(t)
		stop := make(chan struct{})
		clients := load(p, 0, a, stop)
		time.Sleep(300 * time.Millisecond) // requests must be under way
		began := time.Now()
		if err := p.stop(t); err != nil {
			t.Errorf("ended with %v", err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("stopping took %s", took)
		}
		close(stop)
		clients.Wait()
		a.check(t, in.start(t))
	})
}
