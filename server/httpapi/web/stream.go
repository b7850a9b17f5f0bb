package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"watchkeeper/api"
)

// The times of a stream where Streams names none.
const (
	streamHeartbeat = 15 * time.Second
	streamWrite     = 10 * time.Second
)

// Streams says how server-sent events are sent.
type Streams struct {
	// Closing ends all streams once it is closed; clients come back by themselves.
	Closing <-chan struct{}
	// Heartbeat is the longest silence on a stream; 0 means 15 s. It keeps proxies from cutting the connection and finds
	// readers that are gone.
	Heartbeat time.Duration
	// Write is how long a reader may keep one message waiting before it is cut; 0 means 10 s.
	Write time.Duration
}

// Message is one event of a stream.
type Message struct {
	ID    string // what Last-Event-ID will carry; "" leaves it as it is
	Event string // the name that clients listen for; "" means "message"
	Data  []byte // text, usually JSON
}

// Stream is one reader of server-sent events. It belongs to the handler's goroutine.
type Stream struct {
	writer    http.ResponseWriter
	control   *http.ResponseController
	ctx       context.Context
	closing   <-chan struct{}
	heartbeat time.Duration
	write     time.Duration
	buffer    bytes.Buffer
	gone      bool // a write failed: there is no reader any more
}

// LastEventID gives the id of the last message that a returning reader has seen, "" for a new reader. The parameter
// last_event_id stands in for the header where a client cannot set one.
func LastEventID(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("last_event_id")
}

// Open begins a stream. Everything that can be refused has to be refused before. It fails only where the writer cannot
// stream at all; a reader that is gone already is noticed by Follow.
func (s Streams) Open(w http.ResponseWriter, r *http.Request) (*Stream, error) {
	st := &Stream{
		writer: w, control: http.NewResponseController(w), ctx: r.Context(), closing: s.Closing,
		heartbeat: orDefault(s.Heartbeat, streamHeartbeat), write: orDefault(s.Write, streamWrite),
	}
	Extend(w, 0)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold messages back
	// A reader that lost its connection comes back after a second.
	st.buffer.WriteString("retry: 1000\n\n")
	if err := st.send(); err != nil && !st.gone {
		return nil, err
	}
	return st, nil
}

// Send writes one message and waits until it is on its way. An error means that the reader is gone.
func (s *Stream) Send(m Message) error {
	if strings.ContainsAny(m.ID, "\r\n\x00") || strings.ContainsAny(m.Event, "\r\n") {
		return api.Errorf(api.KindInternal, "a message whose id or name has a line break")
	}
	s.buffer.Reset()
	if m.ID != "" {
		s.field("id", []byte(m.ID))
	}
	if m.Event != "" {
		s.field("event", []byte(m.Event))
	}
	if m.Data != nil {
		data := bytes.ReplaceAll(bytes.ReplaceAll(m.Data, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			s.field("data", line)
		}
	}
	s.buffer.WriteByte('\n')
	return s.send()
}

// Follow calls look at once, and again whenever wake is signalled, until the reader is gone or the server closes. Look
// sends what is new; its error ends the stream. That the reader left or is stuck, or that the server closes, is no error.
func (s *Stream) Follow(wake <-chan struct{}, look func(context.Context) error) error {
	timer := time.NewTimer(s.heartbeat)
	defer timer.Stop()
	for !s.gone {
		if err := look(s.ctx); err != nil {
			if s.gone || s.ctx.Err() != nil {
				return nil
			}
			return err
		}
		timer.Reset(s.heartbeat)
		if !s.wait(wake, timer) {
			return nil
		}
	}
	return nil
}

// wait reports whether there is reason to look again.
func (s *Stream) wait(wake <-chan struct{}, timer *time.Timer) bool {
	for {
		select {
		case <-wake:
			return true
		case <-s.ctx.Done():
			return false
		case <-s.closing:
			s.comment("closing")
			return false
		case <-timer.C:
			if s.comment("still here") != nil {
				return false
			}
			timer.Reset(s.heartbeat)
		}
	}
}

func (s *Stream) comment(text string) error {
	s.buffer.Reset()
	s.buffer.WriteString(": " + text + "\n\n")
	return s.send()
}

func (s *Stream) field(name string, value []byte) {
	s.buffer.WriteString(name)
	s.buffer.WriteString(": ")
	s.buffer.Write(value)
	s.buffer.WriteByte('\n')
}

// send writes the buffer under a deadline of its own, as one for the whole stream would end every stream.
func (s *Stream) send() error {
	err := s.control.SetWriteDeadline(time.Now().Add(s.write))
	if errors.Is(err, http.ErrNotSupported) {
		return api.Wrap(api.KindInternal, err, "streaming")
	}
	if err == nil {
		_, err = s.writer.Write(s.buffer.Bytes())
	}
	if err == nil {
		err = s.control.Flush()
	}
	if err == nil {
		// HTTP/2 ends a stream whose write deadline passes even when nothing is being written.
		err = s.control.SetWriteDeadline(time.Time{})
	}
	s.gone = s.gone || err != nil
	return err
}
