package client

import (
	"context"
	"net/http"
	"time"

	"watchkeeper/api"
)

const channelsPath = "/api/v1/channels"

// sendPatience is how long a server tries at most to send one message.
const sendPatience = 30 * time.Second

// Channels gives the channels by name. Their secrets are masked.
func (c *Client) Channels() List[api.Channel] { return List[api.Channel]{c, channelsPath, nil} }

// Channel gives a channel.
func (c *Client) Channel(ctx context.Context, name string) (api.Channel, error) {
	return c.channel(ctx, call{method: http.MethodGet, path: channelsPath + "/" + segment(name)})
}

// CreateChannel makes a channel; KindConflict when there is one with this name.
func (c *Client) CreateChannel(ctx context.Context, in api.ChannelInput) (api.Channel, error) {
	return c.channel(ctx, call{method: http.MethodPost, path: channelsPath, body: in})
}

// PutChannel gives a channel exactly these settings. Secrets that are sent as they were shown stay as they are.
func (c *Client) PutChannel(ctx context.Context, in api.ChannelInput) (api.Channel, error) {
	return c.channel(ctx, call{method: http.MethodPut, path: channelsPath + "/" + segment(in.Name), body: in})
}

// DeleteChannel removes a channel.
func (c *Client) DeleteChannel(ctx context.Context, name string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: channelsPath + "/" + segment(name)}, nil)
	return err
}

func (c *Client) channel(ctx context.Context, request call) (api.Channel, error) {
	var out api.Channel
	_, err := c.do(ctx, request, &out)
	return out, err
}

// TestChannel sends a test message through a channel, or through a kind such as mail, now. A channel that does not name
// its recipient needs an address; otherwise it is empty. That the other side refused is no error: see OK of the answer.
func (c *Client) TestChannel(ctx context.Context, name, address string) (api.ChannelTest, error) {
	request := call{method: http.MethodPost, path: channelsPath + "/" + segment(name) + "/test", extra: sendPatience}
	if address != "" {
		request.body = map[string]string{"address": address}
	}
	var answer api.ChannelTest
	_, err := c.do(ctx, request, &answer)
	return answer, err
}
