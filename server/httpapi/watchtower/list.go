package watchtower

import (
	"bufio"
	"encoding/json"
	"net/http"
)

// list writes a long answer item by item. Until its first flush an error can still be answered as one.
type list struct {
	w     http.ResponseWriter
	out   *bufio.Writer
	key   string
	items int
}

const listBuffer = 64 << 10

func newList(w http.ResponseWriter, _ *http.Request, key string) *list {
	return &list{w: w, out: bufio.NewWriterSize(w, listBuffer), key: key}
}

func (l *list) add(item any) error {
	b, err := json.Marshal(item)
	if err != nil {
		return err
	}
	l.begin()
	if l.items > 0 {
		_ = l.out.WriteByte(',')
	}
	l.items++
	_, err = l.out.Write(b)
	return err
}

func (l *list) begin() {
	if l.items == 0 {
		l.w.Header().Set("Content-Type", "application/json")
		_, _ = l.out.WriteString(`{"` + l.key + `":[`)
	}
}

// end closes the list; more is further members, such as `,"truncated":true`.
func (l *list) end(more string) error {
	l.begin()
	_, _ = l.out.WriteString(`]` + more + `,"result":200}` + "\n")
	return l.out.Flush()
}
