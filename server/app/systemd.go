package app

import (
	"net"
	"os"
)

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
