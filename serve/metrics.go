package serve

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what /metrics tells.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "fastnb_requests_total", Help: "Requests answered, by route and status."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fastnb_request_seconds", Help: "How long answers took.", Buckets: prometheus.ExponentialBuckets(.001, 2, 15),
		}, []string{"route"}),
	}
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "fastnb_requests_waiting", Help: "Requests that are being answered or wait."}, func() float64 { return float64(len(s.queue)) })
	m.registry.MustRegister(m.requests, m.seconds, waiting, collectors.NewGoCollector())
	return m
}

func (m *metrics) handler() http.Handler {
	h := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return get(h.ServeHTTP)
}

// routeOf is one of few names: addresses that clients make up must not fill the memory.
func routeOf(r *http.Request) string {
	p := r.URL.Path
	switch p {
	case "/", "/analyze", "/camera", "/api", "/api/predict", "/api/generate", "/api/models", "/api/queue", "/api/openapi.json", "/healthz", "/metrics", "/mcp":
		return p
	}
	if strings.HasPrefix(p, "/static/") {
		return "/static/"
	}
	if rest, ok := strings.CutPrefix(p, "/api/models/"); ok {
		if strings.Contains(rest, "/examples/") {
			return "/api/models/{model}/examples/{number}"
		}
		for _, do := range []string{"/predict", "/generate", "/flag"} {
			if strings.HasSuffix(rest, do) {
				return "/api/models/{model}" + do
			}
		}
	}
	return "other"
}

// measure counts and logs an answer.
func (s *Server) measure(r *http.Request, rec *recorder, took time.Duration) {
	route := routeOf(r)
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	s.metrics.requests.WithLabelValues(route, strconv.Itoa(rec.status)).Inc()
	s.metrics.seconds.WithLabelValues(route).Observe(took.Seconds())
	s.cfg.Log.Info("request", "method", r.Method, "route", route, "status", rec.status, "ms", took.Milliseconds(), "bytes", rec.bytes, "from", hostOf(r.RemoteAddr))
}
