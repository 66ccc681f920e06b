package app

import (
	"fmt"
	"strings"
	"sync"
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
	observers map[string]*methodObservers // by procedure, "" for noMethod
	joined    sync.Map                    // as observers, of joined services
	count     atomic.Int64                // of joined
	dropped   prometheus.Counter
}

// requestMetrics registers the metrics of requests of the methods of a table.
func (m *metrics) requestMetrics(methods policy.Table) (*requestMetrics, error) {
	r := &requestMetrics{
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bongsu_edge_request_duration_seconds", Buckets: requestBuckets,
			Help: "Duration of requests to the edge, by method and code, also of refused ones.",
		}, []string{"method", "code"}),
		observers: map[string]*methodObservers{"": {}},
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bongsu_edge_access_log_dropped_lines_total",
			Help: "Lines of the access log that were not written: of refused requests beyond 100 per second, and while the log takes none.",
		}),
	}
	for procedure := range methods {
		r.observers[procedure] = new(methodObservers)
	}
	for _, collector := range []prometheus.Collector{r.durations, r.dropped} {
		if err := m.Register(collector); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return r, nil
}

// maxJoinedLabels is the maximum number of procedures of joined services that have a label. A
// procedure keeps it as long as the process runs.
const maxJoinedLabels = 5000

// methodObservers are the observers of a procedure by code.
type methodObservers [codeCount]atomic.Pointer[prometheus.Observer]

// Serve adds the procedures of a joined service. Beyond maxJoinedLabels they have the label
// noMethod.
func (r *requestMetrics) Serve(procedures []string) {
	for _, procedure := range procedures {
		if _, ok := r.observers[procedure]; ok {
			continue
		}
		if _, ok := r.joined.Load(procedure); !ok && r.count.Load() < maxJoinedLabels {
			r.joined.Store(procedure, new(methodObservers))
			r.count.Add(1)
		}
	}
}

// ofJoined returns the observers of a procedure of a joined service, and those of noMethod for
// another one: reflection and gRPC health.
func (r *requestMetrics) ofJoined(procedure string) (label string, observers *methodObservers) {
	if found, ok := r.joined.Load(procedure); ok {
		return procedure, found.(*methodObservers) //nolint:forcetypeassert // the map holds this type only
	}
	return "", r.observers[""]
}

// Requested records a request.
func (r *requestMetrics) Requested(procedure string, code connect.Code, took time.Duration) {
	ofMethod, ok := r.observers[procedure]
	if !ok {
		procedure, ofMethod = r.ofJoined(procedure)
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
