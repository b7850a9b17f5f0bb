package web

import (
	"context"
	"io"
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5"

	"watchkeeper/api"
)

// exchange is one request and its answer. It is the request's context and the writer of the answer at once, and holds
// chi's routing context, so that a request costs one allocation here and saves those that chi would make.
type exchange struct {
	context.Context // the one the server made
	http.ResponseWriter

	floor   *Floor
	route   *chi.Context
	request *http.Request

	id      [1]string // as the header wants it
	address netip.Addr
	located bool // address has been looked for
	scheme  string

	who api.Actor // without what is filled in when somebody asks for it

	status int // 0 until the header is written
	bytes  int64
}

type exchangeKey struct{}

// exchangeOf gives the exchange of a request that passed the Floor, or nil.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// Value gives the exchange, who asks and chi's routing context, and asks the server's context for everything else.
func (x *exchange) Value(key any) any {
	switch key {
	case exchangeKey{}:
		return x
	case chi.RouteCtxKey:
		return x.route
	case api.ActorKey{}:
		if x.who.Kind != "" {
			return x
		}
	}
	return x.Context.Value(key)
}

// WriteHeader notes the first final status.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write counts what was written.
func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	n, err := x.ResponseWriter.Write(b)
	x.bytes += int64(n)
	return n, err
}

// ReadFrom lets io.Copy use the buffers of net/http.
func (x *exchange) ReadFrom(r io.Reader) (int64, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	n, err := io.Copy(x.ResponseWriter, r)
	x.bytes += n
	return n, err
}

// Flush is for libraries that look for http.Flusher; our own code uses http.ResponseController.
func (x *exchange) Flush() {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	if f, ok := x.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Unwrap lets http.ResponseController reach the server's writer.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// Identify notes on whose behalf a request is served, so that its context has them as actor. Where it came from is filled
// in here.
func Identify(ctx context.Context, who api.Actor) {
	if x := exchangeOf(ctx); x != nil {
		x.who = who
	}
}

// Actor gives on whose behalf the request is served.
func (x *exchange) Actor() api.Actor {
	who := x.who
	who.RequestID = x.id[0]
	if address := x.clientAddress(); address.IsValid() {
		who.Address = address.String()
	}
	return who
}

// ClientAddress gives the address of the client, which a trusted proxy may have told. It is not valid when unknown.
func ClientAddress(ctx context.Context) netip.Addr {
	if x := exchangeOf(ctx); x != nil {
		return x.clientAddress()
	}
	return netip.Addr{}
}

// Scheme gives "http" or "https": how the client reached this server or the trusted proxy in front of it.
func Scheme(ctx context.Context) string {
	if x := exchangeOf(ctx); x != nil {
		return x.scheme
	}
	return ""
}

// clientAddress is looked for only when somebody asks, as most pulses are stored without it.
func (x *exchange) clientAddress() netip.Addr {
	if !x.located {
		x.address, x.located = peerAddress(x.request.RemoteAddr), true
	}
	return x.address
}
