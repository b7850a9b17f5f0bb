package notify

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"watchkeeper/api"
)

// The limits of a conversation over HTTP.
const (
	maxAnswerBody = 64 << 10
	// maxRetryAfter bounds what an answer may ask for: a month, the longest period of a quota.
	maxRetryAfter = 31 * 24 * time.Hour
	userAgent     = "Watchkeeper"
)

// Post is a request that carries a message.
type Post struct {
	URL    string
	Header http.Header
	Body   []byte
}

// Response is what came back: the status, the headers and the beginning of the body.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends the request. Its error is a *Failure of the connection; whatever the other side answered is no error here.
func (p Post) Do(ctx context.Context, client *http.Client) (Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(p.Body))
	if err != nil {
		return Response{}, Fail(GiveUp, "the address is not a URL that can be requested", err)
	}
	for name, values := range p.Header {
		request.Header[name] = values
	}
	request.Header.Set("User-Agent", userAgent)
	response, err := client.Do(request)
	if err != nil {
		return Response{}, FailConnection(err)
	}
	defer func() { _ = response.Body.Close() }()
	r := Response{Status: response.StatusCode, Header: response.Header}
	r.Body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswerBody))
	if err != nil && !r.OK() {
		return Response{}, FailConnection(err)
	}
	return r, nil // a message that was taken stays taken, though the rest of the answer was lost
}

// OK reports whether the other side took the message.
func (r Response) OK() bool { return r.Status >= 200 && r.Status <= 299 }

// Text gives status and body for people.
func (r Response) Text(secrets Secrets) string {
	text := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", r.Status, http.StatusText(r.Status)))
	if body := OneLine(string(r.Body)); body != "" {
		text += ": " + body
	}
	return secrets.Clean(text)
}

// Failure gives what the status of an answer that is not OK means for further attempts: overload and trouble on the
// other side pass, an answer that refuses this very message does not.
func (r Response) Failure(now api.Time, secrets Secrets) *Failure {
	f := Fail(GiveUp, r.Text(secrets), nil)
	switch {
	case r.Status == http.StatusRequestTimeout, r.Status == http.StatusTooEarly,
		r.Status == http.StatusTooManyRequests, r.Status >= 500:
		f.Persistence = Persist
		f.RetryAfter = r.retryAfter(now)
	case r.Status < 400:
		// A redirect is a wrong address, or a maintenance page that passes.
		f.Persistence = TryFew
	}
	return f
}

// retryAfter reads the header of that name, in seconds or as a date.
func (r Response) retryAfter(now api.Time) time.Duration {
	value := strings.TrimSpace(r.Header.Get("Retry-After"))
	var wait time.Duration
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		wait = time.Duration(min(max(seconds, 0), int64(maxRetryAfter/time.Second))) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		wait = min(max(api.TimeOf(date), now), now.Add(maxRetryAfter)).Sub(now)
	}
	return wait
}
