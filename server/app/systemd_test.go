package app

import (
	"errors"
	"net"
	"path/filepath"
	"testing"
)

// systemd listens in the place of systemd, and gives what it is told.
func systemd(t *testing.T, name string) <-chan string {
	t.Helper()
	path := name
	if path[0] == '@' {
		path = "\x00" + path[1:]
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", name)
	told := make(chan string, 100)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buffer := make([]byte, 1000)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			told <- string(buffer[:n])
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-ended })
	return told
}

func TestSystemdIsAskedForPatience(t *testing.T) {
	for kind, name := range map[string]string{
		"a file": filepath.Join(t.TempDir(), "notify"), "an abstract name": "@watchkeeper-test-" + filepath.Base(t.TempDir()) + t.Name(),
	} {
		t.Run(kind, func(t *testing.T) {
			told := systemd(t, name)
			failure := errors.New("no")
			var first string
			if err := withPatience(func() error { first = <-told; return failure }); !errors.Is(err, failure) {
				t.Errorf("error %v, want that of the start", err)
			}
			if want := "EXTEND_TIMEOUT_USEC=30000000"; first != want {
				t.Errorf("systemd is told %q, want %q", first, want)
			}
		})
	}
}

func TestWithoutSystemdNobodyIsTold(t *testing.T) {
	for name, socket := range map[string]string{"none": "", "one that nobody listens on": filepath.Join(t.TempDir(), "none")} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NOTIFY_SOCKET", socket)
			if err := withPatience(func() error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
}
