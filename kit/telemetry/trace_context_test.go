package telemetry_test

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/bongsu-project/bongsu/kit/telemetry"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
	sampled = telemetry.TraceContext("00-" + traceID + "-" + spanID + "-01")
	dropped = telemetry.TraceContext("00-" + traceID + "-" + spanID + "-00")
)

func TestTraceContext(t *testing.T) {
	for _, c := range []struct {
		name          string
		context       telemetry.TraceContext
		traceID       string
		sampled, span bool
	}{
		{"sampled", sampled, traceID, true, true},
		{"with further flags", sampled[:53] + "03", traceID, true, true},
		{"with other flags only", sampled[:53] + "0a", traceID, false, true},
		{"not sampled", dropped, traceID, false, true},
		{"of a later version", "01" + sampled[2:], traceID, true, true},
		{"only an id", traceID, traceID, false, false},
		{"none", "", "", false, false},
		{"too short", sampled[:54], "", false, false},
		{"no trace", "00-" + telemetry.TraceContext(strings.Repeat("0", 32)) + sampled[35:], strings.Repeat("0", 32), true, false},
		{"not hexadecimal", "00-" + telemetry.TraceContext(strings.Repeat("x", 32)) + sampled[35:], strings.Repeat("x", 32), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.context.TraceID(); got != c.traceID {
				t.Errorf("trace id %q, want %q", got, c.traceID)
			}
			if got := c.context.IsSampled(); got != c.sampled {
				t.Errorf("sampled: %t", got)
			}
			span := c.context.SpanContext()
			if span.IsValid() != c.span || c.span && (!span.IsRemote() || span.IsSampled() != c.sampled || span.SpanID().String() != spanID) {
				t.Errorf("span %+v", span)
			}
		})
	}
}

func TestTraceContextOf(t *testing.T) {
	for _, c := range []telemetry.TraceContext{sampled, dropped} {
		if got := telemetry.TraceContextOf(c.SpanContext()); got != c {
			t.Errorf("%q came back as %q", c, got)
		}
	}
	if got := telemetry.TraceContextOf(trace.SpanContext{}); got != "" {
		t.Errorf("no span is %q", got)
	}
}

// TestDerived checks that a derived span depends on the trace and on each number, and on
// nothing else.
func TestDerived(t *testing.T) {
	first := sampled.Derived(7, 1)
	if first.TraceID().String() != traceID || !first.IsValid() || first.SpanID().String() == spanID {
		t.Errorf("derived %+v", first)
	}
	if again := (sampled[:36] + "ffffffffffffffff-01").Derived(7, 1); again.SpanID() != first.SpanID() {
		t.Errorf("the same numbers below another span of the trace: %s, want %s", again.SpanID(), first.SpanID())
	}
	other := "00-" + "5" + sampled[4:]
	for _, different := range []trace.SpanContext{sampled.Derived(7, 2), sampled.Derived(8, 1), sampled.Derived(1, 7), sampled.Derived(7), other.Derived(7, 1)} {
		if different.SpanID() == first.SpanID() {
			t.Errorf("%s is there twice", first.SpanID())
		}
	}
}

// FuzzTraceContext checks that no text panics, and that a valid span has the trace id.
func FuzzTraceContext(f *testing.F) {
	for _, seed := range []string{string(sampled), string(dropped), traceID, "", strings.Repeat("é", 27) + "x", strings.Repeat("-", 55)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := telemetry.TraceContext(text)
		span := c.SpanContext()
		if span.IsValid() && (span.TraceID().String() != c.TraceID() || span.IsSampled() != c.IsSampled()) {
			t.Errorf("%q is %+v", text, span)
		}
	})
}
