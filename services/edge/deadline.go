package edge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// errCallTimeout is the cause of a context that ended by the timeout of the edge, and not by
// a deadline of the caller. It is a balance.ErrTimeout: the instance was too slow.
var errCallTimeout = fmt.Errorf("the timeout of the edge has passed: %w", balance.ErrTimeout)

// A deadline is the interceptor that bounds a valid call by the timeout of its policy. A
// caller's own deadline applies if it is earlier.
type deadline struct {
	methods policy.Table
	timeout time.Duration // of unary methods without a timeout of their own
}

// timeoutOf returns the timeout in the policy of a method; 0 for none.
func (d deadline) timeoutOf(ctx context.Context, procedure string) time.Duration {
	if m, ok := d.methods[procedure]; ok {
		return m.Timeout
	}
	if joined := joinedMethodOf(rpc.InfoOf(ctx)); joined != nil {
		return joined.policy.Timeout
	}
	return 0
}

// WrapUnary returns deadline_exceeded for a call whose timeout has passed.
func (d deadline) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		timeout := d.timeoutOf(ctx, req.Spec().Procedure)
		if timeout == 0 {
			timeout = d.timeout
		}
		bounded, cancel := context.WithTimeoutCause(ctx, timeout, errCallTimeout)
		defer cancel()
		res, err := next(bounded, req)
		if err != nil {
			return nil, deadlineError(ctx, bounded, timeout, err)
		}
		return res, nil
	}
}

// WrapStreamingHandler returns deadline_exceeded for a stream whose timeout has passed. A
// stream without a timeout of its own has none.
func (d deadline) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		timeout := d.timeoutOf(ctx, conn.Spec().Procedure)
		if timeout == 0 {
			return next(ctx, conn)
		}
		bounded, cancel := context.WithTimeoutCause(ctx, timeout, errCallTimeout)
		defer cancel()
		if err := next(bounded, conn); err != nil {
			return deadlineError(ctx, bounded, timeout, err)
		}
		return nil
	}
}

// WrapStreamingClient returns next: the interceptor is for handlers.
func (deadline) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// instanceLead is how much earlier the timeout may pass at an instance, which gets it in
// whole milliseconds and responds to it.
const instanceLead = 50 * time.Millisecond

// deadlineError returns the error of a call under a timeout: bounded is the context with the
// timeout, ctx that of the caller. After it has passed that is deadline_exceeded, whatever
// the interrupted call returned, except for unavailable: intake returns that for an
// interrupted call, because its sources repeat a request for status 503 and drop it for 408.
func deadlineError(ctx, bounded context.Context, timeout time.Duration, err error) error {
	code := connect.CodeOf(err)
	passed := errors.Is(context.Cause(bounded), errCallTimeout) || code == connect.CodeDeadlineExceeded && isAboutToPass(ctx, bounded)
	if !passed || errors.Is(err, fault.ErrUnavailable) || code == connect.CodeUnavailable {
		return err
	}
	return connect.NewError(connect.CodeDeadlineExceeded, fmt.Errorf("timed out after %s; the call may have had its effect: repeat it only with an idempotency key, or if it changes nothing twice", timeout))
}

// isAboutToPass reports whether the timeout of bounded is about to pass, and no deadline of
// ctx before it.
func isAboutToPass(ctx, bounded context.Context) bool {
	end, _ := bounded.Deadline()
	deadline, ok := ctx.Deadline()
	return time.Until(end) < instanceLead && (!ok || end.Before(deadline))
}
