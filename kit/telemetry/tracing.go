package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// closeTimeout is how long Close waits for the exporter to send the last spans.
const closeTimeout = 3 * time.Second

// Tracing records the spans of a process and exports them in the background. A nil Tracing
// records none.
type Tracing struct{ provider *sdktrace.TracerProvider }

// TracingOptions describe a process.
type TracingOptions struct {
	Service, Version string // of the resource, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise
	// TraceID returns the id of the trace that a span without a parent begins, 32
	// hexadecimal digits; a random one if it is nil or returns none.
	TraceID func(context.Context) string
	Log     *slog.Logger
}

// OpenTracing returns the tracing that the standard OTEL_ environment variables configure:
// OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_…, OTEL_TRACES_SAMPLER, OTEL_BSP_…,
// OTEL_SPAN_…, OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES. It returns nil unless they
// name an exporter or its endpoint. It sets nothing global. A Tracing must be closed.
func OpenTracing(ctx context.Context, o TracingOptions) (*Tracing, error) {
	if !isTracingOn(os.Getenv) {
		return nil, nil
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the exporter of traces, set by OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_…: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", o.Service), attribute.String("service.version", o.Version)),
		resource.WithTelemetrySDK(), resource.WithHost(), resource.WithProcessPID(),
		resource.WithFromEnv(), // last: it takes precedence
	)
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return &Tracing{sdktrace.NewTracerProvider( // it reads the variables of samplers, limits and batches
		sdktrace.WithBatcher(&loggingExporter{SpanExporter: exporter, log: o.Log}),
		sdktrace.WithResource(about),
		sdktrace.WithIDGenerator(idGenerator{o.TraceID}),
	)}, nil
}

// isTracingOn reports whether the environment names an exporter of spans, or its endpoint.
func isTracingOn(getenv func(string) string) bool {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	if exporter := getenv("OTEL_TRACES_EXPORTER"); exporter != "" {
		return exporter != "none"
	}
	return getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// Provider returns the provider of tracers, nil for a nil Tracing.
func (t *Tracing) Provider() trace.TracerProvider {
	if t == nil {
		return nil
	}
	return t.provider
}

// Tracer returns a tracer for an instrumentation scope, such as the path of a package; nil for
// a nil Tracing.
func (t *Tracing) Tracer(scope string) *Tracer {
	if t == nil {
		return nil
	}
	return &Tracer{t.provider.Tracer(scope)}
}

// Close exports the last spans. It gives up after 3 seconds, and returns no error: the
// exporter has logged it.
func (t *Tracing) Close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx)
	return nil
}
