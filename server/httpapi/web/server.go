package web

import (
	"context"
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
)

// ServerOptions are what NewServer needs beside the handler. The zero value of each time means its default.
type ServerOptions struct {
	Floor *Floor
	// TLS is nil for plain HTTP. HTTP/2 is offered with TLS only. The server has a copy.
	TLS *tls.Config
	// Base is the context that all requests descend from; nil means one that never ends.
	Base context.Context

	HeaderTimeout time.Duration // for the headers of a request; default 10 s
	ReadTimeout   time.Duration // for the first bytes of a body, and for a handler that does not Extend; default 30 s
	WriteTimeout  time.Duration // for the answer, from the headers on, unless a handler Extends; default 60 s
	IdleTimeout   time.Duration // between the requests of a connection; default 2 min
}

// maxHeaders is for all headers of a request together, its URL included.
const maxHeaders = 64 << 10

// NewServer makes the server with its limits set. The caller gives it a listener, whose TLS, if the caller does it, is
// the server's TLSConfig, and stops it.
func NewServer(handler http.Handler, o ServerOptions) *http.Server {
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: orDefault(o.HeaderTimeout, 10*time.Second),
		ReadTimeout:       orDefault(o.ReadTimeout, 30*time.Second),
		WriteTimeout:      orDefault(o.WriteTimeout, answerTime),
		IdleTimeout:       orDefault(o.IdleTimeout, 2*time.Minute),
		MaxHeaderBytes:    maxHeaders,
		ErrorLog:          log.New(connectionLog{o.Floor}, "", 0),
		Protocols:         new(http.Protocols),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 250,
			// A peer that vanished holds its streams until somebody asks.
			SendPingTimeout:  30 * time.Second,
			PingTimeout:      15 * time.Second,
			WriteByteTimeout: 30 * time.Second,
		},
	}
	s.Protocols.SetHTTP1(true)
	if o.TLS != nil {
		s.Protocols.SetHTTP2(true)
		// Named here so that HTTP/2 also comes about when the caller does the TLS and calls Serve.
		s.TLSConfig = o.TLS.Clone()
		s.TLSConfig.NextProtos = []string{"h2", "http/1.1"}
	}
	if o.Base != nil {
		s.BaseContext = func(net.Listener) context.Context { return o.Base }
	}
	return s
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// connectionLog takes the lines that net/http writes of connections on which no request came to be. Anybody can bring
// them about, so they are counted as refusals are.
type connectionLog struct{ floor *Floor }

func (l connectionLog) Write(b []byte) (int, error) {
	text := strings.TrimSpace(string(b))
	c := cause{code: "connection", route: unmatchedRoute}
	if strings.Contains(text, "TLS handshake error") {
		c.code = "tls_handshake"
	}
	l.floor.refusals.note(c, instance{detail: text})
	return len(b), nil
}
