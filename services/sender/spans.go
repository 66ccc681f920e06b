package sender

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// spans records the spans of a pipeline:
//   - of each claim batch, below the span of the first sampled alert in it, with links to those
//     of the others;
//   - of each attempt, below the span of its alert, with a link to the first attempt of the
//     delivery or, for the first attempt of a later delivery of a failover chain, to that of
//     the chain;
//   - of each report, below the span of the first sampled alert, with links to the attempts.
//
// The id of the span of an attempt is derived from the delivery and the number of the attempt,
// so that a later attempt finds it in any process. No span holds a destination, a credential or
// a text. spans is safe for concurrent use.
type spans struct {
	tracer    *telemetry.Tracer // nil records nothing
	messenger string
}

// startClaim starts the span of a claim batch.
func (s spans) startClaim(ctx context.Context, tasks []*task) (context.Context, trace.Span) {
	if s.tracer == nil {
		return ctx, telemetry.NotRecording
	}
	parents := make([]telemetry.TraceContext, 0, len(tasks))
	for _, t := range tasks {
		parents = append(parents, t.job.Trace)
	}
	return s.tracer.StartBatch(ctx, parents, "claim "+s.messenger,
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(s.batchAttributes("claim", "receive", len(tasks))...))
}

// batchAttributes returns the attributes of the span of a batch of deliveries.
func (s spans) batchAttributes(name, kind string, deliveries int) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("messaging.system", "nats"),
		attribute.String("messaging.operation.name", name),
		attribute.String("messaging.operation.type", kind),
		attribute.String("messaging.destination.name", "send."+s.messenger),
		attribute.Int("messaging.batch.message_count", deliveries),
	}
}

// startAttempt starts the span of an attempt.
func (s spans) startAttempt(ctx context.Context, t *task) (context.Context, trace.Span) {
	if !s.tracer.IsRecorded(t.job.Trace) {
		return ctx, telemetry.NotRecording
	}
	id, attempt := t.delivery.ID, int64(t.claim.Attempt)
	var links []trace.Link
	switch {
	case attempt > 1:
		links = []trace.Link{{SpanContext: attemptSpan(t.job.Trace, id, 1)}}
	case t.delivery.Chain != 0 && t.delivery.Chain != id:
		links = []trace.Link{{SpanContext: attemptSpan(t.job.Trace, t.delivery.Chain, 1)}}
	}
	return s.tracer.StartDerived(ctx, t.job.Trace, []int64{id, attempt}, "send "+s.messenger,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithLinks(links...), trace.WithAttributes(
			attribute.Int64("bongsu.alert.id", t.job.AlertID),
			attribute.Int64("bongsu.delivery.id", id),
			attribute.Int64("bongsu.attempt.number", attempt),
			attribute.String("bongsu.messenger", s.messenger),
			attribute.Bool("bongsu.possible_duplicate", t.claim.PossibleDuplicate),
		))
}

// attemptSpan returns the span of an attempt of a delivery.
func attemptSpan(c telemetry.TraceContext, delivery, attempt int64) trace.SpanContext {
	return c.Derived(delivery, attempt)
}

// endAttempt ends the span of an attempt with its outcome.
func endAttempt(span trace.Span, o messenger.Outcome) {
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.String("bongsu.outcome", o.Kind.String()))
	if o.Kind != messenger.Sent {
		span.SetAttributes(attribute.String("error.type", o.Code))
		span.SetStatus(codes.Error, o.Code)
	}
	span.End()
}

// recordUncalled records the span of an attempt that ended without a call.
func (s spans) recordUncalled(ctx context.Context, t *task, r *dispatch.Report) {
	_, span := s.startAttempt(ctx, t)
	endAttempt(span, r.Outcome)
}

// startReport starts the span of a report of results.
func (s spans) startReport(ctx context.Context, batch []result) (context.Context, trace.Span) {
	if s.tracer == nil {
		return ctx, telemetry.NotRecording
	}
	var parent telemetry.TraceContext
	var links []trace.Link
	reports := 0
	for _, r := range batch {
		if r.report == nil {
			continue
		}
		reports++
		if s.tracer.IsRecorded(r.trace) && len(links) < telemetry.MaxLinks {
			links = append(links, trace.Link{SpanContext: attemptSpan(r.trace, r.report.DeliveryID, r.attempt)})
			if parent == "" {
				parent = r.trace
			}
		}
	}
	if parent == "" {
		return ctx, telemetry.NotRecording
	}
	return s.tracer.Start(ctx, parent, "report "+s.messenger, trace.WithSpanKind(trace.SpanKindInternal),
		trace.WithLinks(links...), trace.WithAttributes(s.batchAttributes("report", "settle", reports)...))
}

// endBatch ends the span of a batch, which failed with err if that is not nil.
func endBatch(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, "alert service unavailable")
	}
	span.End()
}
