package rpc

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"

	"go.opentelemetry.io/otel/trace"
)

// The headers of ids, in canonical form. Traceparent and Tracestate are those of W3C Trace
// Context (https://www.w3.org/TR/trace-context/).
const (
	requestIDHeader   = "X-Request-Id"
	traceparentHeader = "Traceparent"
	tracestateHeader  = "Tracestate"
)

const (
	// maxRequestIDBytes limits the id that a caller gives to its request.
	maxRequestIDBytes = 128
	// maxTracestateBytes limits the tracestate that is passed on.
	maxTracestateBytes = 512
)

// RequestIDs is a Stage that sets the id of a request and of its trace. The id is the
// caller's X-Request-Id if it is well-formed, and otherwise random; the response has it in the
// same header. The trace id is that of the caller's traceparent if that is valid, and
// otherwise random. Calls to upstreams pass both on.
func RequestIDs(next http.Handler) http.Handler { return requestIDs{next} }

type requestIDs struct{ next http.Handler }

// ServeHTTP serves a request.
func (h requestIDs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if info := InfoOf(r.Context()); info != nil {
		info.identify(r.Header)
		w.Header()[requestIDHeader] = info.idHeader[:]
	}
	h.next.ServeHTTP(w, r)
}

// identify sets the ids of a request by its header.
func (i *RequestInfo) identify(header http.Header) {
	if given := header[requestIDHeader]; len(given) == 1 && isRequestID(given[0]) {
		i.ID = given[0]
	}
	if given := header[traceparentHeader]; len(given) > 0 {
		i.identifyTrace(given, header[tracestateHeader])
		if i.traceparent == "" { // no span may have another trace id than the request
			delete(header, traceparentHeader)
		}
	}
	if i.ID == "" || i.TraceID == "" {
		random := randomID()
		if i.ID == "" {
			i.ID = random
		}
		if i.TraceID == "" {
			i.TraceID = random
		}
	}
	i.idHeader[0] = i.ID
}

// identifyTrace sets the trace of a request by the values of its headers.
func (i *RequestInfo) identifyTrace(traceparent, tracestate []string) {
	if len(traceparent) != 1 {
		return
	}
	id := traceIDOf(traceparent[0])
	if id == "" {
		return
	}
	i.TraceID, i.traceparent = id, traceparent[0]
	if len(tracestate) == 1 && len(tracestate[0]) <= maxTracestateBytes {
		i.tracestate = tracestate[0]
	}
}

// isRequestID reports whether an id may go into logs and headers: 1 to 128 letters, digits and
// -._~+/=:@ characters.
func isRequestID(id string) bool {
	if id == "" || len(id) > maxRequestIDBytes {
		return false
	}
	for i := range len(id) {
		if !requestIDBytes[id[i]] {
			return false
		}
	}
	return true
}

// requestIDBytes are the bytes of a well-formed id.
var requestIDBytes = func() (allowed [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=:@") {
		allowed[c] = true
	}
	return allowed
}()

// The parts of a traceparent: version-traceid-parentid-flags, in hexadecimal.
const (
	traceIDStart    = 3
	traceIDEnd      = traceIDStart + 32
	parentIDEnd     = traceIDEnd + 1 + 16
	traceparentSize = parentIDEnd + 1 + 2
)

// traceIDOf returns the trace id of a traceparent, and "" for an invalid one. A version above
// 00 may have further parts.
func traceIDOf(traceparent string) string {
	if len(traceparent) < traceparentSize || traceparent[2] != '-' || traceparent[traceIDEnd] != '-' || traceparent[parentIDEnd] != '-' {
		return ""
	}
	version, id, parent, flags := traceparent[:2], traceparent[traceIDStart:traceIDEnd], traceparent[traceIDEnd+1:parentIDEnd], traceparent[parentIDEnd+1:traceparentSize]
	switch {
	case !isHex(version) || version == "ff" || !isHex(id) || isZero(id) || !isHex(parent) || isZero(parent) || !isHex(flags):
		return ""
	case len(traceparent) > traceparentSize && (version == "00" || traceparent[traceparentSize] != '-' || len(traceparent) > maxTracestateBytes):
		return ""
	}
	return id
}

// isHex reports whether text is hexadecimal in lower case.
func isHex(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func isZero(text string) bool {
	for i := range len(text) {
		if text[i] != '0' {
			return false
		}
	}
	return true
}

// randomID returns 128 random bits in hexadecimal: an id of a request or a trace. It is not
// secret.
func randomID() string {
	var bits [16]byte
	var text [32]byte
	binary.BigEndian.PutUint64(bits[:8], rand.Uint64()|1) //nolint:gosec // an id is no secret; |1: it is never zero
	binary.BigEndian.PutUint64(bits[8:], rand.Uint64())   //nolint:gosec // as above
	hex.Encode(text[:], bits[:])
	return string(text[:])
}

// passIDs sets the ids of the request of ctx in the header of a call to an upstream. A
// traceparent is passed on unchanged where this process has no span of its own; that of a span
// is set by the interceptor of TraceCalls.
func passIDs(ctx context.Context, header http.Header) {
	info := InfoOf(ctx)
	if info == nil || info.ID == "" {
		return
	}
	header[requestIDHeader] = []string{info.ID}
	if trace.SpanContextFromContext(ctx).IsValid() {
		return
	}
	if info.traceparent == "" {
		header[traceparentHeader] = []string{"00-" + info.TraceID + "-" + randomID()[:16] + "-00"}
		return
	}
	header[traceparentHeader] = []string{info.traceparent}
	if info.tracestate != "" {
		header[tracestateHeader] = []string{info.tracestate}
	}
}
