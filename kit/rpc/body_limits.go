package rpc

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
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
	// requests never block an alert.
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
type requestBody struct {
	io.ReadCloser
	limits *bodyLimits
	budget *byteBudget
	writer http.ResponseWriter // sets the read deadline of the connection or stream

	mu       sync.Mutex
	timer    *time.Timer
	started  time.Time
	received int64
	charged  int64 // reserved in the budget
	done     bool  // read to its end, or the request has ended
	expired  bool
}

// withBodyLimits wraps a handler so that each request body is read under limits and counted
// against budget.
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
		h.next.ServeHTTP(w, r)
		return
	}
	limited, body := h.limit(w, r)
	defer body.finish()
	h.next.ServeHTTP(w, limited)
}

// limit returns a copy of r, with its body under limits. The server keeps the original.
func (h *limitedBodies) limit(w http.ResponseWriter, r *http.Request) (*http.Request, *requestBody) {
	body := &requestBody{ReadCloser: r.Body, limits: &h.limits, budget: h.budget, writer: w, started: time.Now()}
	body.mu.Lock()
	body.timer = time.AfterFunc(h.limits.idle, body.expire)
	body.mu.Unlock()
	limited := *r
	limited.Body = body
	return &limited, body
}

// Read returns deadline_exceeded if the body does not arrive in time, unavailable if the
// budget for large bodies is used up, and invalid_argument if the body is truncated or
// malformed.
func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.received += int64(n)
	if !b.chargeLocked(b.received - smallBodyBytes) {
		return n, errTooManyLargeBodies()
	}
	if err == nil {
		if n > 0 && !b.done {
			b.timer.Reset(b.timeLeft())
		}
		return n, nil
	}
	b.timer.Stop()
	if errors.Is(err, io.EOF) {
		b.done = true
		if b.expired {
			b.setDeadline(time.Time{}) // the last byte arrived just in time
		}
		return n, io.EOF
	}
	return n, b.translate(err)
}

// errTooManyLargeBodies returns a new error each time: Connect may modify it.
func errTooManyLargeBodies() error {
	return connect.NewError(connect.CodeUnavailable, errors.New("body: too many concurrent large requests, try again"))
}

func (b *requestBody) translate(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case b.expired && errors.Is(err, os.ErrDeadlineExceeded):
		return connect.NewError(connect.CodeDeadlineExceeded, errors.New("body: timed out"))
	case errors.As(err, &tooLarge), errors.Is(err, http.ErrBodyReadAfterClose):
		return err
	}
	return connect.NewError(connect.CodeInvalidArgument, errors.New("body: truncated, or malformed transfer encoding"))
}

// timeLeft returns the time left for the next byte.
func (b *requestBody) timeLeft() time.Duration {
	whole := b.limits.start + time.Duration(b.received/b.limits.minRate)*time.Second
	return min(b.limits.idle, max(whole-time.Since(b.started), 0))
}

// charge reserves n more bytes of the budget for data beside the body, such as the
// decompressed body, and reports whether they were available.
func (b *requestBody) charge(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.chargeLocked(b.charged + n)
}

// chargeLocked raises the request's reservation in the budget to total.
func (b *requestBody) chargeLocked(total int64) bool {
	if more := total - b.charged; more > 0 {
		if !b.budget.take(more) {
			return false
		}
		b.charged = total
	}
	return true
}

func (b *requestBody) setDeadline(deadline time.Time) {
	_ = http.NewResponseController(b.writer).SetReadDeadline(deadline) // fails only for the writer of a test
}

// expire ends a blocked read.
func (b *requestBody) expire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return
	}
	b.expired = true
	b.setDeadline(time.Now())
}

// finish ends the limits with the request, and releases its budget. The server reads the
// rest of the body before the next request of the connection, so that has a deadline too.
func (b *requestBody) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer.Stop()
	if !b.done && !b.expired {
		b.setDeadline(time.Now().Add(b.limits.discard))
	}
	b.done = true
	b.budget.free.Add(b.charged)
	b.charged = 0
}
