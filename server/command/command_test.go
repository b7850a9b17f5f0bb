package command_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify/notifytest"
	"watchkeeper/server/command"
	"watchkeeper/server/store/storetest/pgtest"
)

// TestMain lets scripts run the program, which is this one under another name.
func TestMain(m *testing.M) {
	testscript.Main(pgtest.Wrap(m), map[string]func(){
		"watchkeeper": func() { os.Exit(command.Main(command.ThisProcess("1.2.3-test"))) },
	})
}

// TestScripts runs what testdata/script says, each in an empty folder with a port of its own in $WATCHKEEPER_LISTEN.
// Beside the usual commands a script has those of the map below.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			address, err := freeAddress()
			if err != nil {
				return err
			}
			env.Setenv("WATCHKEEPER_LISTEN", address)
			env.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"until": until,
			"set":   set,
			"postgres": func(ts *testscript.TestScript, _ bool, _ []string) {
				ts.Setenv("WATCHKEEPER_DATABASE", pgtest.Database(t))
			},
			// newdatabase NAME: the variable becomes the URL of an empty database.
			"newdatabase": func(ts *testscript.TestScript, _ bool, args []string) { ts.Setenv(args[0], pgtest.Database(t)) },
			"mailserver":  func(ts *testscript.TestScript, _ bool, _ []string) { startMail(t, ts) },
			"certificate": certificate,
			"pulse":       pulse,
			"await":       await,
			"terminate":   terminate,
			"hold":        hold,
			"example":     example,
			"sqlite":      sqlite,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// run runs a program to its end and gives its exit code; what it printed is there for stdout and stderr.
func run(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(args[0], args[1:]...)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v: %v", args, err)
	}
	if exit != nil {
		return exit.ExitCode()
	}
	return 0
}

// exits CODE PROGRAM ARG...: the program must end with the code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := run(ts, args[1:]); got != want {
		ts.Fatalf("%v: exit code %d, want %d", args[1:], got, want)
	}
}

// patience is for whatever comes without being announced.
const patience = time.Minute

// until CODE PATTERN PROGRAM ARG...: the program is run again and again until it ends with the code and prints PATTERN.
func until(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		code := run(ts, args[2:])
		printed := ts.ReadFile("stdout") + ts.ReadFile("stderr")
		if strconv.Itoa(code) == args[0] && strings.Contains(printed, args[1]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%v: still exit code %d and\n%s", args[2:], code, printed)
		}
	}
}

// await FILE TEXT: waits until the text is in the file.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		written := ts.ReadFile(args[0])
		if strings.Contains(written, args[1]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s has no %q:\n%s", args[0], args[1], written)
		}
	}
}

// terminate: sends SIGTERM to whatever runs in the background.
func terminate(ts *testscript.TestScript, _ bool, _ []string) {
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(syscall.SIGTERM))
	}
}

// set NAME [FIELD]: the variable becomes what the program before printed, or the word behind FIELD in it.
func set(ts *testscript.TestScript, _ bool, args []string) {
	printed := ts.ReadFile("stdout")
	if len(args) == 1 {
		ts.Setenv(args[0], strings.TrimSpace(printed))
		return
	}
	_, rest, found := strings.Cut(printed, args[1])
	if words := strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune(" \"\n", r) }); found && len(words) > 0 {
		ts.Setenv(args[0], words[0])
		return
	}
	ts.Fatalf("nothing behind %s in\n%s", args[1], printed)
}

// startMail starts a mail server and sets the variables by which the program sends through it.
func startMail(t *testing.T, ts *testscript.TestScript) {
	server := notifytest.StartSMTP(t, notifytest.SMTPOptions{})
	ts.Setenv("WATCHKEEPER_SMTP_URL", "smtp://"+server.Addr())
	ts.Setenv("WATCHKEEPER_SMTP_FROM", "watchkeeper@example.org")
}

// pulse SERVICE: pings the service as a cron line would.
func pulse(ts *testscript.TestScript, _ bool, args []string) {
	if code := run(ts, []string{"watchkeeper", "service", "show", args[0], "--json"}); code != 0 {
		ts.Fatalf("exit code %d", code)
	}
	var service api.ServiceView
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &service))
	ca, err := os.ReadFile(ts.MkAbs("data/ca.pem"))
	ts.Check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	pinger := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	answer, err := pinger.Get(service.PingURL)
	ts.Check(err)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s", service.PingURL, answer.Status)
	}
}

// example PAGE FILE: writes the first YAML of a page of the documentation into a file.
func example(ts *testscript.TestScript, _ bool, args []string) {
	page, err := os.ReadFile(filepath.Join(docs, args[0]))
	ts.Check(err)
	_, rest, found := strings.Cut(string(page), "```yaml\n")
	text, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		ts.Fatalf("%s has no YAML", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// docs is the folder of the documentation: scripts run in folders of their own.
var docs, _ = filepath.Abs(filepath.Join("..", "..", "docs"))

// hold: begins a request to the server and does not end it.
func hold(ts *testscript.TestScript, _ bool, _ []string) {
	conn, err := tls.Dial("tcp", ts.Getenv("WATCHKEEPER_LISTEN"), &tls.Config{InsecureSkipVerify: true})
	ts.Check(err)
	ts.Defer(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /api/v1/events HTTP/1.1\r\nHost: x\r\npassword: %s\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n",
		ts.Getenv("PASSWORD"))
	ts.Check(err)
	answer := make([]byte, 64) // the server asks for the body when it has begun to serve the request
	n, err := conn.Read(answer)
	ts.Check(err)
	if !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 100 ") {
		ts.Fatalf("the server answered %q", answer[:n])
	}
}

// sqlite STATEMENT: changes a row of the database of the data folder, behind the program's back.
func sqlite(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs("data/watchkeeper.db"))
	ts.Check(err)
	defer db.Close()
	result, err := db.ExecContext(context.Background(), args[0])
	ts.Check(err)
	if n, err := result.RowsAffected(); n != 1 || err != nil {
		ts.Fatalf("%s changed %d rows: %v", args[0], n, err)
	}
}

// certificate HOST: makes cert.pem and key.pem for a host.
func certificate(ts *testscript.TestScript, _ bool, args []string) {
	cert, key, err := newCertificate(args[0])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("cert.pem"), cert, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("key.pem"), key, 0o600))
}
