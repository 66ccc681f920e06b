package sender

import (
	"errors"
	"log/slog"
	"slices"
	"testing"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/kittest/otlptest"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// The traces of two alerts; that of a third is not sampled.
const (
	traceA   = telemetry.TraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	traceB   = telemetry.TraceContext("00-5bf92f3577b34da6a3ce929d0e0e4736-10f067aa0ba902b7-01")
	unsample = telemetry.TraceContext("00-6bf92f3577b34da6a3ce929d0e0e4736-20f067aa0ba902b7-00")
)

// tracedTask returns a claimed task.
func tracedTask(c telemetry.TraceContext, delivery, chain int64, attempt int) *task {
	return &task{
		job: &job.Job{AlertID: 1, Messenger: "slack", Trace: c}, delivery: job.Delivery{ID: delivery, Chain: chain},
		claim: dispatch.Claim{DeliveryID: delivery, Fence: 1, Attempt: attempt},
	}
}

// recordSpans records spans, and returns those of the trace of alert A, by name.
func recordSpans(t *testing.T, record func(spans)) map[string]otlptest.Span {
	t.Helper()
	receiver := otlptest.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.URL)
	tracing, err := telemetry.OpenTracing(t.Context(), telemetry.TracingOptions{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	record(spans{tracer: tracing.Tracer("test"), messenger: "slack"})
	if err := tracing.Close(); err != nil {
		t.Fatal(err)
	}
	byName := map[string]otlptest.Span{}
	for _, span := range receiver.Trace(traceA.TraceID()) {
		byName[span.Name] = span
	}
	return byName
}

// TestAttemptLinks checks to which attempt the span of an attempt is linked.
func TestAttemptLinks(t *testing.T) {
	for _, c := range []struct {
		name     string
		delivery int64
		chain    int64
		attempt  int
		link     []int64 // delivery and attempt; nil for none
	}{
		{"the first attempt", 7, 0, 1, nil},
		{"a retry", 7, 0, 3, []int64{7, 1}},
		{"the first of a failover chain", 7, 7, 1, nil},
		{"the second of a failover chain", 8, 7, 1, []int64{7, 1}},
		{"its retry", 8, 7, 2, []int64{8, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			span := recordSpans(t, func(s spans) {
				_, span := s.startAttempt(t.Context(), tracedTask(traceA, c.delivery, c.chain, c.attempt))
				endAttempt(span, messenger.Outcome{Kind: messenger.Sent})
			})["send slack"]
			if want := attemptSpan(traceA, c.delivery, int64(c.attempt)).SpanID().String(); span.ID != want || span.Failed {
				t.Errorf("span %+v, want the id %s", span, want)
			}
			var want []string
			if c.link != nil {
				want = []string{traceA.Derived(c.link...).SpanID().String()}
			}
			if !slices.Equal(span.Links, want) {
				t.Errorf("links %v, want %v", span.Links, want)
			}
		})
	}
}

// TestBatchSpans checks that the spans of batches are below the first sampled alert, and linked
// to the others.
func TestBatchSpans(t *testing.T) {
	tasks := []*task{tracedTask(unsample, 5, 0, 1), tracedTask(traceA, 7, 0, 1), tracedTask(traceA, 8, 0, 1), tracedTask(traceB, 9, 0, 2), tracedTask("", 10, 0, 1)}
	byName := recordSpans(t, func(s spans) {
		_, span := s.startClaim(t.Context(), tasks)
		endBatch(span, errors.New("no response"))
		var batch []result
		for _, t := range tasks {
			batch = append(batch, t.reported(&dispatch.Report{DeliveryID: t.delivery.ID}, true))
		}
		batch = append(batch, result{deferral: &dispatch.Deferral{DeliveryID: 11}})
		_, span = s.startReport(t.Context(), batch)
		endBatch(span, nil)
	})
	claim, report := byName["claim slack"], byName["report slack"]
	other := traceB.TraceID() + "/"
	if !claim.Failed || claim.Attributes["messaging.batch.message_count"] != "5" || !slices.Equal(claim.Links, []string{other + "10f067aa0ba902b7"}) {
		t.Errorf("claim %+v", claim)
	}
	want := []string{
		attemptSpan(traceA, 7, 1).SpanID().String(), attemptSpan(traceA, 8, 1).SpanID().String(), other + attemptSpan(traceB, 9, 2).SpanID().String(),
	}
	if report.Failed || report.Attributes["messaging.batch.message_count"] != "5" || !slices.Equal(report.Links, want) {
		t.Errorf("report %+v, want the links %v", report, want)
	}
}

// TestNoSpans checks that a sender without a tracer, and alerts that are not sampled, cost no
// memory.
func TestNoSpans(t *testing.T) {
	off, tasks := spans{messenger: "slack"}, []*task{tracedTask(traceA, 7, 0, 1)}
	batch := []result{tasks[0].reported(&dispatch.Report{DeliveryID: 7}, true)}
	ctx := t.Context()
	if allocations := testing.AllocsPerRun(100, func() {
		for _, start := range []func() (same bool){
			func() bool { c, span := off.startClaim(ctx, tasks); endBatch(span, nil); return c == ctx },
			func() bool {
				c, span := off.startAttempt(ctx, tasks[0])
				endAttempt(span, messenger.Outcome{})
				return c == ctx
			},
			func() bool { c, span := off.startReport(ctx, batch); endBatch(span, nil); return c == ctx },
		} {
			if !start() {
				t.Error("the context differs")
			}
		}
	}); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
