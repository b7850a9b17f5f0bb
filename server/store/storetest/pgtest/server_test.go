package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

// abandonVariable makes this test program start a server and wait to be killed.
const abandonVariable = "PGTEST_ABANDON"

func TestMain(m *testing.M) {
	if os.Getenv(abandonVariable) != "" {
		abandon()
	}
	goleak.VerifyTestMain(Wrap(m))
}

func abandon() {
	server, err := New(context.Background(), Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(server.folder)
	select {}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close(context.Background()) })
	return connection
}

func scalar[T any](t *testing.T, url, query string) T {
	t.Helper()
	var value T
	if err := connect(t, url).QueryRow(t.Context(), query).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestServerSettings(t *testing.T) {
	tests := map[string]struct {
		options Options
		want    map[string]string
	}{
		"fast": {Options{}, map[string]string{
			"fsync": "off", "synchronous_commit": "on", "listen_addresses": "", "max_connections": "200", "timezone": "GMT",
		}},
		"durable": {Options{Durability: Durable}, map[string]string{
			"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "listen_addresses": "",
		}},
		"own": {Options{Settings: map[string]string{"max_connections": "17", "application_name": "it's"}}, map[string]string{
			"fsync": "off", "max_connections": "17", "application_name": "it's",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			url := Start(t, test.options).Database(t)
			for setting, want := range test.want {
				if got := scalar[string](t, url, "show "+setting); got != want {
					t.Errorf("%s = %q, want %q", setting, got, want)
				}
			}
		})
	}
}

func TestUnknownDurability(t *testing.T) {
	server, err := New(t.Context(), Options{Durability: "maybe"})
	if err == nil {
		must(t, server.Close())
		t.Fatal("a server started with an unknown durability")
	}
}

func TestServerComesBack(t *testing.T) {
	tests := map[string]func(*Server, context.Context) error{
		"after stop": (*Server).Stop,
		"after kill": (*Server).Kill,
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			server := Start(t, Options{Durability: Durable})
			url := server.Database(t)
			connection := connect(t, url)
			_, err := connection.Exec(t.Context(), "create table kept as select 7 as n")
			must(t, err)

			must(t, end(server, t.Context()))
			if err := connection.Ping(t.Context()); err == nil {
				t.Error("a connection outlived its server")
			}
			if _, err := pgx.Connect(t.Context(), url); err == nil {
				t.Error("a server that ended accepts connections")
			}
			must(t, server.Start(t.Context()))
			if got := scalar[int](t, url, "select n from kept"); got != 7 {
				t.Errorf("n = %d, want 7", got)
			}
			log, err := server.Log()
			must(t, err)
			if got, want := strings.Contains(log, "automatic recovery in progress"), name == "after kill"; got != want {
				t.Errorf("recovered from a crash: %v, want %v; log:\n%s", got, want, log)
			}
		})
	}
}

func TestCloseRemovesEverything(t *testing.T) {
	server, err := New(t.Context(), Options{})
	must(t, err)
	must(t, server.Close())
	if _, err := os.Stat(server.folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the server's folder is still there: %v", err)
	}
}

func TestKilledProcessLeavesNothing(t *testing.T) {
	program, err := os.Executable()
	must(t, err)
	child := exec.CommandContext(t.Context(), program)
	child.Env = append(os.Environ(), abandonVariable+"=1")
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	folder := strings.TrimSpace(line)
	if _, err := os.Stat(folder + "/data/postmaster.pid"); err != nil {
		t.Fatalf("no server was started: %q, %v", folder, err)
	}

	must(t, child.Process.Kill())
	_ = child.Wait() // it was killed
	// Nothing tells us when another process has removed a folder.
	deadline := time.After(20 * time.Second)
	for {
		if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s is still there", folder)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
