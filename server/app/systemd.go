package app

import (
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

// How much more time a start asks systemd for, and how often: a database that is waited for, or a migration, may take
// longer than any limit set beforehand.
const (
	startPatience = 30 * time.Second
	askEvery      = 10 * time.Second
)

// withPatience runs a start and keeps systemd from giving up on it meanwhile.
func withPatience(start func() error) error {
	started := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		tick := time.NewTicker(askEvery)
		defer tick.Stop()
		for {
			tellSystemd("EXTEND_TIMEOUT_USEC=" + strconv.FormatInt(startPatience.Microseconds(), 10))
			select {
			case <-started:
				return
			case <-tick.C:
			}
		}
	})
	defer asking.Wait()
	defer close(started)
	return start()
}

// tellSystemd tells systemd how the start goes, where it asked to be told.
func tellSystemd(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if path[0] == '@' {
		path = "\x00" + path[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return // systemd's time limit then says so
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}
