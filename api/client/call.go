package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"watchkeeper/api"
)

// The most bytes that are read of an answer.
const (
	maxAnswer  = 64 << 20
	maxRefusal = 1 << 20
	maxShown   = 200 // of a refusal that is no problem document
)

// call is one request.
type call struct {
	method string
	path   string // escaped, from the address of the server on
	query  url.Values
	header http.Header
	body   any // becomes JSON; nil for none
	// extra is how much longer than usual the server may take, because it waits for somebody else.
	extra time.Duration
}

// do sends a request and reads the answer into a value, nil for none. It gives the status of success.
func (c *Client) do(ctx context.Context, request call, into any) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout+request.extra)
	defer cancel()
	answer, err := c.send(ctx, request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, c.unreachable(ctx, err)
	case len(body) > maxAnswer:
		return 0, api.Errorf(api.KindTooLarge, "the answer of the server is larger than %d MiB: ask for less at once", maxAnswer>>20)
	}
	c.onAnswer(body)
	if into == nil {
		return answer.StatusCode, nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return 0, api.Wrap(api.KindInternal, err, "the answer of "+c.URL()+" is not that of a Watchkeeper that this program understands")
	}
	return answer.StatusCode, nil
}

// send sends a request and gives the answer, whose body the caller closes, when it is one of success.
func (c *Client) send(ctx context.Context, request call) (*http.Response, error) {
	r, err := c.request(ctx, request)
	if err != nil {
		return nil, err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if answer.StatusCode/100 == 2 {
		return answer, nil
	}
	defer answer.Body.Close()
	return nil, c.refusal(answer)
}

func (c *Client) request(ctx context.Context, request call) (*http.Request, error) {
	u, err := c.address(request.path, request.query)
	if err != nil {
		return nil, err
	}
	var body io.Reader = http.NoBody
	if request.body != nil {
		b, err := json.Marshal(request.body)
		if err != nil {
			return nil, fmt.Errorf("writing a request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, request.method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	r.Header = c.header.Clone()
	if request.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, values := range request.header {
		r.Header[name] = values
	}
	return r, nil
}

// unreachable is the error of a request that got no answer, or not all of it.
func (c *Client) unreachable(ctx context.Context, cause error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	var long *url.Error
	if errors.As(cause, &long) { // it repeats the address
		cause = long.Err
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return api.Wrap(api.KindUnavailable, cause, "the server at "+c.URL()+" did not answer in time")
	}
	return api.Wrap(api.KindUnavailable, cause, "the server at "+c.URL()+" cannot be reached")
}

// refusal gives the error that an answer stands for.
func (c *Client) refusal(answer *http.Response) error {
	if to := answer.Header.Get("Location"); answer.StatusCode/100 == 3 && to != "" {
		return api.Errorf(api.KindUnavailable, "%s only leads to %s: is that the address of the server?", c.URL(), printable(to))
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxRefusal))
	e := api.ErrorOfAnswer(answer.StatusCode, answer.Header.Get("Retry-After"), body)
	if media, _, parseErr := mime.ParseMediaType(answer.Header.Get("Content-Type")); parseErr == nil && media == "text/plain" {
		line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
		if line != "" {
			e.Message += ": " + printable(line)
		}
	}
	e.Err = err
	return e
}

// printable gives a line of somebody else's as it may be shown.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, api.CleanText(api.CutText(line, maxShown)))
}
