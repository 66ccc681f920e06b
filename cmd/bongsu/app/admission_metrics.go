package app

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bongsu-project/bongsu/services/edge"
)

var _ edge.AdmissionMetrics = (*admissionMetrics)(nil)

// admissionMetrics are the instruments of the admission of the edge.
type admissionMetrics struct {
	meter   metric.Meter
	refused metric.Int64Counter
	banned  metric.Int64Counter
	reasons map[string]metric.MeasurementOption
}

// newAdmissionMetrics registers the counters.
func (m *metrics) newAdmissionMetrics() (*admissionMetrics, error) {
	meter := m.meter()
	refused, err1 := meter.Int64Counter("bongsu.edge.refusals", metric.WithDescription("Requests refused by the edge before their service, by reason."))
	banned, err2 := meter.Int64Counter("bongsu.edge.bans", metric.WithDescription("Addresses that this edge banned."))
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	reasons := map[string]metric.MeasurementOption{}
	for _, reason := range []string{
		edge.RefusedBanned, edge.RefusedAddressLimit, edge.RefusedAddressCalls, edge.RefusedServiceLimit,
		edge.RefusedMaxCalls, edge.RefusedMaxStreams, edge.RefusedMaxStreamsPerCaller,
	} {
		reasons[reason] = metric.WithAttributeSet(attribute.NewSet(attribute.String("reason", reason)))
	}
	return &admissionMetrics{meter: meter, refused: refused, banned: banned, reasons: reasons}, nil
}

// RefusedRequest counts a refused request.
func (m *admissionMetrics) RefusedRequest(reason string) {
	m.refused.Add(context.Background(), 1, m.reasons[reason])
}

// AddressBanned counts a ban.
func (m *admissionMetrics) AddressBanned() { m.banned.Add(context.Background(), 1) }

// observe registers the gauges of an admission and of the number of bans.
func (m *admissionMetrics) observe(counts func() edge.Counts, bans func() int) error {
	var errs []error
	gauge := func(name, description string) metric.Int64ObservableGauge {
		g, err := m.meter.Int64ObservableGauge(name, metric.WithDescription(description))
		errs = append(errs, err)
		return g
	}
	calls := gauge("bongsu.edge.calls", "Calls that the edge serves now, without streams.")
	streams := gauge("bongsu.edge.streams", "Streams that the edge serves now.")
	addresses := gauge("bongsu.edge.addresses", "Client addresses whose rate limit is in memory.")
	banned := gauge("bongsu.edge.banned.addresses", "Addresses that are banned now, by any edge.")
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	_, err := m.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		c := counts()
		o.ObserveInt64(calls, c.Calls)
		o.ObserveInt64(streams, c.Streams)
		o.ObserveInt64(addresses, int64(c.Addresses))
		o.ObserveInt64(banned, int64(bans()))
		return nil
	}, calls, streams, addresses, banned)
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}
