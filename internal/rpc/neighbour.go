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

// warnEvery is the least time between two warnings of one neighbour: where it is down
// each call fails, and the first says why.
const warnEvery = time.Second

// A neighbourError says that a neighbour did not answer a call, whatever came between.
// Its text is for outsiders; the cause, which holds addresses, is for the log only.
type neighbourError struct {
	neighbour string
	cause     error
}

func (e *neighbourError) Error() string { return e.neighbour + " service unavailable; try again" }

// Unwrap gives fault.ErrUnavailable, and not the cause: a connection that was reset with
// "context canceled" is not a caller who left.
func (e *neighbourError) Unwrap() error { return fault.ErrUnavailable }

// neighbours is the interceptor of clients that tells the answers of a neighbour from
// failures on the way to it.
type neighbours struct {
	name    string
	timeout time.Duration // of calls that have no deadline of their own
	log     *slog.Logger

	mu       sync.Mutex
	warned   time.Time
	unwarned int // failures since
}

// WrapUnary bounds a call in time, and translates how it fails.
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

// WrapStreamingClient translates how a stream fails. It has no deadline: a stream lasts.
func (n *neighbours) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		return &neighbourConn{StreamingClientConn: next(ctx, spec), ctx: ctx, neighbours: n}
	}
}

// WrapStreamingHandler is for handlers, and changes nothing.
func (n *neighbours) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// translate returns err where it is the neighbour's answer, the end of ctx where the
// caller's own context ended, and otherwise a neighbourError, which it logs.
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

// answered reports whether an error is what a service answered on purpose. That it was
// canceled, or out of time, is not: the caller's context has not ended, so it was the
// neighbour's own end, or the bound of the call.
func answered(err error) bool {
	code := connect.CodeOf(err)
	return connect.IsWireError(err) && code != connect.CodeCanceled && code != connect.CodeDeadlineExceeded
}

// deadlineSkew is how much sooner than here a deadline may end in the neighbour, which is
// told of it in whole milliseconds.
const deadlineSkew = 50 * time.Millisecond

// almostEnded reports whether the caller's deadline is about to pass.
func almostEnded(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < deadlineSkew
}

// endOf returns how a context ended, without the words of whoever noticed it.
func endOf(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return connect.NewError(connect.CodeDeadlineExceeded, context.DeadlineExceeded)
	}
	return connect.NewError(connect.CodeCanceled, context.Canceled)
}

// warn logs the cause of a failure, at most every warnEvery.
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
	n.log.WarnContext(ctx, "neighbour unavailable", "neighbour", n.name, "procedure", spec.Procedure,
		"code", connect.CodeOf(err).String(), "error", cut(err.Error(), maxLogBytes), "unlogged", more)
}

// A neighbourConn is a stream from a neighbour.
type neighbourConn struct {
	connect.StreamingClientConn
	ctx        context.Context //nolint:containedctx // that of the call, which the stream is
	neighbours *neighbours
}

// Send sends a message. io.EOF says that Receive knows why it could not.
func (c *neighbourConn) Send(message any) error {
	return c.translate(c.StreamingClientConn.Send(message))
}

// Receive receives a message, or io.EOF behind the last.
func (c *neighbourConn) Receive(message any) error {
	return c.translate(c.StreamingClientConn.Receive(message))
}

// CloseRequest says that no message follows.
func (c *neighbourConn) CloseRequest() error {
	return c.translate(c.StreamingClientConn.CloseRequest())
}

// CloseResponse ends the stream. What it fails with, Receive said before.
func (c *neighbourConn) CloseResponse() error {
	if err := c.StreamingClientConn.CloseResponse(); err != nil {
		c.neighbours.log.DebugContext(c.ctx, "stream of a neighbour not closed", "neighbour", c.neighbours.name, "error", cut(err.Error(), maxLogBytes))
	}
	return nil
}

func (c *neighbourConn) translate(err error) error {
	if err == nil || cleanEnd(err) {
		return err
	}
	return c.neighbours.translate(c.ctx, c.Spec(), err)
}

// cleanEnd reports whether err is the end of a stream that its server has finished. By
// gRPC, Connect returns it as io.EOF in an error with CodeUnknown; io.EOF of a connection
// that broke has CodeUnavailable.
func cleanEnd(err error) bool {
	return errors.Is(err, io.EOF) && connect.CodeOf(err) == connect.CodeUnknown
}
