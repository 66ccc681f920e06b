package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// codes maps faults and context errors to the codes that callers get.
var codes = []struct {
	fault error
	code  connect.Code
}{
	{fault.ErrInvalid, connect.CodeInvalidArgument},
	{fault.ErrNotFound, connect.CodeNotFound},
	{fault.ErrExists, connect.CodeAlreadyExists},
	{fault.ErrUnavailable, connect.CodeUnavailable},
	{context.Canceled, connect.CodeCanceled},
	{context.DeadlineExceeded, connect.CodeDeadlineExceeded},
}

// faults is the interceptor of handlers that turns each error into one for callers, with a
// code and a text that may leave the process, and logs the rest.
type faults struct{ log *slog.Logger }

// WrapUnary translates the error of a call.
func (f faults) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		res, err := next(ctx, req)
		if err != nil {
			return nil, f.outside(ctx, req.Spec(), err)
		}
		return res, nil
	}
}

// WrapStreamingHandler translates the error of a stream.
func (f faults) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if err := next(ctx, conn); err != nil {
			return f.outside(ctx, conn.Spec(), err)
		}
		return nil
	}
}

// WrapStreamingClient returns next: the interceptor is for handlers.
func (f faults) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (f faults) outside(ctx context.Context, spec connect.Spec, err error) *connect.Error {
	outside := cutError(outsideError(err))
	level := slog.LevelDebug
	_, neighbour := errors.AsType[*neighbourError](err)
	switch outside.Code() {
	case connect.CodeInternal, connect.CodeUnavailable, connect.CodeUnknown, connect.CodeDataLoss:
		level = slog.LevelError
	}
	if neighbour {
		level = slog.LevelDebug // the client's interceptor has logged it
	}
	f.log.Log(ctx, level, "call failed",
		"procedure", spec.Procedure, "code", outside.Code().String(), "error", cut(err.Error(), maxLogBytes), "cause", cut(cause(err), maxLogBytes))
	return outside
}

// cause returns the internal cause of an error, which its text for callers does not hold;
// empty if it has none.
func cause(err error) string {
	if e, ok := errors.AsType[interface {
		error
		Cause() string
	}](err); ok {
		return e.Cause()
	}
	return ""
}

// outsideError returns the error that callers get for err.
func outsideError(err error) *connect.Error {
	if e, ok := errors.AsType[*connect.Error](err); ok {
		return relayed(e)
	}
	for _, row := range codes {
		if errors.Is(err, row.fault) {
			return connect.NewError(row.code, err)
		}
	}
	return connect.NewError(connect.CodeInternal, errors.New("internal error"))
}

// relayed returns the error that callers get for an error of Connect: of our validation, of
// an upstream, or of the connection to it.
func relayed(e *connect.Error) *connect.Error {
	if n, ok := errors.AsType[*neighbourError](e); ok {
		return connect.NewError(connect.CodeUnavailable, n)
	}
	if connect.IsWireError(e) {
		outside := connect.NewError(e.Code(), errors.New(e.Message()))
		for _, d := range e.Details() {
			outside.AddDetail(d)
		}
		return outside
	}
	return e
}

// recovered returns the option that recovers from a panic of a handler.
func recovered(log *slog.Logger) connect.HandlerOption {
	return connect.WithRecover(func(ctx context.Context, spec connect.Spec, _ http.Header, p any) error {
		log.ErrorContext(ctx, "handler panicked", "procedure", spec.Procedure, "panic", cut(fmt.Sprint(p), maxLogBytes), "stack", string(debug.Stack()))
		return connect.NewError(connect.CodeInternal, errors.New("internal error"))
	})
}
