package app

import (
	"context"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/kit/cache"
	"github.com/bongsu-project/bongsu/services/edge"
)

// cacheSubject is the NATS subject by which edges tell each other of changes.
const cacheSubject = "bongsu.edge.cache"

// openResponseCache returns the response cache of the edge, or nil if it is off. It is kept
// coherent until requests have been served: the last one may be a change.
func (b *builder) openResponseCache() (*edge.ResponseCache, error) {
	if b.config.cacheBytes == 0 {
		return nil, nil //nolint:nilnil // nil is none
	}
	conn, err := b.openNATS()
	if err != nil {
		return nil, err
	}
	var peers *cache.Peers
	if conn != nil {
		peers = cache.NewPeers(queue.NewBroadcast(conn, cacheSubject), b.log)
	} else if !b.config.has(Directory) || !b.config.has(Alert) {
		b.log.Warn("response cache of this edge learns of no other edge's changes: if there are several edges, set --nats-url or --response-cache=off")
	}
	metrics, err := newCacheMetrics(b.metrics)
	if err != nil {
		return nil, err
	}
	responses, err := edge.NewResponseCache(b.config.cacheBytes, peers, metrics)
	if err != nil {
		return nil, err
	}
	if peers != nil {
		b.shutdownStages[stageLimiter] = append(b.shutdownStages[stageLimiter], responses.Run)
	}
	return responses, metrics.register(responses)
}

// openNATS returns the connection of this process to the NATS server that processes share, or
// nil if there is none: no other process can connect to an embedded broker.
func (b *builder) openNATS() (*nats.Conn, error) {
	if b.config.NATSURL == "" {
		return nil, nil //nolint:nilnil // nil is none
	}
	if b.queue != nil {
		return b.queue.Conn(), nil
	}
	if b.nats == nil {
		conn, err := b.dialNATS()
		if err != nil {
			return nil, err
		}
		b.closeLater("the NATS connection", func() error { conn.Close(); return nil })
		b.nats = conn
	}
	return b.nats, nil
}

var _ edge.CacheMetrics = (*cacheMetrics)(nil)

// cacheMetrics are the metrics of the response cache.
type cacheMetrics struct {
	meter                metric.Meter
	calls, invalidations metric.Int64Counter

	options sync.Map // metric.MeasurementOption by attribute pair
}

func newCacheMetrics(m *metrics) (*cacheMetrics, error) {
	c := &cacheMetrics{meter: m.meter()}
	var err error
	if c.calls, err = c.meter.Int64Counter("bongsu.edge.cache.calls",
		metric.WithDescription("Calls of methods whose responses are cached, by method and outcome: hit, miss, shared (with a concurrent call) or bypass.")); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	if c.invalidations, err = c.meter.Int64Counter("bongsu.edge.cache.invalidations",
		metric.WithDescription("Calls that made cached responses stale, by method and whether all other edges acknowledged that in time.")); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return c, nil
}

// CachedCall counts a call of a method whose responses are cached.
func (c *cacheMetrics) CachedCall(procedure, outcome string) {
	c.calls.Add(context.Background(), 1, c.attributes(procedure, attribute.String("outcome", outcome)))
}

// InvalidatingCall counts a call that made cached responses stale.
func (c *cacheMetrics) InvalidatingCall(procedure string, acknowledged bool) {
	c.invalidations.Add(context.Background(), 1, c.attributes(procedure, attribute.Bool("acknowledged", acknowledged)))
}

// attributes returns the option for a method and a second attribute. It is cached, because
// building one takes longer than recording.
func (c *cacheMetrics) attributes(procedure string, second attribute.KeyValue) metric.MeasurementOption {
	key := struct {
		procedure string
		second    attribute.KeyValue
	}{procedure, second}
	option, ok := c.options.Load(key)
	if !ok {
		option, _ = c.options.LoadOrStore(key, metric.WithAttributes(attribute.String("method", procedure), second))
	}
	return option.(metric.MeasurementOption) //nolint:forcetypeassert // the map holds this type only
}

// register registers the gauges of a cache.
func (c *cacheMetrics) register(responses *edge.ResponseCache) error {
	for _, gauge := range []struct {
		name, unit, description string
		value                   func() int64
	}{
		{"bongsu.edge.cache.entries", "", "Responses in the cache, stale ones among them.", func() int64 { return int64(responses.Len()) }},
		{"bongsu.edge.cache.size", "By", "Memory of the responses in the cache, roughly.", responses.Bytes},
		{"bongsu.edge.cache.peers", "", "Other edges that this edge knows of.", func() int64 { return int64(responses.Peers()) }},
		{"bongsu.edge.cache.fresh", "", "Whether the cache is in use (1), or not (0) because another edge or NATS cannot be heard.", func() int64 {
			if responses.Fresh() {
				return 1
			}
			return 0
		}},
	} {
		_, err := c.meter.Int64ObservableGauge(gauge.name, metric.WithUnit(gauge.unit), metric.WithDescription(gauge.description),
			metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
				o.Observe(gauge.value())
				return nil
			}))
		if err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	return nil
}
