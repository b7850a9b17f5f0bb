package docs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds a build of the whole program on a busy machine.
const patience = 5 * time.Minute

// readmeAddress is where `make run` serves unless told otherwise.
const readmeAddress = "localhost:8443"

// running is a product that was started as the README says.
type running struct {
	make   *exec.Cmd
	folder string // holds bin and data, as the top of the repository does for a user
	port   int
	output chan string // lines
}

// makeRun starts `make run` with a folder and a port of its own and returns once it has printed the password.
func makeRun(t *testing.T) *running {
	t.Helper()
	r := &running{folder: t.TempDir(), port: freePort(t), output: make(chan string, 1000)}
	arguments := []string{"-C", top, "run", "BIN=" + r.folder + "/bin/watchkeeper", "DATA=" + r.folder + "/data"}
	r.make = exec.CommandContext(t.Context(), "make", arguments...)
	// A terminal makes a group of what it starts, and Ctrl-C goes to all of it.
	r.make.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r.make.Env = append(environment(), "WATCHKEEPER_LISTEN=:"+strconv.Itoa(r.port))
	pipe, err := r.make.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.make.Stderr = r.make.Stdout
	if err := r.make.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-r.make.Process.Pid, syscall.SIGKILL) })
	go r.read(pipe)
	r.await(t, regexp.MustCompile(`^Password: \S+$`))
	return r
}

func (r *running) read(pipe io.Reader) {
	defer close(r.output)
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		r.output <- lines.Text()
	}
}

// await reads lines until one matches.
func (r *running) await(t *testing.T, pattern *regexp.Regexp) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var seen []string
	for {
		select {
		case line, open := <-r.output:
			if !open {
				t.Fatalf("make run ended without a line like %s:\n%s", pattern, strings.Join(seen, "\n"))
			}
			if pattern.MatchString(line) {
				return
			}
			seen = append(seen, line)
		case <-ctx.Done():
			t.Fatalf("make run printed no line like %s:\n%s", pattern, strings.Join(seen, "\n"))
		}
	}
}

// interrupt does what Ctrl-C does and returns when make has ended and everything that held its output too.
func (r *running) interrupt(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(-r.make.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { _ = syscall.Kill(-r.make.Process.Pid, syscall.SIGKILL) })
	defer late.Stop()
	for line := range r.output {
		t.Log(line)
	}
	var exit *exec.ExitError
	err := r.make.Wait()
	// make dies of the same signal once the server has ended in good order; "Error" would be the server's exit code.
	if err != nil && (!errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGINT) {
		t.Errorf("make run ended with %v", err)
	}
}

// run executes a script in the product's folder and returns what it printed.
func (r *running) run(t *testing.T, script string) string {
	t.Helper()
	script = strings.ReplaceAll(script, readmeAddress, "localhost:"+strconv.Itoa(r.port))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = r.folder
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return string(out)
}

// environment is ours without the settings of a product that somebody else runs.
func environment() []string {
	var kept []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "WATCHKEEPER_") && !strings.HasPrefix(variable, "MAKE") && !strings.HasPrefix(variable, "MFLAGS") {
			kept = append(kept, variable)
		}
	}
	return kept
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

// examples returns the shell blocks of a section of the README, unindented.
func examples(t *testing.T, section string) []string {
	t.Helper()
	_, text, found := strings.Cut(readFile(t, "README.md"), "\n## "+section+"\n")
	if !found {
		t.Fatalf("README.md has no section %q", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	var blocks []string
	for _, match := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, match[1])
	}
	return blocks
}

// TestReadme does what a new user does: make run, the examples as printed one after the other, Ctrl-C.
func TestReadme(t *testing.T) {
	product := makeRun(t)
	t.Run("examples", func(t *testing.T) { checkExamples(t, product) })
	t.Run("settings exist", func(t *testing.T) { checkSettings(t, product) })

	product.interrupt(t)
	if _, err := net.DialTimeout("tcp", net.JoinHostPort("localhost", strconv.Itoa(product.port)), time.Second); err == nil {
		t.Error("the server still listens")
	}
}

func checkExamples(t *testing.T, product *running) {
	blocks := examples(t, "Try")
	if len(blocks) < 6 {
		t.Fatalf("README.md has %d examples, want the password and five uses of curl", len(blocks))
	}
	const separator = "-- next --\n"
	var script strings.Builder
	for _, block := range blocks[:6] {
		fmt.Fprintf(&script, "%s\necho; echo '%s'\n", block, strings.TrimSpace(separator))
	}
	script.WriteString(`curl -fsS --cacert data/ca.pem -H "password: $PASSWORD" https://` + readmeAddress + `/api/v1/events`)
	answers := strings.Split(product.run(t, script.String()), separator)
	if len(answers) != 7 {
		t.Fatalf("%d answers, want 7: %q", len(answers), answers)
	}
	for i, want := range []string{"", `"result":200`, "/ping/", "OK", `"ids":[`, `"try"`, "disk nearly full"} {
		if !strings.Contains(answers[i], want) {
			t.Errorf("the answer to\n%sholds no %q:\n%s", append(blocks[:6:6], "the list of events ")[i], want, answers[i])
		}
	}
	if !strings.Contains(answers[5], `"nightly"`) {
		t.Errorf("the list lacks a service:\n%s", answers[5])
	}
}

var variable = regexp.MustCompile(`\bWATCHKEEPER_[A-Z_]*[A-Z]\b`)

// checkSettings holds every variable that a page names to the program's help, which names it or, by the rule that
// WATCHKEEPER_A_B is --a-b, its flag.
func checkSettings(t *testing.T, product *running) {
	help := product.run(t, "bin/watchkeeper serve --help; bin/watchkeeper status --help")
	found := 0
	for _, page := range listFiles(t, "--cached", "--others", "--exclude-standard") {
		if !strings.HasSuffix(page, ".md") && !strings.HasSuffix(page, ".service") {
			continue
		}
		for _, name := range variable.FindAllString(readFile(t, page), -1) {
			setting := strings.TrimSuffix(strings.TrimPrefix(name, "WATCHKEEPER_"), "_FILE")
			flag := "--" + strings.ReplaceAll(strings.ToLower(setting), "_", "-")
			if found++; !regexp.MustCompile(`(?m)(^|\s)(` + flag + `|WATCHKEEPER_` + setting + `)([^\w-]|$)`).MatchString(help) {
				t.Errorf("%s names %s, which is no setting", page, name)
			}
		}
	}
	if found == 0 {
		t.Error("no page names a setting")
	}
}
