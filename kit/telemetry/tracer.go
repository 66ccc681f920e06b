package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/trace"
)

// A Tracer starts spans of work that does not begin with a request: their parents are trace
// contexts that were stored or sent. Where a parent is not sampled it starts none, and returns
// the context that it got, with a span that records nothing. A nil Tracer starts none. It is
// safe for concurrent use.
type Tracer struct{ tracer trace.Tracer }

// MaxLinks is the number of links of a span that the SDK keeps by default.
const MaxLinks = 128

// NotRecording is a span that records nothing.
var NotRecording = trace.SpanFromContext(context.Background())

// IsRecorded reports whether spans below a parent are recorded. It is a cheap check before
// the attributes of a span are made.
func (t *Tracer) IsRecorded(parent TraceContext) bool { return t != nil && parent.IsSampled() }

// Start starts a span below a parent.
func (t *Tracer) Start(ctx context.Context, parent TraceContext, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if !t.IsRecorded(parent) {
		return ctx, NotRecording
	}
	return t.tracer.Start(trace.ContextWithRemoteSpanContext(ctx, parent.SpanContext()), name, options...)
}

// StartDerived starts a span below a parent with the id that parent.Derived returns for
// numbers. No other span may be started for the same numbers.
func (t *Tracer) StartDerived(ctx context.Context, parent TraceContext, numbers []int64, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if !t.IsRecorded(parent) {
		return ctx, NotRecording
	}
	ctx = trace.ContextWithRemoteSpanContext(ctx, parent.SpanContext())
	_, span := t.tracer.Start(withSpanID(ctx, parent.Derived(numbers...).SpanID()), name, options...)
	return trace.ContextWithSpan(ctx, span), span // without the id, which spans below it must not have
}

// StartBatch starts a span of work for several traces: it is below the first one that is
// sampled, and linked to the parents of the other sampled ones, each once.
func (t *Tracer) StartBatch(ctx context.Context, parents []TraceContext, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if t == nil {
		return ctx, NotRecording
	}
	var first TraceContext
	var links []trace.Link
	linked := map[TraceContext]bool{}
	for _, parent := range parents {
		switch {
		case !parent.IsSampled() || linked[parent]:
			continue
		case first == "":
			first = parent
		case len(links) < MaxLinks:
			links = append(links, trace.Link{SpanContext: parent.SpanContext()})
		}
		linked[parent] = true
	}
	return t.Start(ctx, first, name, append(options, trace.WithLinks(links...))...)
}
