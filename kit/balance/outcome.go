package balance

import (
	"context"
	"errors"
	"net/http"
	"syscall"
	"time"
)

// ErrTimeout is the cause of a context (WithTimeout) whose deadline is not that
// of the caller: the service should have responded in time. A request that ends by it counts
// as a failure of the instance.
var ErrTimeout = errors.New("call timed out")

// timeoutKey is the key of the deadline of WithTimeout in a context.
type timeoutKey struct{}

// WithTimeout returns a context for a call to which its service should respond within a time: its
// end counts as a failure of the instance, also if the instance says itself that the deadline has
// passed. An earlier deadline of ctx, which is the caller's, stays what it is.
func WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	deadline := time.Now().Add(d)
	if earlier, ok := ctx.Deadline(); ok && earlier.Before(deadline) {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(context.WithValue(ctx, timeoutKey{}, deadline), deadline, ErrTimeout)
}

// isTimeout reports whether a deadline of ctx is that of WithTimeout.
func isTimeout(ctx context.Context, deadline time.Time) bool {
	own, ok := ctx.Value(timeoutKey{}).(time.Time)
	return ok && own.Equal(deadline)
}

// An Outcome is how a request to an instance ended.
type Outcome string

// The outcomes. All but Responded, Canceled and LocalFailure count as failures of the
// instance.
const (
	Responded    Outcome = "responded"     // with any status but those below
	Canceled     Outcome = "canceled"      // the context of the caller ended
	NotSent      Outcome = "not_sent"      // no instance has received the header of the request
	Broken       Outcome = "broken"        // the connection failed; the request may have been executed
	Unavailable  Outcome = "unavailable"   // status 502 or 503, or unavailable by gRPC
	TimedOut     Outcome = "timed_out"     // status 504, or by ErrTimeout
	LocalFailure Outcome = "local_failure" // no connection, for a reason in this process
)

// isFailure reports whether an outcome counts as a failure of the instance.
func (o Outcome) isFailure() bool {
	switch o {
	case NotSent, Broken, Unavailable, TimedOut:
		return true
	}
	return false
}

// isRetried reports whether a request is sent to another instance. replayable means that its
// body can be sent again from the start.
func (o Outcome) isRetried(repeatable, replayable bool) bool {
	switch o {
	case NotSent:
		return replayable
	case Broken, Unavailable:
		return repeatable && replayable
	}
	return false
}

// deadlineSkew is how much earlier a deadline of the caller may pass at the instance.
const deadlineSkew = 50 * time.Millisecond

// outcomeOfResponse returns the outcome of a request with a response.
func outcomeOfResponse(ctx context.Context, res *http.Response) Outcome {
	switch res.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return Unavailable
	case http.StatusGatewayTimeout:
		if deadline, ok := ctx.Deadline(); ok && !isTimeout(ctx, deadline) && time.Until(deadline) < deadlineSkew {
			return Canceled
		}
		return TimedOut
	case http.StatusOK:
		if code := res.Header["Grpc-Status"]; len(code) == 1 && code[0] == "14" { // gRPC without a message
			return Unavailable
		}
	}
	return Responded
}

// outcomeOfError returns the outcome of a request without a response. sent reports whether
// its header may have reached the instance.
func outcomeOfError(ctx context.Context, err error, sent bool) Outcome {
	switch {
	case errors.Is(context.Cause(ctx), ErrTimeout):
		return TimedOut
	case ctx.Err() != nil:
		return Canceled
	case sent && !isRefusedStream(err):
		return Broken
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.ENOBUFS):
		return LocalFailure
	}
	return NotSent
}

// A streamError is the error of a stream of HTTP/2. That of net/http converts itself to a type
// with these fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "stream error" }

// refusedStream is REFUSED_STREAM: the server has not processed the request (RFC 9113,
// section 8.7). net/http retries such requests on the same server, a few times.
const refusedStream = 0x7

func isRefusedStream(err error) bool {
	code, ok := streamErrorCode(err)
	return ok && code == refusedStream
}

// streamErrorCode returns the code of a reset of HTTP/2 (RFC 9113, section 7).
func streamErrorCode(err error) (code uint32, ok bool) {
	e, ok := errors.AsType[streamError](err)
	return e.Code, ok
}
