package client

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"time"
)

// maxMessage bounds one message of a stream; the largest is an event whose text is escaped byte by byte.
const maxMessage = 8 << 20

var errMessageTooLarge = errors.New("a message of the stream is too large")

// message is one message of server-sent events.
type message struct {
	event string
	data  []byte
}

// decoder reads a stream of server-sent events, as the HTML standard describes it.
type decoder struct {
	lines  *bufio.Reader
	begun  bool
	afterR bool // the line before ended with a carriage return, so that a line feed that follows belongs to it

	lastID string        // of the last message that was complete, which is where to go on from
	retry  time.Duration // what the server wants waited before the next try; 0 when it did not say

	id    string
	event string
	data  []byte
	used  int // bytes of the message that is being read
}

func newDecoder(r io.Reader) *decoder { return &decoder{lines: bufio.NewReaderSize(r, 32<<10)} }

// resume sets the id that holds until the stream names another.
func (d *decoder) resume(id string) { d.id, d.lastID = id, id }

// next gives the next message that has data. It gives io.EOF at the end; a message that is not complete then is no
// message.
func (d *decoder) next() (message, error) {
	d.event, d.data, d.used = "", nil, 0
	for {
		line, err := d.line()
		if err != nil {
			return message{}, err
		}
		if len(line) > 0 {
			d.field(line)
			continue
		}
		d.lastID = d.id // also of one without data, which only says where the stream is
		if len(d.data) == 0 {
			d.event, d.used = "", 0
			continue
		}
		return message{event: d.event, data: bytes.TrimSuffix(d.data, []byte("\n"))}, nil
	}
}

func (d *decoder) field(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			d.id = string(value)
		}
	case "event":
		d.event = string(value)
	case "data":
		d.data = append(append(d.data, value...), '\n')
	case "retry":
		if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil {
			d.retry = time.Duration(ms) * time.Millisecond
		}
	}
}

// line gives a line without its end, which is a line feed, a carriage return, or both.
func (d *decoder) line() ([]byte, error) {
	var line []byte
	for {
		chunk, err := d.chunk()
		if err != nil {
			return nil, err
		}
		if d.afterR && chunk[0] == '\n' {
			d.take(1)
			continue
		}
		i := bytes.IndexAny(chunk, "\r\n")
		if i < 0 {
			i = len(chunk)
		}
		if d.used += i; d.used > maxMessage {
			return nil, errMessageTooLarge
		}
		line = append(line, chunk[:i]...)
		if i == len(chunk) {
			d.take(i)
			continue
		}
		d.take(i + 1)
		d.afterR = chunk[i] == '\r'
		if !d.begun {
			d.begun = true
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		return line, nil
	}
}

// chunk gives what is here already, or the next byte when that is nothing. It stays there until it is taken.
func (d *decoder) chunk() ([]byte, error) {
	if _, err := d.lines.Peek(1); err != nil {
		return nil, err
	}
	return d.lines.Peek(d.lines.Buffered())
}

func (d *decoder) take(n int) {
	d.afterR = false
	_, _ = d.lines.Discard(n) // they are buffered
}
