package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"watchkeeper/api"
)

// The bounds of decompression, which make a bomb cost little: what comes out may be expansionFactor times what went in,
// once it is more than expansionFree.
const (
	expansionFree   = 256 << 10
	expansionFactor = 128
	// zstdWindow is what RFC 8878 asks every decoder to accept.
	zstdWindow = 8 << 20
)

// decompressions is how many bodies are decompressed at once. It is processor work on bodies that have already arrived,
// so more would only take more memory.
var decompressions = max(2, runtime.GOMAXPROCS(0))

// coding is a content coding that we read.
type coding string

const (
	codingNone coding = ""
	codingGzip coding = "gzip"
	codingZstd coding = "zstd"
)

func codingOf(x *exchange, r *http.Request) (coding, error) {
	values := r.Header["Content-Encoding"]
	if len(values) == 0 {
		return codingNone, nil
	}
	if len(values) == 1 {
		switch strings.ToLower(strings.TrimSpace(values[0])) {
		case "", "identity":
			return codingNone, nil
		case "gzip", "x-gzip":
			return codingGzip, nil
		case "zstd":
			return codingZstd, nil
		}
	}
	x.Header().Set("Accept-Encoding", "gzip, zstd")
	return codingNone, api.Errorf(api.KindMediaType, "the content encoding must be gzip, zstd or none")
}

// compressed is a body that has arrived whole. Limit is what it may expand to.
type compressed struct {
	coding coding
	data   []byte
	limit  int64
}

// allowed is how large the result may be.
func (c compressed) allowed() int64 {
	return min(c.limit, max(expansionFree, expansionFactor*int64(len(c.data))))
}

func (s *bodies) decompress(ctx context.Context, c compressed) (*Body, error) {
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	body := s.get()
	var err error
	if c.coding == codingGzip {
		err = s.gunzip(body, c)
	} else {
		err = s.unzstd(body, c)
	}
	if err == nil {
		return body, nil
	}
	body.Release()
	if _, ok := errors.AsType[*api.Error](err); ok {
		return nil, err
	}
	if errors.Is(err, errBodyTooLong) {
		return nil, api.Errorf(api.KindTooLarge, "the body expands to more than %d bytes", c.allowed())
	}
	return nil, api.Wrap(api.KindMalformed, err, "the "+string(c.coding)+" data is damaged")
}

func (s *bodies) gunzip(body *Body, c compressed) error {
	reader, _ := s.gzips.Get().(*gzip.Reader)
	if reader == nil {
		reader = new(gzip.Reader)
	}
	defer s.gzips.Put(reader)
	if err := reader.Reset(bytes.NewReader(c.data)); err != nil {
		return err
	}
	for {
		room, err := body.room(c.allowed())
		if err != nil {
			return err
		}
		n, err := reader.Read(room)
		body.Data = body.Data[:len(body.Data)+n]
		switch {
		case int64(len(body.Data)) > c.allowed():
			return errBodyTooLong
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

func (s *bodies) unzstd(body *Body, c compressed) error {
	var header zstd.Header
	if err := header.Decode(c.data); err != nil {
		return err
	}
	if header.HasFCS {
		if header.FrameContentSize > uint64(c.allowed()) {
			return errBodyTooLong
		}
		if err := body.reserve(int(header.FrameContentSize)); err != nil {
			return err
		}
	}
	decoder, _ := s.zstds.Get().(*zstd.Decoder)
	if decoder == nil {
		var err error
		if decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow)); err != nil {
			return err
		}
	}
	defer s.zstds.Put(decoder)
	// The library takes its bound of memory for a bound of the window too, and honest encoders announce a full window for
	// a few bytes: up to that size only the check that follows can refuse.
	most := max(c.allowed(), zstdWindow)
	if err := decoder.ResetWithOptions(nil, zstd.WithDecoderMaxMemory(uint64(most))); err != nil {
		return err
	}
	data, err := decoder.DecodeAll(c.data, body.Data)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded),
		int64(len(data)) > c.allowed():
		return errBodyTooLong
	case err != nil:
		return err
	}
	if err := body.charge(cap(data)); err != nil {
		return err
	}
	body.Data = data
	return nil
}
