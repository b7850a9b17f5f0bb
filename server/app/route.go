package app

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"

	"watchkeeper/server/config"
	"watchkeeper/server/httpapi"
	"watchkeeper/server/httpapi/ack"
	"watchkeeper/server/httpapi/ping"
	"watchkeeper/server/httpapi/public"
	"watchkeeper/server/httpapi/v1"
	"watchkeeper/server/httpapi/watchtower"
	"watchkeeper/server/httpapi/web"
	"watchkeeper/server/hub"
)

// routeOptions gives the protocols what they need.
func (s *server) routeOptions() httpapi.Options {
	c := s.Config
	gate := httpapi.NewGate(s.authn, web.NewFailureLimit(web.FailureOptions{Now: s.clock.Now}))
	presets := make([]watchtower.Preset, 0, len(c.EventsPresets))
	for _, p := range c.EventsPresets {
		presets = append(presets, watchtower.Preset(p))
	}
	return httpapi.Options{
		Gate: gate, Health: s.health, Metrics: s.metrics.handler(), CA: s.authority,
		V1: v1.Options{
			Services: s.services, Events: s.events, Alerts: s.alerts, Channels: s.channels,
			Routes: s.alertRoutes, Maintenance: s.maintenance, Probes: s.probes, Store: s.store, Tokens: s.tokens,
			PingKey: s.pingKey, Clock: s.clock, Authenticate: gate.Authenticate, Woken: s.woken, Streams: web.Streams{Closing: s.http.closing},
			PublicURL: s.publicURL, Generation: s.install.Generation, Version: s.Version, StartedAt: s.startedAt,
			Certificate: s.keeper.Status, Heartbeat: s.heartbeatStatus,
			Problem: s.problem, Storage: s.retention.Describe,
		},
		WatchTower: watchtower.Options{
			Services: s.services, Events: s.events, Store: s.store, Clock: s.clock, Authenticate: gate.Authenticate,
			NotePulse: s.alerts.NotePulse,
			Presets:   presets, Version: s.Version, Zone: c.TimeZone, ListLimit: c.EventsListLimit, StartedAt: s.startedAt,
		},
		Ack:    ack.Options{Alerts: s.alerts, Fail: gate.Fail},
		Ping:   ping.Options{Services: s.services, CheckKey: s.authn.IsPingKey, BodyLimit: int(c.PingBodyLimit)},
		Public: public.Options{Store: s.store, Clock: s.clock, Tags: c.PublicTags},
	}
}

// authority gives the certificate that clients shall trust.
func (s *server) authority() []byte {
	authority, ours := s.keeper.Authority()
	if !ours {
		return nil
	}
	return authority.PEM
}

// woken begins to listen for what a stream of events must look at.
func (s *server) woken() (<-chan struct{}, func()) {
	subscription := s.hub.Subscribe(hub.Events, hub.Credentials)
	return subscription.C(), subscription.Close
}

// publicURL gives how others reach the server: as set, else by the address that carries the machine's default route,
// else localhost.
func publicURL(c config.Config, listener net.Addr, log *slog.Logger) string {
	if c.PublicURL != "" {
		return c.PublicURL
	}
	host, port := "localhost", ""
	if a, ok := listener.(*net.TCPAddr); ok {
		port = strconv.Itoa(a.Port)
		if !a.IP.IsUnspecified() {
			host = a.IP.String()
		} else if address := routedAddress(); address.IsValid() {
			host = address.String()
		}
	}
	u := url.URL{Scheme: schemeOf(c.TLS), Host: net.JoinHostPort(host, port)}
	log.Warn(fmt.Sprintf("links in messages and ping URLs use %s, which others may not reach; set WATCHKEEPER_PUBLIC_URL", u.String()))
	return u.String()
}

// routedAddress gives the address that this machine would use towards the internet. Nothing is sent.
func routedAddress() netip.Addr {
	conn, err := net.Dial("udp", "192.0.2.1:9")
	if err != nil {
		return netip.Addr{}
	}
	defer conn.Close()
	if a, ok := conn.LocalAddr().(*net.UDPAddr); ok && !a.IP.IsLoopback() {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func schemeOf(way config.TLS) string {
	if way == config.TLSOff {
		return "http"
	}
	return "https"
}

func portOf(a net.Addr) string {
	_, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return ""
	}
	return port
}
