package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"watchkeeper/api"
)

// The sizes of the buffers that bodies are read into.
const (
	smallBody  = 4 << 10  // the buffer every request may have at no charge, and all that a pulse needs
	pooledBody = 16 << 10 // larger buffers are charged, and left to the collector
	// maxDrained is how much of a body that is too long is still read, so that the client sees the answer.
	maxDrained = 4 << 20
)

// Body is the body of a request, read and decompressed. Its bytes belong to a pool: they are valid until Release, and
// nothing that outlives the request may point into them.
type Body struct {
	Data      []byte
	Truncated bool // ReadPrefix left out the rest

	owner   *bodies
	charged int64
}

// Release gives the buffer back. It may be called more than once, and on nil.
func (b *Body) Release() {
	if b == nil || b.owner == nil {
		return
	}
	owner := b.owner
	owner.memory.Add(-b.charged)
	b.owner, b.charged, b.Truncated = nil, 0, false
	if cap(b.Data) > pooledBody {
		b.Data = nil
		return
	}
	b.Data = b.Data[:0]
	owner.buffers.Put(b)
}

// ReadBody reads the whole body of a request that passed the Floor. It may be compressed with gzip or zstd; neither what
// is sent nor what it expands to may be larger than limit. The caller releases the body.
//
// A body above the limit is KindTooLarge, before anything is read where its length is announced; one that arrives too
// slowly KindTimeout, an unknown encoding KindMediaType, damaged compression KindMalformed, and KindUnavailable says
// that too many large bodies are under way.
func ReadBody(r *http.Request, limit int64) (*Body, error) {
	x := exchangeOf(r.Context())
	if x == nil {
		return nil, errNoFloor
	}
	coding, err := codingOf(x, r)
	if err != nil {
		return nil, err
	}
	if r.ContentLength > limit {
		return nil, tooLargeError(limit)
	}
	body, err := x.floor.bodies.read(x, r, limit)
	if errors.Is(err, errBodyTooLong) {
		body.Release()
		return nil, tooLargeError(limit)
	}
	if err != nil || coding == codingNone || len(body.Data) == 0 {
		return body, err
	}
	defer body.Release()
	return x.floor.bodies.decompress(r.Context(), compressed{coding, body.Data, limit})
}

// ReadPrefix reads the first keep bytes of a body as they are, whatever its encoding, and drops the rest: a sign of life
// is not refused for what it carries. A body that arrives too slowly is KindTimeout. The caller releases the body.
func ReadPrefix(r *http.Request, keep int64) (*Body, error) {
	x := exchangeOf(r.Context())
	if x == nil {
		return nil, errNoFloor
	}
	body, err := x.floor.bodies.read(x, r, keep)
	if !errors.Is(err, errBodyTooLong) {
		return body, err
	}
	body.Data, body.Truncated = body.Data[:keep], true
	return body, x.floor.bodies.drain(x, r)
}

var (
	errNoFloor     = errors.New("reading a body: the request did not pass a Floor")
	errBodyTooLong = errors.New("body too long")
)

func tooLargeError(limit int64) *api.Error {
	return api.Errorf(api.KindTooLarge, "the body is larger than %d bytes", limit)
}

// bodies are the buffers and decoders that requests share, and the measure of what they take together.
type bodies struct {
	max     int64
	memory  atomic.Int64
	buffers sync.Pool // of *Body
	gzips   sync.Pool
	zstds   sync.Pool
	turns   chan struct{} // who may decompress now
}

func newBodies(max int64) *bodies {
	b := &bodies{max: max, turns: make(chan struct{}, decompressions)}
	b.buffers.New = func() any { return &Body{Data: make([]byte, 0, smallBody)} }
	return b
}

func (s *bodies) get() *Body {
	b := s.buffers.Get().(*Body)
	b.owner = s
	return b
}

// read fills a body with at most limit bytes. With errBodyTooLong it gives the body too, one byte longer than limit; with
// any other error it gives none.
func (s *bodies) read(x *exchange, r *http.Request, limit int64) (*Body, error) {
	b := s.get()
	if r.ContentLength == 0 {
		return b, nil
	}
	pace := pace{writer: x.ResponseWriter}
	defer pace.end()
	for {
		room, err := b.room(limit)
		if err != nil {
			b.Release()
			return nil, err
		}
		n, err := r.Body.Read(room)
		b.Data = b.Data[:len(b.Data)+n]
		switch {
		case int64(len(b.Data)) > limit:
			return b, errBodyTooLong
		case err == io.EOF || err == nil && int64(len(b.Data)) == r.ContentLength:
			pace.arrived()
			return b, nil
		case err != nil:
			b.Release()
			return nil, readError(x, err)
		}
		pace.progress(len(b.Data))
	}
}

// room gives where to read on, at most one byte beyond limit. The buffer grows with what has arrived, never with what was
// announced, so that a client pays for the memory it takes.
func (b *Body) room(limit int64) ([]byte, error) {
	if len(b.Data) == cap(b.Data) {
		if err := b.grow(int(min(2*int64(cap(b.Data)), limit+1))); err != nil {
			return nil, err
		}
	}
	end := min(int64(cap(b.Data)), limit+1)
	return b.Data[len(b.Data):end], nil
}

// reserve makes room for size bytes and the few more that the zstd decoder likes to have.
func (b *Body) reserve(size int) error {
	if size+64 <= cap(b.Data) {
		return nil
	}
	return b.grow(size + 64)
}

func (b *Body) grow(size int) error {
	if err := b.charge(size); err != nil {
		return err
	}
	larger := make([]byte, len(b.Data), size)
	copy(larger, b.Data)
	b.Data = larger
	return nil
}

// charge counts a buffer of size against the memory of all bodies.
func (b *Body) charge(size int) error {
	more := int64(size) - b.charged
	if size <= pooledBody || more <= 0 {
		return nil
	}
	if b.owner.memory.Add(more) > b.owner.max {
		b.owner.memory.Add(-more)
		return api.Errorf(api.KindUnavailable, "too many large requests at once; try again")
	}
	b.charged += more
	return nil
}

// drain reads on without keeping anything, up to a bound behind which the server closes the connection.
func (s *bodies) drain(x *exchange, r *http.Request) error {
	scratch := s.get()
	defer scratch.Release()
	buffer := scratch.Data[:cap(scratch.Data)]
	pace := pace{writer: x.ResponseWriter}
	defer pace.end()
	for drained := 0; drained < maxDrained; {
		n, err := r.Body.Read(buffer)
		drained += n
		if err == io.EOF {
			pace.arrived()
			return nil
		}
		if err != nil {
			return readError(x, err)
		}
		pace.progress(drained)
	}
	return nil
}

// readError says what went wrong with a body that did not arrive whole.
func readError(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return api.Wrap(api.KindTimeout, err, "the body arrived too slowly")
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return api.Wrap(api.KindMalformed, err, "the body ended early")
}
