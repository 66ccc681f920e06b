package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// codes maps faults and context errors to the codes that callers get.
var codes = []struct {
	fault error
	code  connect.Code
}{
	{fault.ErrInvalid, connect.CodeInvalidArgument},
	{fault.ErrNotFound, connect.CodeNotFound},
	{fault.ErrExists, connect.CodeAlreadyExists},
	{fault.ErrConflict, connect.CodeAborted},
	{fault.ErrPrecondition, connect.CodeFailedPrecondition},
	{fault.ErrDenied, connect.CodePermissionDenied},
	{fault.ErrUnauthenticated, connect.CodeUnauthenticated},
	{fault.ErrExhausted, connect.CodeResourceExhausted},
	{fault.ErrUnavailable, connect.CodeUnavailable},
	{context.Canceled, connect.CodeCanceled},
	{context.DeadlineExceeded, connect.CodeDeadlineExceeded},
}

// errorInterceptor is the interceptor of handlers that turns each error into one for callers, with a
// code, a text that may leave the process, and the details of describe, and logs the rest.
type errorInterceptor struct{ log *slog.Logger }

// WrapUnary translates the error of a call.
func (i errorInterceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if err := heldFailure(req.Any()); err != nil {
			return nil, i.toCallerError(ctx, req.Spec(), err)
		}
		res, err := next(ctx, req)
		if err != nil {
			return nil, i.toCallerError(ctx, req.Spec(), err)
		}
		return res, nil
	}
}

// WrapStreamingHandler translates the error of a stream.
func (i errorInterceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if err := next(ctx, decodedConn{conn}); err != nil {
			return i.toCallerError(ctx, conn.Spec(), err)
		}
		return nil
	}
}

// WrapStreamingClient returns next: the interceptor is for handlers.
func (i errorInterceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (i errorInterceptor) toCallerError(ctx context.Context, spec connect.Spec, err error) error {
	if connect.IsNotModifiedError(err) {
		return err
	}
	outside := describe(callerError(err), spec.Procedure)
	if info := InfoOf(ctx); info != nil {
		info.Code = outside.Code()
	}
	level := slog.LevelDebug
	_, upstream := errors.AsType[*upstreamError](err)
	switch outside.Code() {
	case connect.CodeInternal, connect.CodeUnavailable, connect.CodeUnknown, connect.CodeDataLoss:
		level = slog.LevelError
	}
	if isStopping(outside) {
		level = slog.LevelDebug // no failure, and one for each stream
	}
	if upstream {
		level = slog.LevelDebug // the client's interceptor has logged it
		outside.Meta()["Retry-After"] = []string{retrySeconds(retryDelayOf(outside))}
	}
	i.log.Log(ctx, level, "call failed",
		"procedure", spec.Procedure, "code", outside.Code().String(), "error", truncate(err.Error(), maxLogBytes), "cause", truncate(internalCause(err), maxLogBytes))
	return outside
}

// internalCause returns the internal cause of an error, which its text for callers does not hold;
// empty if it has none.
func internalCause(err error) string {
	if e, ok := errors.AsType[interface {
		error
		Cause() string
	}](err); ok {
		return e.Cause()
	}
	return ""
}

// callerError returns the error that callers get for err.
func callerError(err error) *connect.Error {
	if e, ok := errors.AsType[*connect.Error](err); ok {
		return relayedError(e)
	}
	for _, row := range codes {
		if errors.Is(err, row.fault) {
			return connect.NewError(row.code, err)
		}
	}
	return connect.NewError(connect.CodeInternal, errors.New("internal error"))
}

// relayedError returns the error that callers get for an error of Connect: of our validation, of
// an upstream, or of the connection to it.
func relayedError(e *connect.Error) *connect.Error {
	if n, ok := errors.AsType[*upstreamError](e); ok {
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

// recoverPanics returns the option that recovers from a panic of a handler.
func recoverPanics(log *slog.Logger) connect.HandlerOption {
	return connect.WithRecover(func(ctx context.Context, spec connect.Spec, _ http.Header, p any) error {
		log.ErrorContext(ctx, "handler panicked", "procedure", spec.Procedure, "panic", truncate(fmt.Sprint(p), maxLogBytes), "stack", string(debug.Stack()))
		return connect.NewError(connect.CodeInternal, errors.New("internal error"))
	})
}
