package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
	"watchkeeper/server/store/storetest/pgtest"
)

const password = "correct horse battery"

// installation is a data folder and a database on which servers are started.
type installation struct {
	folder, database string
	more             []string // further variables, such as WATCHKEEPER_SMTP_URL=...
	latest           atomic.Pointer[process]
}

// now gives the server that was started last.
func (in *installation) now() *process { return in.latest.Load() }

// each runs a test once on each engine.
func each(t *testing.T, test func(t *testing.T, in *installation)) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			in := &installation{folder: t.TempDir()}
			if engine == store.Postgres {
				in.database = pgtest.Database(t)
			}
			test(t, in)
		})
	}
}

// process is a server in a process of its own.
type process struct {
	cmd    *exec.Cmd
	url    string
	log    *syncBuffer
	client *http.Client
	exited chan error
}

// start starts a server and waits until it serves. It is killed when the test ends.
func (in *installation) start(t *testing.T) *process {
	t.Helper()
	p := &process{log: &syncBuffer{}, exited: make(chan error, 1)}
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), append([]string{
		serveVariable + "=1", "WATCHKEEPER_LISTEN=127.0.0.1:0", "WATCHKEEPER_TLS=off", "WATCHKEEPER_DATA=" + in.folder,
		"WATCHKEEPER_DATABASE=" + in.database, "WATCHKEEPER_PASSWORD=" + password, "WATCHKEEPER_SECRET=a secret of the tests",
		"WATCHKEEPER_TIME_ZONE=UTC",
	}, in.more...)...)
	p.cmd.Stderr = p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if a, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
				address <- a
			}
		}
		p.exited <- p.cmd.Wait()
	}()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	p.client = &http.Client{Transport: transport, Timeout: 20 * time.Second}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		p.kill()
		if t.Failed() {
			t.Logf("log of the server:\n%s", p.log.String())
		}
	})
	select {
	case a := <-address:
		p.url = "http://" + a
		in.latest.Store(p)
	case err := <-p.exited:
		p.exited <- err
		t.Fatalf("the server ended before it served: %v\n%s", err, p.log.String())
	case <-time.After(60 * time.Second):
		t.Fatalf("the server does not serve\n%s", p.log.String())
	}
	return p
}

// kill ends the server as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	err := <-p.exited
	p.exited <- err
}

// stop asks the server to end and gives how it ended.
func (p *process) stop(t *testing.T) error {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.exited:
		p.exited <- err
		return err
	case <-time.After(15 * time.Second):
		return fmt.Errorf("the server does not end")
	}
}

// do sends a request with the password, and gives the status and the body of the answer.
func (p *process) do(method, path, body string) (int, []byte, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("password", password)
	answer, err := p.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, text, err
}

// ask is do for requests that must succeed; it decodes the answer.
func ask[T any](t *testing.T, p *process, method, path, body string) T {
	t.Helper()
	status, text, err := p.do(method, path, body)
	if err != nil || status >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, path, status, text, err)
	}
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s %s answered %s: %v", method, path, text, err)
	}
	return v
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, within time.Duration, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(50 * time.Millisecond) // polls another process, which has no other way to be waited for
	}
}

// syncBuffer is a log that is written and read at once.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
