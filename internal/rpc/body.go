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

// bodyLimits bounds how long a request body may take. The deadline is renewed while
// bytes arrive, so a large import over a slow line is not cut off, and a body that
// does not end is.
type bodyLimits struct {
	idle    time.Duration // without a byte
	start   time.Duration // in which any rate is slow enough
	minRate int64         // bytes per second on average, after start
	discard time.Duration // for the rest of a body that the handler did not read
}

var defaultBodyLimits = bodyLimits{idle: 30 * time.Second, start: 2 * time.Minute, minRate: 1 << 10, discard: 5 * time.Second}

const (
	// smallBodyBytes of each body are not counted against the budget, so that large
	// requests never keep out an alert.
	smallBodyBytes = 64 << 10
	// bodyBudgetBytes bounds the bytes of large bodies that a process holds at a time.
	bodyBudgetBytes = 256 << 20
)

// byteBudget bounds a number of bytes held at a time.
type byteBudget struct{ free atomic.Int64 }

func newByteBudget(size int64) *byteBudget {
	b := &byteBudget{}
	b.free.Store(size)
	return b
}

// take reports whether n bytes were available, and takes them if so.
func (b *byteBudget) take(n int64) bool {
	if b.free.Add(-n) >= 0 {
		return true
	}
	b.free.Add(n)
	return false
}

// requestBody is the body of a request that must arrive within its limits. Its errors
// have the codes that callers get. It is safe for use by one reader.
type requestBody struct {
	io.ReadCloser
	limits   bodyLimits
	budget   *byteBudget
	deadline func(time.Time) error // sets the read deadline of the connection or stream

	mu       sync.Mutex
	timer    *time.Timer
	started  time.Time
	received int64
	charged  int64 // bytes taken from the budget
	done     bool  // it was read to its end, or the request has ended
	expired  bool
}

// withBodyLimits wraps a handler so that each request body is held to limits and
// counted against budget.
func withBodyLimits(next http.Handler, limits bodyLimits, budget *byteBudget) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		body := &requestBody{ReadCloser: r.Body, limits: limits, budget: budget, deadline: http.NewResponseController(w).SetReadDeadline, started: time.Now()}
		body.mu.Lock()
		body.timer = time.AfterFunc(limits.idle, body.expire)
		body.mu.Unlock()
		defer body.finish()
		limited := *r // a shallow copy: the server closes the body that it knows
		limited.Body = body
		next.ServeHTTP(w, &limited)
	})
}

// Read returns deadline_exceeded where the body does not arrive in time, unavailable
// where too many large bodies are held already, and invalid_argument where the body is
// cut off or malformed.
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
			b.timer.Reset(b.patience())
		}
		return n, nil
	}
	b.timer.Stop()
	if errors.Is(err, io.EOF) {
		b.done = true
		if b.expired {
			_ = b.deadline(time.Time{}) // the last byte came just in time
		}
		return n, io.EOF
	}
	return n, b.translate(err)
}

// errTooManyLargeBodies returns a new error each time: Connect may write into it.
func errTooManyLargeBodies() error {
	return connect.NewError(connect.CodeUnavailable, errors.New("body: too many large requests at a time, try again"))
}

func (b *requestBody) translate(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case b.expired && errors.Is(err, os.ErrDeadlineExceeded):
		return connect.NewError(connect.CodeDeadlineExceeded, errors.New("body: it did not arrive in time"))
	case errors.As(err, &tooLarge), errors.Is(err, http.ErrBodyReadAfterClose):
		return err
	}
	return connect.NewError(connect.CodeInvalidArgument, errors.New("body: it is cut off or its transfer encoding is malformed"))
}

// patience returns how long the next byte may take.
func (b *requestBody) patience() time.Duration {
	whole := b.limits.start + time.Duration(b.received/b.limits.minRate)*time.Second
	return min(b.limits.idle, max(whole-time.Since(b.started), 0))
}

// charge reports whether the budget has room for n bytes held for this request beside
// its body, such as what the body decompresses to.
func (b *requestBody) charge(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.chargeLocked(b.charged + n)
}

// chargeLocked raises what the request holds of the budget to total.
func (b *requestBody) chargeLocked(total int64) bool {
	if more := total - b.charged; more > 0 {
		if !b.budget.take(more) {
			return false
		}
		b.charged = total
	}
	return true
}

// expire ends a read that waits for bytes.
func (b *requestBody) expire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return
	}
	b.expired = true
	_ = b.deadline(time.Now()) // a writer without deadlines belongs to a test
}

// finish ends the limits with the request. The server reads what is left of the body
// before it answers the next request of the connection, which must not take for ever.
func (b *requestBody) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer.Stop()
	if !b.done && !b.expired {
		_ = b.deadline(time.Now().Add(b.limits.discard))
	}
	b.done = true
	b.budget.free.Add(b.charged)
	b.charged = 0
}
