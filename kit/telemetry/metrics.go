package telemetry

import (
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// Metrics holds the instruments of a process in a registry of its own, so that one test can run
// several processes. It sets nothing global. It must be closed.
type Metrics struct {
	registry *prometheus.Registry
	provider *sdkmetric.MeterProvider
	handler  http.Handler
}

// NewMetrics returns metrics, which have those of the Go runtime and of the process.
func NewMetrics() (*Metrics, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))
	return &Metrics{registry, provider, promhttp.HandlerFor(registry, promhttp.HandlerOpts{})}, nil
}

// Provider returns the provider of meters.
func (m *Metrics) Provider() metric.MeterProvider { return m.provider }

// Register registers a collector that is no instrument of OpenTelemetry.
func (m *Metrics) Register(c prometheus.Collector) error { return m.registry.Register(c) }

// Handler returns the handler that serves the metrics in the format of Prometheus.
func (m *Metrics) Handler() http.Handler { return m.handler }

// Close ends the provider: instruments record nothing from then on.
func (m *Metrics) Close() error { return m.provider.Shutdown(context.Background()) }
