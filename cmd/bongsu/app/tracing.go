package app

import (
	"context"
	"slices"
	"strings"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// openTracing records spans if the standard OTEL_ variables of the environment say so.
func (b *builder) openTracing(ctx context.Context) error {
	tracing, err := telemetry.OpenTracing(ctx, telemetry.TracingOptions{
		Service: b.config.tracedService(), Version: b.config.Version, TraceID: rpc.TraceIDOf, Log: b.log,
	})
	if err != nil {
		return err
	}
	b.closeLater("the traces", tracing.Close)
	if b.rpc, err = b.rpc.Traced(tracing.Provider()); err != nil {
		return err
	}
	b.tracing = tracing
	b.traceCalls, err = rpc.TraceCalls(tracing.Provider())
	return err
}

// tracer returns the tracer of a part of the process; nil records nothing.
func (b *builder) tracer(part string) *telemetry.Tracer {
	return b.tracing.Tracer(meterName + "/" + part)
}

// clientOptions returns the options of clients of an upstream.
func (b *builder) clientOptions(upstream string) connect.ClientOption {
	return rpc.ClientOptions(upstream, b.log, b.traceCalls...)
}

// tracedService returns the name of the process in traces: bongsu, with the names of its
// services if another process runs the edge, the alert service or the senders.
func (s *settings) tracedService() string {
	if s.has(Edge) && s.has(Alert) && s.has(Sender) {
		return "bongsu"
	}
	return "bongsu-" + strings.Join(slices.DeleteFunc(slices.Clone(s.Services), func(name string) bool { return name == Mockup && len(s.Services) > 1 }), "-")
}
