package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"watchkeeper/api"
)

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

// zstandard compresses as one block whose header tells the size, streamed does not tell it and asks for a large window.
func zstandard(data []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(data, nil)
}

func streamed(data []byte) []byte {
	var b bytes.Buffer
	w, _ := zstd.NewWriter(&b, zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
	_, _ = io.Copy(w, io.MultiReader(bytes.NewReader(data[:len(data)/2]), bytes.NewReader(data[len(data)/2:])))
	_ = w.Flush()
	_ = w.Close()
	return b.Bytes()
}

// posted makes a request whose exchange is on the ground; announced is its Content-Length, -1 for a chunked body.
func posted(g *ground, data []byte, announced int64, coding string) *http.Request {
	r := httptest.NewRequest("POST", "/", bytes.NewReader(data))
	r.ContentLength = announced
	if coding != "" {
		r.Header.Set("Content-Encoding", coding)
	}
	return onFloor(g, r)
}

func onFloor(g *ground, r *http.Request) *http.Request {
	return r.WithContext(&exchange{
		Context: r.Context(), ResponseWriter: httptest.NewRecorder(), floor: g.Floor, request: r, route: chi.NewRouteContext(),
	})
}

func TestReadBody(t *testing.T) {
	t.Parallel()
	const limit = 100_000
	text := func(n int) []byte { return bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n] }
	random := make([]byte, limit)
	for i, x := 0, uint32(7); i < len(random); i++ {
		x = x*1664525 + 1013904223
		random[i] = byte(x >> 24)
	}
	for name, c := range map[string]struct {
		sent   []byte
		coding string
		want   []byte
		kind   api.ErrorKind
	}{
		"empty":                     {nil, "", nil, ""},
		"small":                     {[]byte("hello"), "", []byte("hello"), ""},
		"as large as a buffer":      {text(smallBody), "", text(smallBody), ""},
		"larger than a buffer":      {text(smallBody + 1), "", text(smallBody + 1), ""},
		"as large as allowed":       {text(limit), "", text(limit), ""},
		"too large":                 {text(limit + 1), "", nil, api.KindTooLarge},
		"identity":                  {[]byte("hello"), "identity", []byte("hello"), ""},
		"gzip":                      {gzipped([]byte("hello")), "gzip", []byte("hello"), ""},
		"gzip of old":               {gzipped([]byte("hello")), "X-GZIP", []byte("hello"), ""},
		"gzip, as large as allowed": {gzipped(text(limit)), "gzip", text(limit), ""},
		"gzip, random":              {gzipped(random[:limit-1000]), "gzip", random[:limit-1000], ""},
		"gzip of nothing":           {gzipped(nil), "gzip", nil, ""},
		"gzip of two members":       {append(gzipped([]byte("a")), gzipped([]byte("b"))...), "gzip", []byte("ab"), ""},
		"gzip, expands too far":     {gzipped(text(limit + 1)), "gzip", nil, api.KindTooLarge},
		"gzip, cut off":             {gzipped(text(500))[:20], "gzip", nil, api.KindMalformed},
		"gzip that is none":         {[]byte("hello"), "gzip", nil, api.KindMalformed},
		"gzip, wrong sum":           {flip(gzipped([]byte("hello")), -8), "gzip", nil, api.KindMalformed},
		"gzip, junk behind":         {append(gzipped([]byte("a")), "junk"...), "gzip", nil, api.KindMalformed},
		"zstd":                      {zstandard([]byte("hello")), "zstd", []byte("hello"), ""},
		"zstd, large":               {zstandard(text(limit)), "zstd", text(limit), ""},
		"zstd, streamed":            {streamed([]byte("hello")), "zstd", []byte("hello"), ""},
		"zstd, expands too far":     {zstandard(text(limit + 1)), "zstd", nil, api.KindTooLarge},
		"zstd, streams too far":     {streamed(text(limit + 1)), "zstd", nil, api.KindTooLarge},
		"zstd, cut off":             {zstandard(random[:500])[:50], "zstd", nil, api.KindMalformed},
		"zstd that is none":         {[]byte("hello"), "zstd", nil, api.KindMalformed},
		"deflate":                   {[]byte("hello"), "deflate", nil, api.KindMediaType},
		"twice":                     {gzipped(gzipped([]byte("hello"))), "gzip, gzip", nil, api.KindMediaType},
	} {
		g := newGround(nil)
		for _, announced := range []int64{int64(len(c.sent)), -1} {
			body, err := ReadBody(posted(g, c.sent, announced, c.coding), limit)
			if api.KindOf(err) != c.kind {
				t.Errorf("%s (announced %d): %v", name, announced, err)
				continue
			}
			if err == nil && !bytes.Equal(body.Data, c.want) {
				t.Errorf("%s (announced %d): %d bytes, want %d", name, announced, len(body.Data), len(c.want))
			}
			if (err == nil) != (body != nil) {
				t.Errorf("%s: body %v with error %v", name, body, err)
			}
			body.Release()
			body.Release() // twice does no harm
			if left := g.bodies.memory.Load(); left != 0 {
				t.Errorf("%s: %d bytes stay counted", name, left)
			}
		}
	}
}

