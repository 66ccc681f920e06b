package app

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/services/edge"
)

var _ edge.RequestMetrics = (*requestMetrics)(nil)

const (
	// noMethod is the label of a request of no method: health checks, metrics, the OpenAPI
	// document, and unknown paths.
	noMethod = "none"
	// codeCount is the number of codes, with that of success.
	codeCount = int(connect.CodeUnauthenticated) + 1
)

// requestBuckets are the upper bounds of the buckets, in seconds.
var requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// requestMetrics measures requests to the edge, also those that are refused before they
// reach a method. The methods of the edge and the codes bound its labels. The observer of
// each pair is kept, so that recording a request takes no lock and no memory: an instrument of
// OpenTelemetry takes ten times as long.
type requestMetrics struct {
	durations *prometheus.HistogramVec
	observers map[string]*[codeCount]atomic.Pointer[prometheus.Observer] // by procedure, "" for noMethod
	dropped   prometheus.Counter
}

// requestMetrics registers the metrics of requests of the methods of a table.
func (m *metrics) requestMetrics(methods policy.Table) (*requestMetrics, error) {
	r := &requestMetrics{
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bongsu_edge_request_duration_seconds", Buckets: requestBuckets,
			Help: "Duration of requests to the edge, by method and code, also of refused ones.",
		}, []string{"method", "code"}),
		observers: map[string]*[codeCount]atomic.Pointer[prometheus.Observer]{"": {}},
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bongsu_edge_access_log_dropped_lines_total",
			Help: "Lines of the access log that were not written: of refused requests beyond 100 per second, and while the log takes none.",
		}),
	}
	for procedure := range methods {
		r.observers[procedure] = new([codeCount]atomic.Pointer[prometheus.Observer])
	}
	for _, collector := range []prometheus.Collector{r.durations, r.dropped} {
		if err := m.registry.Register(collector); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return r, nil
}

// Requested records a request.
func (r *requestMetrics) Requested(procedure string, code connect.Code, took time.Duration) {
	ofMethod, ok := r.observers[procedure]
	if !ok { // reflection and gRPC health
		procedure, ofMethod = "", r.observers[""]
	}
	if int(code) >= codeCount {
		code = connect.CodeUnknown
	}
	observer := ofMethod[code].Load()
	if observer == nil {
		created := r.durations.WithLabelValues(methodLabel(procedure), codeLabel(code))
		observer = &created
		ofMethod[code].Store(observer) // one of several that are the same
	}
	(*observer).Observe(took.Seconds())
}

// LineDropped counts a line that the access log did not write.
func (r *requestMetrics) LineDropped() { r.dropped.Inc() }

// methodLabel returns a procedure as other metrics have it.
func methodLabel(procedure string) string {
	if procedure == "" {
		return noMethod
	}
	return strings.TrimPrefix(procedure, "/")
}

func codeLabel(code connect.Code) string {
	if code == 0 {
		return "ok"
	}
	return code.String()
}
