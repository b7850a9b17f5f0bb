package cert

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const (
	maxHead    = 8 << 10
	maxDrain   = 256 << 10
	headTime   = 5 * time.Second
	lingerTime = time.Second
	maxHost    = maxDNSName + len(":65535")
	inHost     = "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]"
)

// errPlain ends the handshake of a connection that was answered in plain HTTP.
var errPlain = errors.New("plain HTTP on a port of TLS")

// listener gives connections that know plain HTTP when they see it. All is done by whoever reads from a connection, so
// that accepting neither waits for anybody nor needs goroutines.
type listener struct {
	net.Listener
	public string
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, public: l.public}, nil
}

// conn looks at the first byte that is read. Until it comes, the deadline for the handshake, which is the reader's, is in
// force.
type conn struct {
	net.Conn
	public string
	begun  bool
}

// Read is called by one goroutine at a time, as TLS does.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.begun || n == 0 {
		return n, err
	}
	c.begun = true
	if first := b[0]; first < 'A' || first > 'z' {
		return n, err
	}
	c.refuse(b[:n])
	return 0, errPlain
}

// refuse answers a request of plain HTTP. Errors have nobody to go to.
func (c *conn) refuse(begin []byte) {
	_ = c.SetDeadline(time.Now().Add(headTime)) // in the machine's time, as the network has it
	head := c.readHead(begin)
	if _, err := c.Write(plainAnswer(head, c.public)); err != nil {
		return
	}
	// Closing with something unread would reset the connection, and the client might lose the answer over it.
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = c.SetDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.Conn, maxDrain)
	}
}

// readHead reads on to the end of the request's headers, as far as it comes within the bounds.
func (c *conn) readHead(begin []byte) []byte {
	head := append(make([]byte, 0, maxHead), begin...)
	for len(head) < maxHead && !bytes.Contains(head, []byte("\r\n\r\n")) && !bytes.Contains(head, []byte("\n\n")) {
		n, err := c.Conn.Read(head[len(head):min(cap(head), maxHead)])
		head = head[:len(head)+n]
		if err != nil {
			break
		}
	}
	return head
}

// plainAnswer names the address to use: the one that the client used, since it has led here, else the public one.
func plainAnswer(head []byte, public string) []byte {
	advice := "use https:// instead of http://"
	if host := hostOf(head); host != "" {
		advice = fmt.Sprintf("use https://%s/ instead of http://%s/", host, host)
	} else if public != "" {
		advice = fmt.Sprintf("use https://%s/", public)
	}
	body := "This port speaks HTTPS only: " + advice + "\n"
	return fmt.Appendf(nil, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"+
		"X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		len(body), body)
}

// hostOf gives the host that the headers of a request name, with its port, and "" when there is none that may be repeated
// in an answer.
func hostOf(head []byte) string {
	for line := range strings.SplitSeq(string(head), "\n") {
		name, value, found := strings.Cut(line, ":")
		if !found || !strings.EqualFold(name, "Host") {
			continue
		}
		value = strings.TrimSpace(value)
		if len(value) > maxHost || strings.Trim(strings.ToLower(value), inHost) != "" {
			return ""
		}
		return value
	}
	return ""
}
