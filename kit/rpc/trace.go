package rpc

import (
	"context"
	"fmt"
	"slices"

	"connectrpc.com/connect"
	"connectrpc.com/otelconnect"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// Traced returns options whose services record a span of each call that reaches its method's
// handler, before the other interceptors. Its parent is the span of the caller's traceparent,
// which decides whether it is sampled if the sampler follows the parent. With a nil provider
// Traced returns o.
func (o Options) Traced(provider trace.TracerProvider) (Options, error) {
	traced, err := newTracingInterceptor(provider)
	if err != nil || traced == nil {
		return o, err
	}
	o.first = append([]connect.HandlerOption{connect.WithInterceptors(traced)}, slices.Clone(o.first)...)
	return o, nil
}

// TraceCalls returns the interceptors that record a span of each call to an upstream, and pass
// it on as traceparent, for ClientOptions. With a nil provider there are none.
func TraceCalls(provider trace.TracerProvider) ([]connect.Interceptor, error) {
	traced, err := newTracingInterceptor(provider)
	if err != nil || traced == nil {
		return nil, err
	}
	return []connect.Interceptor{traced}, nil
}

// newTracingInterceptor returns the interceptor that records spans, and nil for a nil provider.
func newTracingInterceptor(provider trace.TracerProvider) (connect.Interceptor, error) {
	if provider == nil {
		return nil, nil //nolint:nilnil // nothing is recorded
	}
	traced, err := otelconnect.NewInterceptor(
		otelconnect.WithTracerProvider(provider), otelconnect.WithPropagator(propagation.TraceContext{}),
		otelconnect.WithTrustRemote(), otelconnect.WithoutMetrics(),
	)
	if err != nil {
		return nil, fmt.Errorf("trace calls: %w", err)
	}
	return traced, nil
}

// TraceIDOf returns the trace id of the request of ctx, or "" outside a request.
func TraceIDOf(ctx context.Context) string {
	if info := InfoOf(ctx); info != nil {
		return info.TraceID
	}
	return ""
}

// TraceContextOf returns the span of ctx. If this process records none, it returns that of
// the caller's traceparent or, without one, the trace id of the request.
func TraceContextOf(ctx context.Context) telemetry.TraceContext {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		return telemetry.TraceContextOf(span)
	}
	info := InfoOf(ctx)
	switch {
	case info == nil:
		return ""
	case info.traceparent != "":
		return telemetry.TraceContext(info.traceparent[:traceparentSize]) // a later version may have further parts
	}
	return telemetry.TraceContext(info.TraceID)
}
