package telemetry_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
	"github.com/bongsu-project/bongsu/kit/kittest/otlptest"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// environment sets the variables of traces, and unsets others that the machine may have.
func environment(t *testing.T, set map[string]string) {
	t.Helper()
	for _, name := range []string{"OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"} {
		t.Setenv(name, set[name])
	}
}

func open(t *testing.T, o telemetry.TracingOptions) *telemetry.Tracing {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	tracing, err := telemetry.OpenTracing(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return tracing
}

// TestTracingIsOff checks which environments record nothing, and that nil does nothing.
func TestTracingIsOff(t *testing.T) {
	for name, set := range map[string]map[string]string{
		"nothing":             {},
		"only a sampler":      {"OTEL_TRACES_SAMPLER": "always_on"},
		"no exporter":         {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
		"the SDK is disabled": {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, set)
			tracing := open(t, telemetry.TracingOptions{})
			if tracing != nil || tracing.Provider() != nil || tracing.Tracer("x") != nil || tracing.Close() != nil {
				t.Fatal("it records")
			}
			ctx := t.Context()
			if allocations := testing.AllocsPerRun(100, func() {
				tracer := tracing.Tracer("x")
				same, span := tracer.Start(ctx, sampled, "work")
				span.End()
				if same != ctx || span.IsRecording() || tracer.IsRecorded(sampled) {
					t.Error("it records")
				}
			}); allocations != 0 {
				t.Errorf("%v allocations", allocations)
			}
		})
	}
}

func TestTracingEnvironmentInvalid(t *testing.T) {
	environment(t, map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"})
	_, err := telemetry.OpenTracing(t.Context(), telemetry.TracingOptions{})
	if err == nil || !strings.Contains(err.Error(), "OTEL_TRACES_EXPORTER") {
		t.Errorf("error %v", err)
	}
}

// TestTracing exports the spans of a request and of work below it.
func TestTracing(t *testing.T) {
	receiver := otlptest.Start(t)
	environment(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.URL})
	tracing := open(t, telemetry.TracingOptions{Service: "library", Version: "v1", TraceID: func(context.Context) string { return traceID }})
	_, root := tracing.Provider().Tracer("test").Start(t.Context(), "request")
	parent := telemetry.TraceContextOf(root.SpanContext())
	root.End()

	tracer := tracing.Tracer("test")
	ctx, first := tracer.StartDerived(t.Context(), parent, []int64{7, 1}, "first")
	_, below := tracer.Start(ctx, telemetry.TraceContextOf(trace.SpanContextFromContext(ctx)), "below")
	below.End()
	first.End()
	other := "00-1" + sampled[4:]
	_, batch := tracer.StartBatch(t.Context(), []telemetry.TraceContext{dropped, parent, other, parent, other, traceID}, "batch")
	batch.End()
	same, none := tracer.StartBatch(t.Context(), []telemetry.TraceContext{dropped, ""}, "nothing")
	if none.IsRecording() || same != t.Context() {
		t.Error("a batch without a sampled alert is recorded")
	}
	if err := tracing.Close(); err != nil {
		t.Fatal(err)
	}

	spans := receiver.Trace(traceID)
	const want = "library internal request\n  library internal first\n    library internal below\n  library internal batch\n"
	if got := otlptest.Tree(spans, ""); got != want {
		t.Fatalf("spans\n%swant\n%s", got, want)
	}
	if got := spans[1].ID; got != parent.Derived(7, 1).SpanID().String() {
		t.Errorf("the id is %s, and not derived", got)
	}
	if links := spans[3].Links; len(links) != 1 || links[0] != other.TraceID()+"/"+spanID {
		t.Errorf("links %v", links)
	}
}

// TestTracingSampler checks that the sampler of the environment decides on traces that begin
// here.
func TestTracingSampler(t *testing.T) {
	receiver := otlptest.Start(t)
	environment(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.URL, "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0",
	})
	tracing := open(t, telemetry.TracingOptions{})
	_, root := tracing.Provider().Tracer("test").Start(t.Context(), "request")
	root.End()
	_, below := tracing.Tracer("test").Start(t.Context(), sampled, "below a sampled caller")
	below.End()
	if err := tracing.Close(); err != nil {
		t.Fatal(err)
	}
	if root.IsRecording() || receiver.Requests() != 1 || len(receiver.Trace(traceID)) != 1 {
		t.Errorf("spans %v in %d requests", receiver.Trace(traceID), receiver.Requests())
	}
}

// TestTracingOutage checks that an outage of the receiver is logged and stops nothing.
func TestTracingOutage(t *testing.T) {
	environment(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100")
	var logged logtest.Buffer
	tracing := open(t, telemetry.TracingOptions{Log: slog.New(slog.NewTextHandler(&logged, nil))})
	_, root := tracing.Provider().Tracer("test").Start(t.Context(), "request")
	root.End()
	if err := tracing.Close(); err != nil {
		t.Fatal(err)
	}
	if text := logged.String(); strings.Count(text, "traces cannot be exported") != 1 {
		t.Errorf("logged:\n%s", text)
	}
}
