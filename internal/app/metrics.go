package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// metrics is what the process measures of itself, in a registry of its own, so
// that several can live in one test.
type metrics struct {
	provider *sdkmetric.MeterProvider
	handler  http.Handler // answers as Prometheus asks
	attempts metric.Float64Histogram
}

func newMetrics() (*metrics, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))
	attempts, err := provider.Meter("github.com/bongsu-project/bongsu").Float64Histogram("bongsu.sender.attempt.duration",
		metric.WithUnit("s"), metric.WithDescription("How long calls to providers took, by messenger and outcome."))
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	return &metrics{
		provider: provider,
		handler:  promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
		attempts: attempts,
	}, nil
}

// observe counts an attempt.
func (m *metrics) observe(messengerName string, o messenger.Outcome, took time.Duration) {
	m.attempts.Record(context.Background(), took.Seconds(), metric.WithAttributes(
		attribute.String("messenger", messengerName),
		attribute.String("outcome", o.Kind.String()),
	))
}

func (m *metrics) close() error { return m.provider.Shutdown(context.Background()) }
