package probe

import (
	"context"

	"watchkeeper/api"
)

// tcp connects, and hangs up.
func (c checker) tcp(ctx context.Context, p *api.ProbeSettings) api.ProbeResult {
	conn, err := c.dialer.DialContext(ctx, "tcp", p.Address)
	if err != nil {
		return fail(ctx, p, err)
	}
	address := conn.RemoteAddr().String()
	_ = conn.Close()
	return api.ProbeResult{Reason: api.ProbeOK, Detail: "connected to " + address, Address: address}
}
