package telemetry

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// A TraceContext names a span of a trace, in a form that is stored and sent to other
// processes: a W3C traceparent, "00-<trace id>-<span id>-<flags>". It is only the trace id, 32
// hexadecimal digits, if no span of the trace is known, and empty for none.
//
// See https://www.w3.org/TR/trace-context/#traceparent-header.
type TraceContext string

// The parts of a traceparent, and the size of a lone trace id.
const (
	traceIDSize     = 32
	spanIDSize      = 16
	spanIDStart     = 3 + traceIDSize + 1
	flagsStart      = spanIDStart + spanIDSize + 1
	traceparentSize = flagsStart + 2
)

// TraceContextOf returns the context of a span, empty for an invalid one. It leaves out the
// trace state.
func TraceContextOf(sc trace.SpanContext) TraceContext {
	if !sc.IsValid() {
		return ""
	}
	flags := "-00"
	if sc.IsSampled() {
		flags = "-01"
	}
	return TraceContext("00-" + sc.TraceID().String() + "-" + sc.SpanID().String() + flags)
}

// TraceID returns the trace id, 32 hexadecimal digits, or "" for none.
func (c TraceContext) TraceID() string {
	switch len(c) {
	case traceIDSize:
		return string(c)
	case traceparentSize:
		return string(c[3 : 3+traceIDSize])
	}
	return ""
}

// IsSampled reports whether the span was recorded, by which processes decide whether they
// record spans of the same trace.
func (c TraceContext) IsSampled() bool {
	return len(c) == traceparentSize && strings.IndexByte("13579bdf", c[traceparentSize-1]) >= 0
}

// SpanContext returns the span as the remote parent of others. It is invalid if no span is
// known, or if the text is malformed.
func (c TraceContext) SpanContext() trace.SpanContext {
	if len(c) != traceparentSize {
		return trace.SpanContext{}
	}
	traceID, err := trace.TraceIDFromHex(c.TraceID())
	if err != nil {
		return trace.SpanContext{}
	}
	spanID, err := trace.SpanIDFromHex(string(c[spanIDStart : spanIDStart+spanIDSize]))
	if err != nil {
		return trace.SpanContext{}
	}
	var flags trace.TraceFlags
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: spanID, TraceFlags: flags.WithSampled(c.IsSampled()), Remote: true})
}

// Derived returns a span of the same trace whose id is derived from numbers that identify its
// work: other processes can link to it without a stored id.
func (c TraceContext) Derived(numbers ...int64) trace.SpanContext {
	input := []byte(c.TraceID())
	for _, n := range numbers {
		input = binary.BigEndian.AppendUint64(input, uint64(n))
	}
	sum := sha256.Sum256(input)
	return c.SpanContext().WithSpanID(trace.SpanID(sum[:8]))
}
