package watchtower

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// list writes a long answer item by item. Until its first flush an error can still be answered as one.
type list struct {
	writer  http.ResponseWriter
	buffer  bytes.Buffer
	encoder *json.Encoder
	empty   bool
}

// listBuffer is how much is gathered before it is sent.
const listBuffer = 64 << 10

// newList begins an answer whose items stand under key.
func newList(w http.ResponseWriter, key string) *list {
	l := &list{writer: w, empty: true}
	l.encoder = json.NewEncoder(&l.buffer)
	l.encoder.SetEscapeHTML(false)
	l.buffer.WriteString(`{"` + key + `":[`)
	return l
}

func (l *list) add(item any) error {
	if !l.empty {
		l.buffer.WriteByte(',')
	}
	l.empty = false
	if err := l.encoder.Encode(item); err != nil {
		return err
	}
	l.buffer.Truncate(l.buffer.Len() - 1) // the line break, as the answer must be one line
	if l.buffer.Len() >= listBuffer {
		l.flush()
	}
	return nil
}

// end closes the list. More is further members, such as `,"truncated":true`.
func (l *list) end(more string) {
	l.buffer.WriteString(`]` + more + `,"result":200}` + "\n")
	l.flush()
}

func (l *list) flush() {
	l.writer.Header().Set("Content-Type", "application/json")
	if _, err := l.writer.Write(l.buffer.Bytes()); err != nil {
		// The client is gone. There is nobody to tell, and what is left need not be read.
		panic(http.ErrAbortHandler)
	}
	l.buffer.Reset()
}
