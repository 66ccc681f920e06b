package database

import (
	"context"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

// abortedRetries retries an aborted transaction up to 8 times. The delay is 5 ms, doubled
// with each retry up to 200 ms, and then random by up to half of it. It is immutable.
var abortedRetries = failsafe.With(retrypolicy.NewBuilder[any]().
	HandleIf(func(_ any, err error) bool { return isAborted(err) }).
	WithBackoff(5*time.Millisecond, 200*time.Millisecond).
	WithJitterFactor(0.5).
	WithMaxRetries(8).
	ReturnLastFailure().
	Build())

// retryAborted runs f, and retries it with backoff, up to 8 times, when the database aborts it
// in favor of another transaction. It returns the last error of f, or the cause of ctx if ctx
// ends before f begins or between two runs.
func retryAborted(ctx context.Context, f func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err := f()
	if !isAborted(err) { // nearly always: it costs no allocation
		return err
	}
	return retryAfterAbort(ctx, err, f)
}

// retryAfterAbort retries f, of which a first run was aborted with err.
func retryAfterAbort(ctx context.Context, err error, f func() error) error {
	first := true
	_ = abortedRetries.WithContext(ctx).Run(func() error {
		if first {
			first = false
		} else {
			err = f()
		}
		return err
	})
	// The policy returns the error of ctx if ctx ended during f, also after a commit. The
	// result of f counts.
	if isAborted(err) && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
