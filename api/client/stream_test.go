package client

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// read is all that a decoder makes of a stream.
type read struct {
	Messages []string // event|data|id
	LastID   string
	Retry    time.Duration
	Err      error
}

func readAll(r io.Reader) read {
	d := newDecoder(r)
	var out read
	for {
		m, err := d.next()
		if err != nil {
			out.LastID, out.Retry, out.Err = d.lastID, d.retry, err
			return out
		}
		out.Messages = append(out.Messages, m.event+"|"+string(m.data)+"|"+d.lastID)
	}
}

func TestDecoder(t *testing.T) {
	tests := map[string]struct {
		stream string
		want   read
	}{
		"nothing":                    {"", read{}},
		"one message":                {"id: 1-7\ndata: {}\n\n", read{Messages: []string{"|{}|1-7"}, LastID: "1-7"}},
		"two, and the id stays":      {"id: 1\ndata: a\n\ndata: b\n\n", read{Messages: []string{"|a|1", "|b|1"}, LastID: "1"}},
		"several lines of data":      {"data: a\ndata: b\ndata\n\n", read{Messages: []string{"|a\nb\n|"}}},
		"one blank goes":             {"data:  a\ndata:b\n\n", read{Messages: []string{"| a\nb|"}}},
		"comments and unknown names": {": hi\nnews: x\n\ndata: a\n:\n\n", read{Messages: []string{"|a|"}}},
		"an event's name":            {"event: x\ndata: a\n\ndata: b\n\n", read{Messages: []string{"x|a|", "|b|"}}},
		"a name without data":        {"event: x\n\ndata: b\n\n", read{Messages: []string{"|b|"}}},
		"an id alone":                {"id: 9\n\n", read{LastID: "9"}},
		"an id with NUL":             {"id: 9\n\nid: 1\x002\ndata: a\n\n", read{Messages: []string{"|a|9"}, LastID: "9"}},
		"an id that ends":            {"id: 9\n\nid\ndata: a\n\n", read{Messages: []string{"|a|"}}},
		"retry":                      {"retry: 1500\n\nretry: soon\n\nretry: -1\n\n", read{Retry: 1500 * time.Millisecond}},
		"cut":                        {"id: 1\ndata: a\n\nid: 2\ndata: b\n", read{Messages: []string{"|a|1"}, LastID: "1"}},
		"lines end in CR":            {"id: 1\rdata: a\r\rdata: b\r\r", read{Messages: []string{"|a|1", "|b|1"}, LastID: "1"}},
		"lines end in CRLF":          {"id: 1\r\ndata: a\r\n\r\ndata: b\r\n\r\n", read{Messages: []string{"|a|1", "|b|1"}, LastID: "1"}},
		"a byte order mark":          {"\ufeffdata: a\n\n\ufeffdata: b\n\n", read{Messages: []string{"|a|"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.want.Err = io.EOF
			for _, r := range []io.Reader{strings.NewReader(test.stream), iotest.OneByteReader(strings.NewReader(test.stream))} {
				if diff := cmp.Diff(test.want, readAll(r), cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) })); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestMessagesHaveABound(t *testing.T) {
	endless := map[string]io.Reader{
		"a line":           repeat("x"),
		"lines":            repeat("data: " + strings.Repeat("x", 100) + "\n"),
		"fields of no use": repeat(": " + strings.Repeat("x", 100) + "\n"),
	}
	for name, r := range endless {
		t.Run(name, func(t *testing.T) {
			if got := readAll(io.LimitReader(r, maxMessage+maxMessage/2)); !errors.Is(got.Err, errMessageTooLarge) {
				t.Errorf("error %v", got.Err)
			}
		})
	}
	// What lives long without messages is no large message.
	if got := readAll(io.LimitReader(repeat(": "+strings.Repeat("x", 100)+"\n\n"), maxMessage+1000)); !errors.Is(got.Err, io.EOF) {
		t.Errorf("error %v", got.Err)
	}
}

type repeated struct{ text, rest string }

func repeat(text string) io.Reader { return &repeated{text: text} }

func (r *repeated) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		if r.rest == "" {
			r.rest = r.text
		}
		i := copy(b[n:], r.rest)
		n, r.rest = n+i, r.rest[i:]
	}
	return n, nil
}

// FuzzDecoder holds the decoder to its promises: what it gives does not depend on how the bytes arrive, nor on which of
// the three ends of lines is used, and no id has a character in it that no header can carry.
func FuzzDecoder(f *testing.F) {
	for _, seed := range []string{
		"retry: 1000\n\n", "id: 1-7\nevent: message\ndata: {\"id\":7}\ndata: x\n\n: still here\n\n", "\ufeffdata: a\r\n\rid\n\n", "data\x00: \xff\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole := readAll(bytes.NewReader(stream))
		compare := cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) })
		if diff := cmp.Diff(whole, readAll(iotest.OneByteReader(bytes.NewReader(stream))), compare); diff != "" {
			t.Errorf("byte by byte it is another:\n%s", diff)
		}
		plain := bytes.ReplaceAll(bytes.ReplaceAll(stream, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
		if diff := cmp.Diff(whole, readAll(bytes.NewReader(plain)), compare); diff != "" {
			t.Errorf("with other ends of lines it is another:\n%s", diff)
		}
		if strings.ContainsAny(whole.LastID, "\x00\r\n") {
			t.Errorf("id %q", whole.LastID)
		}
	})
}
