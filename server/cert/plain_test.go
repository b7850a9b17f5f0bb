package cert

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"watchkeeper/server/store"
	"watchkeeper/server/store/storetest"
)

func TestPlainHTTPIsTold(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	k := open(t, selfOptions(t, f), f)
	address := serve(t, k)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
		t.Run(method, func(t *testing.T) {
			sent := strings.NewReader(strings.Repeat("x", 100_000))
			request, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+"/heartbeat", sent)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			answer, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Body.Close() }()
			body, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != http.StatusBadRequest {
				t.Errorf("answered %s, %v", answer.Status, err)
			}
			if want := "https://" + address + "/"; method != http.MethodHead && !strings.Contains(string(body), want) {
				t.Errorf("answered %q, want %s in it", body, want)
			}
			if took := time.Since(began); took > headTime/2 {
				t.Errorf("took %v", took)
			}
		})
	}
	if _, err := shake(t, address, trusting(authorityOf(t, k).PEM, f.Clock, "localhost")); err != nil {
		t.Errorf("TLS on the same port: %v", err)
	}
}

func TestPlainHTTPInPieces(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	k := open(t, selfOptions(t, f), f)
	address := serve(t, k)
	tests := map[string]struct {
		pieces []string
		want   string
	}{
		"byte by byte":    {strings.Split("GET / HTTP/1.0\nhOST:  box:1\n\n", ""), "https://box:1/"},
		"no host":         {[]string{"GET / HTTP/1.0\r\n\r\n"}, "https://watch.example.org:8443/"},
		"hostile host":    {[]string{"GET / HTTP/1.1\r\nHost: <script>\r\n\r\n"}, "https://watch.example.org:8443/"},
		"HTTP/2":          {[]string{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}, "https://watch.example.org:8443/"},
		"endless headers": {[]string{"GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 2*maxHead)}, "https://watch.example.org:8443/"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			for _, piece := range test.pieces {
				if _, err := io.WriteString(c, piece); err != nil {
					t.Fatal(err)
				}
			}
			answer, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Body.Close() }()
			body, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), test.want) {
				t.Errorf("answered %s %q, %v, want %s in it", answer.Status, body, err, test.want)
			}
		})
	}
}

// A client that hears of a reset while it is still sending may never look at the answer.
func TestPlainHTTPStillSending(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	c, err := net.Dial("tcp", serve(t, open(t, selfOptions(t, f), f)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: box\r\nContent-Length: 100000\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || answer.StatusCode != http.StatusBadRequest {
		t.Fatalf("answered %+v, %v", answer, err)
	}
	defer func() { _ = answer.Body.Close() }()
	for i := range 50 {
		if _, err := c.Write(make([]byte, 1000)); err != nil {
			t.Fatalf("write %d after the answer: %v", i, err)
		}
	}
}

func TestSilentConnectionsHoldNobodyUp(t *testing.T) {
	f := storetest.Open(t, store.SQLite)
	k := open(t, selfOptions(t, f), f)
	address := serve(t, k)
	for i := range 50 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if i%2 == 0 { // plain, and never finished
			if _, err := io.WriteString(c, "GET /"); err != nil {
				t.Fatal(err)
			}
		}
	}
	began := time.Now()
	if _, err := shake(t, address, trusting(authorityOf(t, k).PEM, f.Clock, "localhost")); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > headTime/2 {
		t.Errorf("a handshake took %v beside silent connections", took)
	}
}

// What is not plain HTTP reaches TLS byte for byte, and its answer gets back.
func TestOtherBytesPassThrough(t *testing.T) {
	for _, first := range []byte{0x16, 0x15, 0x80, 0, '1', '{', 0xff} {
		server, client := net.Pipe()
		sent := append([]byte{first}, "the rest"...)
		go func() {
			_, _ = client.Write(sent)
			_ = client.Close()
		}()
		got, err := io.ReadAll(&conn{Conn: server})
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("first byte %#x: read %q, %v", first, got, err)
		}
		_ = server.Close()
	}
}

func FuzzPlainAnswer(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: box:8443\r\n\r\n"), "watch.example")
	f.Add([]byte("Host: a\r\nHost: b"), "")
	f.Add([]byte("Host:\x00\nHost:<b>\n"), "x")
	f.Fuzz(func(t *testing.T, head []byte, public string) {
		host := hostOf(head)
		if strings.ContainsAny(host, "\r\n \"<>&/\\'") || len(host) > 300 {
			t.Errorf("repeats the host %q", host)
		}
		if host == "" {
			public = fmt.Sprintf("%x", public) // settings are not hostile
		}
		answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(plainAnswer(head, public))), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "https://") {
			t.Errorf("answered %s %q, %v", answer.Status, body, err)
		}
	})
}
