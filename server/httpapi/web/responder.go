package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"watchkeeper/api"
)

// Responder writes the answer to a request that was not done, in the shape that a protocol's clients expect. It decides
// about the status too; Problem.Status is the one that RFC 9110 has for it.
type Responder func(w http.ResponseWriter, r *http.Request, p *api.Problem)

// Problems answers with RFC 9457 documents.
func Problems(w http.ResponseWriter, r *http.Request, p *api.Problem) {
	writeRefusalHeaders(w, p)
	h := w.Header()
	h.Set("Content-Type", api.ProblemMediaType)
	h.Set("Cache-Control", "no-store")
	body, err := json.Marshal(p)
	if err != nil {
		// Only a value that cannot be JSON can bring this about, and the rest of the problem is still worth telling.
		p.Errors = nil
		body, _ = json.Marshal(p)
	}
	writeBody(w, r, p.Status, append(body, '\n'))
}

// Plain answers with the detail as one line of text.
func Plain(w http.ResponseWriter, r *http.Request, p *api.Problem) {
	writeRefusalHeaders(w, p)
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	writeBody(w, r, p.Status, []byte(text))
}

func writeRefusalHeaders(w http.ResponseWriter, p *api.Problem) {
	SetRetryAfter(w, p.RetryAfter)
	if p.Code == api.KindUnauthorized {
		// Not Basic: a browser would ask for a password in its own window, over every page that fetches.
		w.Header().Set("WWW-Authenticate", `Bearer realm="watchkeeper"`)
	}
}

// SetRetryAfter writes the header Retry-After in whole seconds, rounded up; 0 writes none.
func SetRetryAfter(w http.ResponseWriter, wait time.Duration) {
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
}

// WriteJSON answers with v on one line. An error is returned only when v cannot be written as JSON and nothing has been
// sent: a client that went away is nobody's error.
func WriteJSON(w http.ResponseWriter, r *http.Request, status int, v any) error {
	b := jsonBuffers.Get().(*jsonBuffer)
	defer b.release()
	if err := b.encoder.Encode(v); err != nil {
		return api.Wrap(api.KindInternal, err, "writing the answer")
	}
	h := w.Header()
	if h["Content-Type"] == nil {
		h["Content-Type"] = contentTypeJSON
	}
	writeBody(w, r, status, b.buffer.Bytes())
	return nil
}

// WriteJSONText answers with JSON that is written already.
func WriteJSONText(w http.ResponseWriter, r *http.Request, status int, text []byte) {
	w.Header()["Content-Type"] = contentTypeJSON
	writeBody(w, r, status, text)
}

// AppendText appends s as JSON. Most text needs no escape and is copied as it is.
func AppendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			slow := jsonBuffers.Get().(*jsonBuffer)
			defer slow.release()
			if err := slow.encoder.Encode(s); err != nil { // text can always be written
				panic(err)
			}
			return append(b, bytes.TrimSuffix(slow.buffer.Bytes(), []byte("\n"))...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// countedBody is how long an answer may be for net/http to tell its length by itself.
const countedBody = 2000

func writeBody(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	// The server counts a short body itself, and more cheaply.
	if len(body) > countedBody || r.Method == http.MethodHead {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client is gone: there is nobody to tell
	}
}

// Values of headers that every answer shares; never changed.
var (
	contentTypeJSON = []string{"application/json"}
	noSniff         = []string{"nosniff"}
)

// jsonBuffer keeps an encoder with the buffer it writes to, as encoders cannot be pointed elsewhere.
type jsonBuffer struct {
	buffer  bytes.Buffer
	encoder *json.Encoder
}

// maxPooledAnswer keeps one large list from staying in memory for ever.
const maxPooledAnswer = 64 << 10

var jsonBuffers = sync.Pool{New: func() any {
	b := new(jsonBuffer)
	b.encoder = json.NewEncoder(&b.buffer)
	b.encoder.SetEscapeHTML(false)
	return b
}}

func (b *jsonBuffer) release() {
	if b.buffer.Cap() <= maxPooledAnswer {
		b.buffer.Reset()
		jsonBuffers.Put(b)
	}
}
