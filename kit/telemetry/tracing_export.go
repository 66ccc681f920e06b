package telemetry

import (
	"context"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/bongsu-project/bongsu/kit/redact"
)

// A loggingExporter logs the outages of an exporter, once at their begin and once at their
// end. Spans that cannot be exported are dropped.
type loggingExporter struct {
	sdktrace.SpanExporter
	log     *slog.Logger
	failing atomic.Bool
}

// ExportSpans exports spans.
func (e *loggingExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && !e.failing.Swap(true):
		e.log.Warn("traces cannot be exported, spans are dropped", "spans", len(spans), "error", redact.Error(err))
	case err == nil && e.failing.Swap(false):
		e.log.Info("traces are exported again")
	}
	return nil // reported; the SDK would write it to stderr by itself
}

// An idGenerator generates the ids of traces and spans. It is safe for concurrent use.
type idGenerator struct {
	traceID func(context.Context) string
}

// NewIDs returns the ids of a span without a parent.
func (g idGenerator) NewIDs(ctx context.Context) (id trace.TraceID, span trace.SpanID) {
	if g.traceID != nil {
		if text := g.traceID(ctx); len(text) == traceIDSize {
			_, _ = hex.Decode(id[:], []byte(text)) // an invalid id is replaced
		}
	}
	for !id.IsValid() {
		random(id[:])
	}
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID returns the id of a span with a parent: that of withSpanID, or a random one.
func (idGenerator) NewSpanID(ctx context.Context, _ trace.TraceID) (id trace.SpanID) {
	if id, ok := ctx.Value(spanIDKey{}).(trace.SpanID); ok {
		return id
	}
	for !id.IsValid() {
		random(id[:])
	}
	return id
}

// spanIDKey is the key of the id of the next span in a context.
type spanIDKey struct{}

// withSpanID returns a context in which one span is started, with an id.
func withSpanID(ctx context.Context, id trace.SpanID) context.Context {
	return context.WithValue(ctx, spanIDKey{}, id)
}

// random fills b with random bytes. They are not secret.
func random(b []byte) {
	for i := range b {
		b[i] = byte(rand.Uint32()) //nolint:gosec // an id is no secret
	}
}
