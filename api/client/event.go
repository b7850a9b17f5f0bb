package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"watchkeeper/api"
)

const eventsPath = "/api/v1/events"

// EventFilter is what events are narrowed to. Empty fields do not narrow.
type EventFilter struct {
	Service   string
	ServiceRE string // a regular expression that the service matches anywhere, in any case
	Message   string // part of the message, in any case
	MessageRE string
	Level     *api.Level // at least
	From, To  api.Time   // of a list, not of a stream
}

func (f EventFilter) query() url.Values {
	q := filter{}
	q.text("service", f.Service)
	q.text("service_re", f.ServiceRE)
	q.text("message", f.Message)
	q.text("message_re", f.MessageRE)
	if f.Level != nil {
		q.text("level", strconv.Itoa(int(*f.Level)))
	}
	q.time("from", f.From)
	q.time("to", f.To)
	return url.Values(q)
}

// Events gives the events that fit, the newest first.
func (c *Client) Events(f EventFilter) List[api.Event] {
	return List[api.Event]{c, eventsPath, f.query()}
}

// AddEvents stores events, at most api.MaxEventBatch, all or none. With a sequence, STREAM-NUMBER, a batch that is sent
// again is stored once; without one it is empty.
func (c *Client) AddEvents(ctx context.Context, events []api.EventInput, sequence string) (api.EventsAnswer, error) {
	request := call{method: http.MethodPost, path: eventsPath, body: events}
	if sequence != "" {
		request.header = http.Header{api.HeaderSequence: {sequence}}
	}
	var answer api.EventsAnswer
	_, err := c.do(ctx, request, &answer)
	return answer, err
}