func flip(data []byte, at int) []byte {
	data = bytes.Clone(data)
	data[len(data)+at] ^= 0x55
	return data
}

func TestAnnouncedLengthIsRefusedUnread(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	r := posted(g, nil, 11, "")
	r.Body = io.NopCloser(readerFunc(func([]byte) (int, error) {
		t.Error("the body was read")
		return 0, io.EOF
	}))
	if _, err := ReadBody(r, 10); api.KindOf(err) != api.KindTooLarge {
		t.Error(err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestBodiesThatEndBadly(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		kind api.ErrorKind
	}{
		"cut off":         {t.Context(), io.ErrUnexpectedEOF, api.KindMalformed},
		"broken chunk":    {t.Context(), errors.New("http: malformed chunked encoding"), api.KindMalformed},
		"client went":     {gone, errors.New("connection reset"), api.KindInternal},
		"others' too big": {t.Context(), &http.MaxBytesError{Limit: 3}, api.KindMalformed},
	} {
		g := newGround(nil)
		r := httptest.NewRequestWithContext(c.ctx, "POST", "/", io.MultiReader(strings.NewReader("half"), readerFunc(
			func([]byte) (int, error) { return 0, c.err })))
		_, err := ReadBody(onFloor(g, r), 100)
		if api.KindOf(err) != c.kind || name == "client went" && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadBodyNeedsTheFloor(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/", strings.NewReader("x"))
	if _, err := ReadBody(r, 10); err == nil {
		t.Error("a body was read without its limits")
	}
	if _, err := ReadPrefix(r, 10); err == nil {
		t.Error("a body was read without its limits")
	}
}

func TestReadPrefix(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size      int
		truncated bool
		left      int // bytes that stay unread
	}{
		"empty": {0, false, 0}, "shorter": {9, false, 0}, "as long": {10, false, 0}, "longer": {11, true, 0},
		"much longer": {1 << 20, true, 0}, "endless": {3 * maxDrained, true, 2 * maxDrained},
	} {
		g := newGround(nil)
		source := bytes.NewReader(bytes.Repeat([]byte("x"), c.size))
		r := onFloor(g, httptest.NewRequest("POST", "/", io.NopCloser(source)))
		r.Header.Set("Content-Encoding", "gzip") // kept as it is
		body, err := ReadPrefix(r, 10)
		if err != nil || len(body.Data) != min(c.size, 10) || body.Truncated != c.truncated {
			t.Errorf("%s: %v, %v", name, body, err)
		}
		if left := source.Len(); left > c.left || left < c.left-smallBody-11 {
			t.Errorf("%s: %d bytes left, want about %d", name, left, c.left)
		}
		body.Release()
		if again := g.bodies.get(); again.Truncated || len(again.Data) != 0 {
			t.Errorf("%s: a used buffer comes back as %v", name, again)
		}
	}
}

func TestMemoryOfAllBodies(t *testing.T) {
	t.Parallel()
	g := newGround(func(o *FloorOptions) { o.BodyMemory = 100_000 })
	large := bytes.Repeat([]byte("x"), 60_000)
	first, err := ReadBody(posted(g, large, -1, ""), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadBody(posted(g, large, -1, ""), 1<<20); api.KindOf(err) != api.KindUnavailable {
		t.Errorf("a second large body: %v", err)
	}
	if _, err := ReadBody(posted(g, zstandard(large), -1, "zstd"), 1<<20); api.KindOf(err) != api.KindUnavailable {
		t.Errorf("a body that becomes large: %v", err)
	}
	small, err := ReadBody(posted(g, large[:pooledBody], -1, ""), 1<<20)
	if err != nil {
		t.Errorf("a small one beside it: %v", err)
	}
	small.Release()
	first.Release()
	again, err := ReadBody(posted(g, large, -1, ""), 1<<20)
	if err != nil {
		t.Errorf("once the first is done: %v", err)
	}
	again.Release()
}

// TestBombs is not parallel: it measures what the process allocates.
func TestBombs(t *testing.T) {
	zeros := make([]byte, 64<<20)
	for name, c := range map[string]struct {
		sent   []byte
		coding string
	}{
		"gzip":           {gzipped(zeros), "gzip"},
		"zstd":           {zstandard(zeros), "zstd"},
		"zstd, streamed": {streamed(zeros), "zstd"},
		"zstd, lying":    {[]byte("\x28\xb5\x2f\xfd\xe0\x00\x00\x80\x00\x00\x00\x00\x00"), "zstd"},
		"zstd, window":   {[]byte("\x28\xb5\x2f\xfd\x00\xff\x00\x00\x00"), "zstd"},
	} {
		g := newGround(nil)
		run := func() error {
			body, err := ReadBody(posted(g, c.sent, -1, c.coding), 256<<20)
			body.Release()
			return err
		}
		_ = run() // makes the decoder
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := run()
		runtime.ReadMemStats(&after)
		if kind := api.KindOf(err); kind != api.KindTooLarge && kind != api.KindMalformed {
			t.Errorf("%s of %d bytes: %v", name, len(c.sent), err)
		}
		// The result may be 128 times what was sent, or a window, and growing to it step by step takes that again and again.
		allowed := uint64(6 * max(expansionFactor*len(c.sent), zstdWindow))
		if took := after.TotalAlloc - before.TotalAlloc; took > allowed {
			t.Errorf("%s of %d bytes took %d bytes, more than %d", name, len(c.sent), took, allowed)
		}
	}
}

func TestPulseBodyTakesNoMemory(t *testing.T) {
	g := newGround(nil)
	reader := strings.NewReader(pulseBody)
	r := posted(g, nil, int64(len(pulseBody)), "")
	r.Body = io.NopCloser(reader)
	allocations := testing.AllocsPerRun(1000, func() {
		reader.Reset(pulseBody)
		body, err := ReadBody(r, 64<<10)
		if err != nil {
			t.Fatal(err)
		}
		body.Release()
	})
	if allocations >= 1 && !raceEnabled {
		t.Errorf("%v allocations", allocations)
	}
}

func TestBodiesAreReadWhole(t *testing.T) {
	t.Parallel()
	g := newGround(nil)
	r := chi.NewRouter()
	r.Method("POST", "/", Handle(func(w http.ResponseWriter, r *http.Request) error {
		body, err := ReadBody(r, 1000)
		if err != nil {
			return err
		}
		defer body.Release()
		_, err = w.Write(body.Data)
		return err
	}, Problems))
	h := g.Wrap(r)
	for name, c := range map[string]struct {
		sent, kind, coding string
		status             int
		want               string
	}{
		"plain":            {`{"a":1}`, "application/json", "", 200, `{"a":1}`},
		"compressed":       {string(gzipped([]byte(`{"a":1}`))), "application/json", "gzip", 200, `{"a":1}`},
		"nothing":          {"", "", "", 200, ""},
		"too large":        {strings.Repeat(" ", 1001), "application/json", "", 413, ""},
		"unknown encoding": {"x", "text/plain", "br", 415, ""},
		"damaged":          {"x", "text/plain", "zstd", 400, ""},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(c.sent))
		r.Header.Set("Content-Type", c.kind)
		r.Header.Set("Content-Encoding", c.coding)
		got := answer(h, r)
		if got.StatusCode != c.status {
			t.Errorf("%s: status %d", name, got.StatusCode)
		}
		if c.status == 415 && got.Header.Get("Accept-Encoding") != "gzip, zstd" {
			t.Errorf("%s: the client is not told what would be understood", name)
		}
		if text, _ := io.ReadAll(got.Body); c.status == 200 && string(text) != c.want {
			t.Errorf("%s: %q", name, text)
		}
	}
}

func FuzzReadBody(f *testing.F) {
	for _, coding := range []bool{true, false} {
		f.Add(gzipped([]byte("hello")), coding)
		f.Add(zstandard([]byte("hello")), coding)
		f.Add(streamed([]byte("hello")), coding)
	}
	g := newGround(nil)
	f.Fuzz(func(t *testing.T, data []byte, isGzip bool) {
		coding := "zstd"
		if isGzip {
			coding = "gzip"
		}
		body, err := ReadBody(posted(g, data, -1, coding), 50_000)
		switch kind := api.KindOf(err); {
		case kind == "" && int64(len(body.Data)) > 50_000:
			t.Errorf("%d bytes are above the limit", len(body.Data))
		case kind != "" && kind != api.KindTooLarge && kind != api.KindMalformed:
			t.Errorf("%v", err)
		}
		body.Release()
		if left := g.bodies.memory.Load(); left != 0 {
			t.Errorf("%d bytes stay counted", left)
		}
	})
}
