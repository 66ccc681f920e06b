package app

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
)

// openJoined lets the services of other processes join the edge, as the registry knows them.
func (b *builder) openJoined(ctx context.Context, e edge.Edge, options rpc.Options) (*edge.Joined, error) {
	joined, err := e.NewJoined(options, edge.JoinedConfig{Client: b.client, BaseURL: balance.BaseURL, Direct: b.peerClient, Log: b.log, Calls: b.traceCalls})
	if err != nil {
		return nil, err
	}
	if err := b.metrics.observeJoined(joined.States); err != nil {
		return nil, err
	}
	b.runUntilClosed(ctx, "joined services", joined.Run)
	b.runUntilClosed(ctx, "the instances of joined services", func(ctx context.Context) error {
		for {
			changed := b.balancer.Changed()
			joined.Update(b.balancer.Instances())
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
			}
		}
	})
	return joined, nil
}

// observeJoined registers the gauge of joined services.
func (m *metrics) observeJoined(states func() []edge.JoinedService) error {
	routed, refused := metric.WithAttributes(attribute.String("state", "routed")), metric.WithAttributes(attribute.String("state", "refused"))
	_, err := m.meter().Int64ObservableGauge("bongsu.edge.joined.services",
		metric.WithDescription("Protobuf services of other processes that this program does not know, by state: routed, or refused for the reason in the log."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			counts := map[bool]int64{}
			for _, s := range states() {
				counts[s.Routed]++
			}
			o.Observe(counts[true], routed)
			o.Observe(counts[false], refused)
			return nil
		}))
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}
