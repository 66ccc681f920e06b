package rpc

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// bodyLimits are the timeouts of a request body. The deadline is extended while bytes
// arrive, so that a large import over a slow connection is read to its end, and a stalled
// body is not.
type bodyLimits struct {
	idle    time.Duration // longest time without a byte
	start   time.Duration // initial time without a minimum rate
	minRate int64         // average bytes per second, after start
	discard time.Duration // timeout for the rest of a body that the handler did not read
}

var defaultBodyLimits = bodyLimits{idle: 30 * time.Second, start: 2 * time.Minute, minRate: 1 << 10, discard: 5 * time.Second}

const (
	// smallBodyBytes of each body are not counted against the budget, so that large
	// requests never block a small one.
	smallBodyBytes = 64 << 10
	// bodyBudgetBytes limits the bytes of large bodies that a process holds at a time.
	bodyBudgetBytes = 256 << 20
)

// byteBudget limits the number of bytes held at a time. It is safe for concurrent use.
type byteBudget struct{ free atomic.Int64 }

func newByteBudget(size int64) *byteBudget {
	b := &byteBudget{}
	b.free.Store(size)
	return b
}

// take reserves n bytes and reports whether they were available.
func (b *byteBudget) take(n int64) bool {
	if b.free.Add(-n) >= 0 {
		return true
	}
	b.free.Add(n)
	return false
}

// requestBody is a request body with timeouts and a budget. Its errors have the codes that
// callers get. It is safe for use by one reader.
//
// The timeouts are read deadlines of the connection, or of the stream in HTTP/2. The first
// is http.Server.ReadTimeout, so that a body that arrives at once costs no timer.
type requestBody struct {
	io.ReadCloser
	limits  *bodyLimits
	budget  *byteBudget
	writer  http.ResponseWriter // sets the read deadline
	streams bool                // HTTP/2: the deadline is that of the body only

	started  time.Time
	extended time.Time // of the last extension
	received int64
	charged  int64 // reserved in the budget
	done     bool  // read to its end, or timed out
	opened   bool  // a stream of messages, as open says
}

// extendInterval is the least time between two extensions of a deadline.
const extendInterval = time.Second

// withBodyLimits wraps a handler so that each request body is read under limits and counted
// against budget. The server's ReadTimeout must be limits.idle.
func withBodyLimits(next http.Handler, limits bodyLimits, budget *byteBudget) http.Handler {
	return &limitedBodies{next: next, limits: limits, budget: budget}
}

type limitedBodies struct {
	next   http.Handler
	limits bodyLimits
	budget *byteBudget
}

// ServeHTTP serves a request.
func (h *limitedBodies) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		if r.ProtoMajor < 2 {
			setReadDeadline(w, time.Time{})
		}
		h.next.ServeHTTP(w, r)
		return
	}
	limited, body := h.limit(w, r)
	defer body.finish()
	h.next.ServeHTTP(w, limited)
}

// limit returns a copy of r, with its body under limits. The server keeps the original.
func (h *limitedBodies) limit(w http.ResponseWriter, r *http.Request) (*http.Request, *requestBody) {
	now := time.Now()
	body := &requestBody{
		ReadCloser: r.Body, limits: &h.limits, budget: h.budget, writer: w, streams: r.ProtoMajor == 2,
		started: now, extended: now,
	}
	limited := *r
	limited.Body = body
	return &limited, body
}

// setReadDeadline sets the deadline of the next bytes of the connection, or of the stream in
// HTTP/2; zero for none. The server itself reads on in HTTP/1.1 to see whether the caller is
// gone, and would take a deadline for that.
func setReadDeadline(w http.ResponseWriter, deadline time.Time) {
	_ = http.NewResponseController(w).SetReadDeadline(deadline) // fails only for the writer of a test
}

// Read returns deadline_exceeded if the body does not arrive in time, unavailable if the
// budget for large bodies is used up, and invalid_argument if the body is truncated or
// malformed.
func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.received += int64(n)
	switch {
	case !b.opened && !b.reserve(b.received-smallBodyBytes):
		return n, errTooManyLargeBodies()
	case err == nil:
		if n > 0 {
			b.extend()
		}
		return n, nil
	case errors.Is(err, io.EOF):
		b.end()
		return n, io.EOF
	}
	return n, b.translate(err)
}

// errTooManyLargeBodies returns a new error each time: Connect may modify it.
func errTooManyLargeBodies() error {
	err := fault.WithReason(errors.New("body: too many concurrent large requests, try again"), reasonTooManyBodies)
	return describe(connect.NewError(connect.CodeUnavailable, err), "")
}

func (b *requestBody) translate(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.done = true // the deadline stays: the server does not wait for the rest either
		return describe(connect.NewError(connect.CodeDeadlineExceeded, fault.WithReason(errors.New("body: timed out"), reasonBodyTimeout)), "")
	case errors.As(err, &tooLarge), errors.Is(err, http.ErrBodyReadAfterClose):
		return err
	}
	return describe(connect.NewError(connect.CodeInvalidArgument, bodyError("truncated, or malformed transfer encoding")), "")
}

// extend extends the deadline after further bytes.
func (b *requestBody) extend() {
	if b.opened {
		return
	}
	now := time.Now()
	if now.Sub(b.extended) < extendInterval {
		return
	}
	b.extended = now
	total := b.limits.start + time.Duration(b.received/b.limits.minRate)*time.Second
	setReadDeadline(b.writer, now.Add(min(b.limits.idle, max(total-now.Sub(b.started), 0))))
}

// open makes the body that of a stream of messages: it may take any time and have any size,
// because one message is in memory at a time. The bounds of streams limit their number.
func (b *requestBody) open() {
	b.opened = true
	setReadDeadline(b.writer, time.Time{})
}

// end ends the timeouts with the body: the handler may take longer.
func (b *requestBody) end() {
	if !b.done && !b.streams {
		setReadDeadline(b.writer, time.Time{})
	}
	b.done = true
}

// charge reserves n more bytes of the budget for data beside the body, such as the
// decompressed body, and reports whether they were available.
func (b *requestBody) charge(n int64) bool { return b.reserve(b.charged + n) }

// reserve raises the request's reservation in the budget to total.
func (b *requestBody) reserve(total int64) bool {
	if more := total - b.charged; more > 0 {
		if !b.budget.take(more) {
			return false
		}
		b.charged = total
	}
	return true
}

// finish releases the budget with the request. The server reads the rest of the body before
// the next request of the connection, so that has a deadline too.
func (b *requestBody) finish() {
	if !b.done {
		setReadDeadline(b.writer, time.Now().Add(b.limits.discard))
	}
	b.budget.free.Add(b.charged)
	b.charged = 0
}
