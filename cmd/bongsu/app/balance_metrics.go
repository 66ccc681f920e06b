package app

import (
	"context"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/discovery"
)

var _ balance.Metrics = (*balanceMetrics)(nil)

// balanceMetrics are the metrics of the balancer, by the service word of instances: ids would
// be a label without a bound.
type balanceMetrics struct {
	meter                      metric.Meter
	requests, retries, changes metric.Int64Counter

	options sync.Map // metric.MeasurementOption by balanceLabels
}

// balanceLabels are the values of two attributes.
type balanceLabels struct{ service, name, value string }

func newBalanceMetrics(m *metrics) (*balanceMetrics, error) {
	b := &balanceMetrics{meter: m.provider.Meter(meterName)}
	for _, counter := range []struct {
		to                *metric.Int64Counter
		name, description string
	}{
		{&b.requests, "bongsu.balance.requests", "Requests to instances of other processes, by service and outcome: responded, canceled, not_sent, broken, unavailable, timed_out or local_failure."},
		{&b.retries, "bongsu.balance.retries", "Requests that were sent to a second instance, by service and the outcome at the first one."},
		{&b.changes, "bongsu.balance.breaker.changes", "State changes of the breakers of instances, by service and new state: open or closed."},
	} {
		var err error
		if *counter.to, err = b.meter.Int64Counter(counter.name, metric.WithDescription(counter.description)); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return b, nil
}

// register registers the gauges of a balancer.
func (b *balanceMetrics) register(balancer *balance.Balancer) error {
	instances, err := b.meter.Int64ObservableGauge("bongsu.balance.instances",
		metric.WithDescription("Instances that this process knows, by service and state: serving, draining or failing."))
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	inFlight, err := b.meter.Int64ObservableGauge("bongsu.balance.calls",
		metric.WithDescription("Calls of this process to instances that have not ended, by service."))
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	if _, err := b.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		type state struct {
			service string
			state   discovery.State
		}
		count, calls := map[state]int64{}, map[string]int64{}
		for _, s := range balancer.Status() {
			for _, each := range []discovery.State{discovery.Serving, discovery.Draining, discovery.Failing} {
				count[state{s.Name, each}] += 0 // a gauge that ends at 0 does not vanish at once
			}
			count[state{s.Name, s.State}]++
			calls[s.Name] += s.InFlight
		}
		for k, n := range count {
			o.ObserveInt64(instances, n, metric.WithAttributes(attribute.String("service", k.service), attribute.String("state", stateWord(k.state))))
		}
		for service, n := range calls {
			o.ObserveInt64(inFlight, n, metric.WithAttributes(attribute.String("service", service)))
		}
		return nil
	}, instances, inFlight); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

func stateWord(s discovery.State) string {
	switch s {
	case discovery.Draining:
		return "draining"
	case discovery.Failing:
		return "failing"
	default:
		return "serving"
	}
}

// BalancedRequest counts a request to an instance.
func (b *balanceMetrics) BalancedRequest(name string, outcome balance.Outcome) {
	b.requests.Add(context.Background(), 1, b.attributes(name, "outcome", string(outcome)))
}

// BalancedRetry counts a request that is sent to a second instance.
func (b *balanceMetrics) BalancedRetry(name string, outcome balance.Outcome) {
	b.retries.Add(context.Background(), 1, b.attributes(name, "outcome", string(outcome)))
}

// BreakerChanged counts a breaker that opens or closes.
func (b *balanceMetrics) BreakerChanged(name string, open bool) {
	to := "closed"
	if open {
		to = "open"
	}
	b.changes.Add(context.Background(), 1, b.attributes(name, "state", to))
}

// attributes returns the option for a service and a second attribute. It is cached, because
// building one takes longer than recording.
func (b *balanceMetrics) attributes(service, name, value string) metric.MeasurementOption {
	key := balanceLabels{service, name, value}
	option, ok := b.options.Load(key)
	if !ok {
		option, _ = b.options.LoadOrStore(key, metric.WithAttributeSet(attribute.NewSet(attribute.String("service", service), attribute.String(name, value))))
	}
	return option.(metric.MeasurementOption) //nolint:forcetypeassert // the map holds this type only
}
