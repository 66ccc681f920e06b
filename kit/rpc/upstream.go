package rpc

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// upstreamWarnInterval is the least time between two warnings about one upstream: while it is down
// every call fails, and the first warning has the cause.
const upstreamWarnInterval = time.Second

// An upstreamError is the error of a call to which an upstream did not respond. Its text is
// for callers; the cause, which holds addresses, is for the log only.
type upstreamError struct {
	upstream string
	cause    error
}

func (e *upstreamError) Error() string { return e.upstream + " service unavailable; try again" }

// errUpstream is the fault of an upstreamError.
var errUpstream = fault.WithReason(fault.Unavailablef("upstream unavailable"), reasonUpstream)

// Unwrap returns a fault.ErrUnavailable, and not the cause: a connection that was reset with
// "context canceled" does not mean that the caller canceled.
//
// It is balance.ErrNoInstance if there was no instance to call.
func (e *upstreamError) Unwrap() error {
	if errors.Is(e.cause, balance.ErrNoInstance) {
		return balance.ErrNoInstance
	}
	return errUpstream
}

// upstreamInterceptor is the interceptor of clients that distinguishes the errors that an upstream
// returned from failures of the connection to it.
type upstreamInterceptor struct {
	name    string
	timeout time.Duration // of calls without a deadline of their own
	always  bool          // of calls with a later deadline, too
	log     *slog.Logger

	mu         sync.Mutex
	warned     time.Time
	suppressed int // failures since the last warning
}

// WrapUnary adds a deadline to a call, and translates its error.
func (i *upstreamInterceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		passIDs(ctx, req.Header())
		bounded, cancel := ctx, context.CancelFunc(func() {})
		if _, ok := ctx.Deadline(); !ok || i.always {
			bounded, cancel = balance.WithTimeout(ctx, i.timeout)
		}
		defer cancel()
		if keyed, ok := req.Any().(interface{ GetIdempotencyKey() string }); ok && keyed.GetIdempotencyKey() != "" {
			bounded = balance.WithRepeatable(bounded)
		}
		res, err := next(bounded, req)
		if err != nil {
			return nil, i.translate(ctx, req.Spec(), err)
		}
		return res, nil
	}
}

// WrapStreamingClient translates the errors of a stream. It adds no deadline: a stream is
// long-lived.
func (i *upstreamInterceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		passIDs(ctx, conn.RequestHeader())
		return &upstreamConn{StreamingClientConn: conn, ctx: ctx, interceptor: i}
	}
}

// WrapStreamingHandler returns next: the interceptor is for clients.
func (i *upstreamInterceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// translate returns err if the upstream returned it, the error of ctx if the caller's own
// context ended, and otherwise an upstreamError, which it logs.
func (i *upstreamInterceptor) translate(ctx context.Context, spec connect.Spec, err error) error {
	switch {
	case ctx.Err() != nil:
		return contextError(ctx.Err())
	case connect.CodeOf(err) == connect.CodeDeadlineExceeded && deadlineNear(ctx):
		return contextError(context.DeadlineExceeded)
	case isServiceError(ctx, err):
		return err
	}
	i.warn(ctx, spec, err)
	return connect.NewError(connect.CodeUnavailable, &upstreamError{i.name, err})
}

// isServiceError reports whether a service returned an error deliberately. Canceled and
// deadline_exceeded do not count: the caller's context has not ended, so that the upstream is
// stopping, or the call has reached its timeout. Unauthenticated counts only in a context of
// WithServiceAuthentication: otherwise the upstream refuses this process, not the caller.
func isServiceError(ctx context.Context, err error) bool {
	if !connect.IsWireError(err) {
		return false
	}
	switch connect.CodeOf(err) {
	case connect.CodeCanceled, connect.CodeDeadlineExceeded:
		return false
	case connect.CodeUnauthenticated:
		return ctx.Value(serviceAuthenticationKey{}) != nil && !isGuardError(err)
	}
	return true
}

// serviceAuthenticationKey is the key of a context of WithServiceAuthentication.
type serviceAuthenticationKey struct{}

// WithServiceAuthentication returns a context for calls whose service itself verifies a
// credential in the request: the caller gets its unauthenticated.
func WithServiceAuthentication(ctx context.Context) context.Context {
	return context.WithValue(ctx, serviceAuthenticationKey{}, true)
}

// isGuardError reports whether the upstream took this process for no peer.
func isGuardError(err error) bool {
	e, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return false
	}
	info, ok := errorInfoOf(e)
	return ok && info.GetReason() == reasonNoPeer
}

// deadlineSkew is how much earlier a deadline may pass at the upstream, which gets it in
// whole milliseconds.
const deadlineSkew = 50 * time.Millisecond

// deadlineNear reports whether the caller's deadline is about to pass.
func deadlineNear(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < deadlineSkew
}

// contextError returns the error of an ended context, without the text of err.
func contextError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return connect.NewError(connect.CodeDeadlineExceeded, context.DeadlineExceeded)
	}
	return connect.NewError(connect.CodeCanceled, context.Canceled)
}

// warn logs the cause of a failure, at most once per upstreamWarnInterval.
func (i *upstreamInterceptor) warn(ctx context.Context, spec connect.Spec, err error) {
	i.mu.Lock()
	now := time.Now()
	if now.Sub(i.warned) < upstreamWarnInterval {
		i.suppressed++
		i.mu.Unlock()
		return
	}
	more := i.suppressed
	i.warned, i.suppressed = now, 0
	i.mu.Unlock()
	i.log.WarnContext(ctx, "upstream unavailable", "upstream", i.name, "procedure", spec.Procedure,
		"code", connect.CodeOf(err).String(), "error", truncate(err.Error(), maxLogBytes), "unlogged", more)
}

// An upstreamConn is a stream from an upstream.
type upstreamConn struct {
	connect.StreamingClientConn
	ctx         context.Context //nolint:containedctx // the context of the call that opened the stream
	interceptor *upstreamInterceptor
}

// Send sends a message. After io.EOF, Receive returns the cause.
func (c *upstreamConn) Send(message any) error {
	return c.translate(c.StreamingClientConn.Send(message))
}

// Receive receives a message, or io.EOF after the last one.
func (c *upstreamConn) Receive(message any) error {
	return c.translate(c.StreamingClientConn.Receive(message))
}

// CloseRequest ends the request side of the stream.
func (c *upstreamConn) CloseRequest() error {
	return c.translate(c.StreamingClientConn.CloseRequest())
}

// CloseResponse closes the stream. It returns nil: Receive has returned the error.
func (c *upstreamConn) CloseResponse() error {
	if err := c.StreamingClientConn.CloseResponse(); err != nil {
		c.interceptor.log.DebugContext(c.ctx, "close of upstream stream failed", "upstream", c.interceptor.name, "error", truncate(err.Error(), maxLogBytes))
	}
	return nil
}

func (c *upstreamConn) translate(err error) error {
	if err == nil || isCleanEnd(err) {
		return err
	}
	return c.interceptor.translate(c.ctx, c.Spec(), err)
}

// isCleanEnd reports whether err is the end of a stream that its server has completed. By
// gRPC, Connect returns it as io.EOF in an error with CodeUnknown; io.EOF of a broken
// connection has CodeUnavailable.
func isCleanEnd(err error) bool {
	return errors.Is(err, io.EOF) && connect.CodeOf(err) == connect.CodeUnknown
}
