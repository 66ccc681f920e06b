package sender

import (
	"context"
	"errors"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// alertRetries retries calls to the alert service without end. The delay is 50 ms, 1.5 times
// as long with each retry up to 1 s, with a jitter of half of it. fault.ErrInvalid is not
// retried: a retry would not change it. alertRetries is immutable.
var alertRetries = failsafe.With(retrypolicy.NewBuilder[any]().
	HandleIf(func(_ any, err error) bool { return isRetryable(err) }).
	WithBackoffFactor(50*time.Millisecond, time.Second, 1.5).
	WithJitterFactor(0.5).
	WithMaxRetries(-1).
	Build())

func isRetryable(err error) bool { return err != nil && !errors.Is(err, fault.ErrInvalid) }

// retryCall makes a call to the alert service and retries it until it succeeds, with
// exponential backoff up to a second, or until ctx ends; then it returns the cause of ctx.
// fault.ErrInvalid is not retried. op names the call in logs.
func retryCall[T any](ctx context.Context, link *alertLink, op string, call func() (T, error)) (T, error) {
	c := link.begin(op)
	defer c.end()
	res, err := call()
	if !isRetryable(err) { // nearly always: it costs no allocation
		return res, err
	}
	return retryFailed(ctx, c, res, err, call)
}

// retryFailed retries a call whose first try has failed with err.
func retryFailed[T any](ctx context.Context, c *pendingCall, res T, err error, call func() (T, error)) (T, error) {
	first := true
	_ = alertRetries.WithContext(ctx).Run(func() error {
		if first {
			first = false
		} else {
			res, err = call()
		}
		if isRetryable(err) {
			c.fail(err)
		}
		return err
	})
	// The policy returns the error of ctx if ctx ended during a try, also if the try
	// succeeded. The result of the try counts.
	if isRetryable(err) {
		return res, context.Cause(ctx)
	}
	return res, err
}

// withGrace returns a context that ends a grace period after ctx.
func withGrace(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}
