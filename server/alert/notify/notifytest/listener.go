package notifytest

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// listener hands out connections that misbehave as the server was told.
type listener struct {
	net.Listener
	server   *SMTP
	slow     atomic.Int64 // nanoseconds before each byte
	accepted atomic.Int64
	stopped  chan struct{}
	once     sync.Once
}

func newListener(plain net.Listener, server *SMTP) *listener {
	return &listener{Listener: plain, server: server, stopped: make(chan struct{})}
}

// stop closes the listener, too: a server that did not come to serve yet does not know it.
func (l *listener) stop() {
	l.once.Do(func() { close(l.stopped) })
	_ = l.Close()
}

// Accept gives the next connection, after a refused greeting the one after it.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.accepted.Add(1)
		r, ok := l.server.next(StepGreeting, "")
		if !ok {
			return &conn{Conn: c, listener: l}, nil
		}
		if !r.Drop {
			_, _ = fmt.Fprintf(c, "%d %s\r\n", r.Code, r.Text)
		}
		_ = c.Close()
	}
}

// conn is slow where its listener is.
type conn struct {
	net.Conn
	listener *listener
}

// Write sends one byte after the other while the listener is slow.
func (c *conn) Write(p []byte) (int, error) {
	for i := range p {
		wait := time.Duration(c.listener.slow.Load())
		if wait == 0 {
			n, err := c.Conn.Write(p[i:])
			return i + n, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-c.listener.stopped:
			timer.Stop()
			return i, net.ErrClosed
		}
		if _, err := c.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}
