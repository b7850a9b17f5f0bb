package client

import "watchkeeper/api"

// Changes gives the changes of state of a service, the newest first.
func (c *Client) Changes(service string) List[api.Change] {
	return List[api.Change]{c, servicePath(service) + "/flips", nil}
}
