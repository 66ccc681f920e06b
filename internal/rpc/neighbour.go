package rpc

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// warnEvery is the least time between two warnings about one upstream: while it is down
// every call fails, and the first warning has the cause.
const warnEvery = time.Second

// A neighbourError is the error of a call to which an upstream did not respond. Its text is
// for callers; the cause, which holds addresses, is for the log only.
type neighbourError struct {
	neighbour string
	cause     error
}

func (e *neighbourError) Error() string { return e.neighbour + " service unavailable; try again" }

// Unwrap returns fault.ErrUnavailable, and not the cause: a connection that was reset with
// "context canceled" does not mean that the caller canceled.
func (e *neighbourError) Unwrap() error { return fault.ErrUnavailable }

// neighbours is the interceptor of clients that distinguishes the errors that an upstream
// returned from failures of the connection to it.
type neighbours struct {
	name    string
	timeout time.Duration // of calls without a deadline of their own
	log     *slog.Logger

	mu       sync.Mutex
	warned   time.Time
	unwarned int // failures since the last warning
}

// WrapUnary adds a deadline to a call, and translates its error.
func (n *neighbours) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		bounded, cancel := ctx, context.CancelFunc(func() {})
		if _, ok := ctx.Deadline(); !ok {
			bounded, cancel = context.WithTimeout(ctx, n.timeout)
		}
		defer cancel()
		res, err := next(bounded, req)
		if err != nil {
			return nil, n.translate(ctx, req.Spec(), err)
		}
		return res, nil
	}
}

// WrapStreamingClient translates the errors of a stream. It adds no deadline: a stream is
// long-lived.
func (n *neighbours) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		return &neighbourConn{StreamingClientConn: next(ctx, spec), ctx: ctx, neighbours: n}
	}
}

// WrapStreamingHandler returns next: the interceptor is for clients.
func (n *neighbours) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// translate returns err if the upstream returned it, the error of ctx if the caller's own
// context ended, and otherwise a neighbourError, which it logs.
func (n *neighbours) translate(ctx context.Context, spec connect.Spec, err error) error {
	switch {
	case ctx.Err() != nil:
		return endOf(ctx.Err())
	case connect.CodeOf(err) == connect.CodeDeadlineExceeded && almostEnded(ctx):
		return endOf(context.DeadlineExceeded)
	case answered(err):
		return err
	}
	n.warn(ctx, spec, err)
	return connect.NewError(connect.CodeUnavailable, &neighbourError{n.name, err})
}

// answered reports whether a service returned an error deliberately. Canceled and
// deadline_exceeded do not count: the caller's context has not ended, so that the upstream is
// stopping, or the call has reached its timeout.
func answered(err error) bool {
	code := connect.CodeOf(err)
	return connect.IsWireError(err) && code != connect.CodeCanceled && code != connect.CodeDeadlineExceeded
}

// deadlineSkew is how much earlier a deadline may pass at the upstream, which gets it in
// whole milliseconds.
const deadlineSkew = 50 * time.Millisecond

// almostEnded reports whether the caller's deadline is about to pass.
func almostEnded(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < deadlineSkew
}

// endOf returns the error of an ended context, without the text of err.
func endOf(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return connect.NewError(connect.CodeDeadlineExceeded, context.DeadlineExceeded)
	}
	return connect.NewError(connect.CodeCanceled, context.Canceled)
}

// warn logs the cause of a failure, at most once per warnEvery.
func (n *neighbours) warn(ctx context.Context, spec connect.Spec, err error) {
	n.mu.Lock()
	now := time.Now()
	if now.Sub(n.warned) < warnEvery {
		n.unwarned++
		n.mu.Unlock()
		return
	}
	more := n.unwarned
	n.warned, n.unwarned = now, 0
	n.mu.Unlock()
	n.log.WarnContext(ctx, "upstream unavailable", "upstream", n.name, "procedure", spec.Procedure,
		"code", connect.CodeOf(err).String(), "error", cut(err.Error(), maxLogBytes), "unlogged", more)
}

// A neighbourConn is a stream from an upstream.
type neighbourConn struct {
	connect.StreamingClientConn
	ctx        context.Context //nolint:containedctx // the context of the call that opened the stream
	neighbours *neighbours
}

// Send sends a message. After io.EOF, Receive returns the cause.
func (c *neighbourConn) Send(message any) error {
	return c.translate(c.StreamingClientConn.Send(message))
}

// Receive receives a message, or io.EOF after the last one.
func (c *neighbourConn) Receive(message any) error {
	return c.translate(c.StreamingClientConn.Receive(message))
}

// CloseRequest ends the request side of the stream.
func (c *neighbourConn) CloseRequest() error {
	return c.translate(c.StreamingClientConn.CloseRequest())
}

// CloseResponse closes the stream. It returns nil: Receive has returned the error.
func (c *neighbourConn) CloseResponse() error {
	if err := c.StreamingClientConn.CloseResponse(); err != nil {
		c.neighbours.log.DebugContext(c.ctx, "close of upstream stream failed", "upstream", c.neighbours.name, "error", cut(err.Error(), maxLogBytes))
	}
	return nil
}

func (c *neighbourConn) translate(err error) error {
	if err == nil || cleanEnd(err) {
		return err
	}
	return c.neighbours.translate(c.ctx, c.Spec(), err)
}

// cleanEnd reports whether err is the end of a stream that its server has completed. By
// gRPC, Connect returns it as io.EOF in an error with CodeUnknown; io.EOF of a broken
// connection has CodeUnavailable.
func cleanEnd(err error) bool {
	return errors.Is(err, io.EOF) && connect.CodeOf(err) == connect.CodeUnknown
}
