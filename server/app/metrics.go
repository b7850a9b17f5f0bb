package app

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"watchkeeper/server/httpapi/web"
)

// metrics is what the server says about itself.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	bytes    *prometheus.CounterVec
}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "watchkeeper_http_requests_total", Help: "Requests that were answered.",
		}, []string{"route", "method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "watchkeeper_http_request_duration_seconds", Help: "Time from the headers of a request to its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, 1, 5},
		}, []string{"route"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "watchkeeper_http_response_bytes_total", Help: "Bytes of the bodies of answers.",
		}, []string{"route"}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "watchkeeper_build_info", Help: "The version of the program; the value is 1.",
	}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	m.registry.MustRegister(m.requests, m.seconds, m.bytes, build, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observe is told of every request.
func (m *metrics) observe(o web.Observation) {
	m.requests.WithLabelValues(o.Route, o.Method, strconv.Itoa(o.Status)).Inc()
	m.seconds.WithLabelValues(o.Route).Observe(o.Seconds)
	m.bytes.WithLabelValues(o.Route).Add(float64(o.Bytes))
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// collectWithin bounds the questions that a scrape puts to the database.
const collectWithin = 5 * time.Second

// watch adds what is known of the services and deliveries, asked at every scrape.
func (m *metrics) watch(s *server) { m.registry.MustRegister(&stateCollector{s}) }

var (
	servicesDesc = prometheus.NewDesc("watchkeeper_services", "Services by state.", []string{"state"}, nil)
	databaseDesc = prometheus.NewDesc("watchkeeper_database_bytes", "Bytes that the database uses.", []string{"engine"}, nil)
	startedDesc  = prometheus.NewDesc("watchkeeper_start_time_seconds", "When this server started, in Unix seconds.", nil, nil)
	offsetDesc   = prometheus.NewDesc("watchkeeper_clock_offset_seconds", "How far the clock of the server is from the clock it follows.", nil, nil)
	waitingDesc  = prometheus.NewDesc("watchkeeper_deliveries_waiting", "Messages that are to be sent, now or later.", nil, nil)
	overdueDesc  = prometheus.NewDesc("watchkeeper_delivery_overdue_seconds", "How long the oldest message that is due has been waiting.", nil, nil)
	heldDesc     = prometheus.NewDesc("watchkeeper_deliveries_held", "Messages that are held for a silence, maintenance, a parent, hours or flapping.", nil, nil)
	failingDesc  = prometheus.NewDesc("watchkeeper_deliveries_failing", "Messages that were tried, failed and are tried on.", nil, nil)
	failedDesc   = prometheus.NewDesc("watchkeeper_deliveries_failed", "Messages that failed for good and are still kept.", nil, nil)
	probingDesc  = prometheus.NewDesc("watchkeeper_probe_runs_underway", "Runs of probes that are under way on this server.", nil, nil)
	upDesc       = prometheus.NewDesc("watchkeeper_database_up", "1 when the database answered this scrape.", nil, nil)
)

// stateCollector asks the database at every scrape.
type stateCollector struct{ s *server }

// Describe names no metrics, so that none is missed when the database is away.
func (c *stateCollector) Describe(chan<- *prometheus.Desc) {}

// Collect asks.
func (c *stateCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectWithin)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(probingDesc, float64(c.s.probes.Underway()))
	gauge(startedDesc, float64(c.s.startedAt)/1000)
	if c.s.system != nil {
		gauge(offsetDesc, c.s.system.Offset().Seconds())
	}
	up := 1.0
	counts, err := c.s.store.Services.CountByState(ctx)
	if err != nil {
		up = 0
	}
	for state, n := range counts {
		gauge(servicesDesc, float64(n), string(state))
	}
	if n, err := c.s.store.Size(ctx); err == nil {
		gauge(databaseDesc, float64(n), string(c.s.store.Engine()))
	}
	if backlog, err := c.s.store.Deliveries.Backlog(ctx); err == nil {
		gauge(waitingDesc, float64(backlog.Waiting))
		gauge(heldDesc, float64(backlog.Held))
		gauge(failingDesc, float64(backlog.Failing))
		gauge(failedDesc, float64(backlog.Failed))
		overdue := 0.0
		if backlog.Oldest > 0 {
			overdue = max(0, c.s.clock.Now().Sub(backlog.Oldest.Std()).Seconds())
		}
		gauge(overdueDesc, overdue)
	}
	gauge(upDesc, up)
}
