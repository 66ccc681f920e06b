package queue

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// Trace makes the queue record a span for each job that it publishes, below the span of its
// alert. It must be called before other methods.
func (q *Queue) Trace(tracer *telemetry.Tracer) { q.tracer = tracer }

// startPublish starts the spans of the jobs of a queue message, and appends them to spans.
func (q *Queue) startPublish(ctx context.Context, spans []trace.Span, jobs []job.Job) []trace.Span {
	for i := range jobs {
		j := &jobs[i]
		if !q.tracer.IsRecorded(j.Trace) {
			continue
		}
		to := subject(j.Messenger, j.Rank)
		_, span := q.tracer.Start(ctx, j.Trace, "publish "+to, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
			attribute.String("messaging.system", "nats"),
			attribute.String("messaging.operation.name", "publish"),
			attribute.String("messaging.operation.type", "send"),
			attribute.String("messaging.destination.name", to),
			attribute.Int("messaging.batch.message_count", len(jobs)),
			attribute.Int64("bongsu.alert.id", j.AlertID),
			attribute.Int("bongsu.delivery.count", len(j.Deliveries)),
		))
		spans = append(spans, span)
	}
	return spans
}

// endPublish ends spans after their queue messages were acknowledged, or failed with err.
func endPublish(spans []trace.Span, err error) {
	for _, span := range spans {
		if err != nil {
			span.SetStatus(codes.Error, "not acknowledged")
		}
		span.End()
	}
}
