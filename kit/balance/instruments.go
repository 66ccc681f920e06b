package balance

import (
	"context"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bongsu-project/bongsu/kit/discovery"
)

var _ Metrics = (*Instruments)(nil)

// meterName is the OpenTelemetry instrumentation scope.
const meterName = "github.com/bongsu-project/bongsu/kit/balance"

// Instruments are Metrics by OpenTelemetry, by the names of instances: ids would be a label without
// a bound.
type Instruments struct {
	meter                      metric.Meter
	requests, retries, changes metric.Int64Counter

	options sync.Map // metric.MeasurementOption by labels
}

// labels are the values of two attributes.
type labels struct{ service, name, value string }

// NewInstruments returns instruments of a provider, for Options.Metrics.
func NewInstruments(provider metric.MeterProvider) (*Instruments, error) {
	i := &Instruments{meter: provider.Meter(meterName)}
	for _, counter := range []struct {
		to                *metric.Int64Counter
		name, description string
	}{
		{&i.requests, "bongsu.balance.requests", "Requests to instances of other processes, by service and outcome: responded, canceled, not_sent, broken, unavailable, timed_out or local_failure."},
		{&i.retries, "bongsu.balance.retries", "Requests that were sent to a second instance, by service and the outcome at the first one."},
		{&i.changes, "bongsu.balance.breaker.changes", "State changes of the breakers of instances, by service and new state: open or closed."},
	} {
		var err error
		if *counter.to, err = i.meter.Int64Counter(counter.name, metric.WithDescription(counter.description)); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return i, nil
}

// Observe registers the gauges of a balancer.
func (i *Instruments) Observe(b *Balancer) error {
	instances, err := i.meter.Int64ObservableGauge("bongsu.balance.instances",
		metric.WithDescription("Instances that this process knows, by service and state: serving, draining or failing."))
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	inFlight, err := i.meter.Int64ObservableGauge("bongsu.balance.calls",
		metric.WithDescription("Calls of this process to instances that have not ended, by service."))
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	if _, err := i.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		type state struct {
			service string
			state   discovery.State
		}
		count, calls := map[state]int64{}, map[string]int64{}
		for _, s := range b.Status() {
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
func (i *Instruments) BalancedRequest(name string, outcome Outcome) {
	i.requests.Add(context.Background(), 1, i.attributes(name, "outcome", string(outcome)))
}

// BalancedRetry counts a request that is sent to a second instance.
func (i *Instruments) BalancedRetry(name string, outcome Outcome) {
	i.retries.Add(context.Background(), 1, i.attributes(name, "outcome", string(outcome)))
}

// BreakerChanged counts a breaker that opens or closes.
func (i *Instruments) BreakerChanged(name string, open bool) {
	to := "closed"
	if open {
		to = "open"
	}
	i.changes.Add(context.Background(), 1, i.attributes(name, "state", to))
}

// attributes returns the option for a service and a second attribute. It is cached, because
// building one takes longer than recording.
func (i *Instruments) attributes(service, name, value string) metric.MeasurementOption {
	key := labels{service, name, value}
	option, ok := i.options.Load(key)
	if !ok {
		option, _ = i.options.LoadOrStore(key, metric.WithAttributeSet(attribute.NewSet(attribute.String("service", service), attribute.String(name, value))))
	}
	return option.(metric.MeasurementOption) //nolint:forcetypeassert // the map holds this type only
}
