package edge

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/internal/ban"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// callBounds bound the calls and the streams that this edge serves at a time. A call counts
// from before its body is read until its response is written.
type callBounds struct {
	AdmissionDependencies
	maxCalls, maxStreams int64
	maxPerCaller         int
	calls, streams       atomic.Int64

	mu       sync.Mutex
	byCaller map[streamCaller]int // the streams of each caller; none with 0
}

// A streamCaller is a caller, or an address without authentication.
type streamCaller struct {
	id      string
	address netip.Prefix
}

func newCallBounds(c AdmissionConfig, d AdmissionDependencies) *callBounds {
	return &callBounds{
		AdmissionDependencies: d,
		maxCalls:              int64(c.MaxCalls), maxStreams: int64(c.MaxStreams), maxPerCaller: c.MaxStreamsPerCaller,
		byCaller: map[streamCaller]int{},
	}
}

func (b *callBounds) stage(next http.Handler) http.Handler {
	return &boundedCalls{next: next, callBounds: b}
}

// boundedCalls is the stage of callBounds. Beyond a bound of the edge it responds with 503, and
// beyond that of a caller with 429.
type boundedCalls struct {
	next http.Handler
	*callBounds
}

// ServeHTTP serves or refuses a request. Health is served beyond the bounds too: otherwise a
// busy process would be taken for a broken one.
func (s *boundedCalls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	info := rpc.InfoOf(r.Context())
	switch {
	case info.Streaming:
		s.serveStream(w, r, info)
	case s.calls.Add(1) <= s.maxCalls || isHealth(r.URL.Path):
		defer s.calls.Add(-1)
		s.next.ServeHTTP(w, r)
	default:
		s.calls.Add(-1)
		s.refuse(w, r, connect.CodeUnavailable, RefusedMaxCalls, "too many concurrent calls, at most "+strconv.FormatInt(s.maxCalls, 10)+"; try again")
	}
}

func isHealth(path string) bool { return path == "/healthz" || path == "/readyz" }

func (s *boundedCalls) serveStream(w http.ResponseWriter, r *http.Request, info *rpc.RequestInfo) {
	defer s.streams.Add(-1)
	if s.streams.Add(1) > s.maxStreams {
		s.refuse(w, r, connect.CodeUnavailable, RefusedMaxStreams, fmt.Sprintf("too many concurrent streams, at most %d; try again", s.maxStreams))
		return
	}
	caller := streamCaller{id: info.Caller}
	if caller.id == "" {
		caller.address = ban.NetworkOf(info.Client)
	}
	if !s.open(caller) {
		s.refuse(w, r, connect.CodeResourceExhausted, RefusedMaxStreamsPerCaller, fmt.Sprintf("too many concurrent streams of this caller, at most %d; close some", s.maxPerCaller))
		return
	}
	defer s.close(caller)
	s.next.ServeHTTP(newStreamWriter(w, streamTimeout), r)
}

func (s *boundedCalls) refuse(w http.ResponseWriter, r *http.Request, code connect.Code, reason, text string) {
	s.Metrics.RefusedRequest(reason)
	rpc.WriteError(w, r, limitError(code, reason, text, busyRetry), s.Log)
}

// open counts a stream of a caller, and reports false if it has too many.
func (b *callBounds) open(caller streamCaller) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byCaller[caller] >= b.maxPerCaller {
		return false
	}
	b.byCaller[caller]++
	return true
}

func (b *callBounds) close(caller streamCaller) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byCaller[caller]--; b.byCaller[caller] == 0 {
		delete(b.byCaller, caller)
	}
}
