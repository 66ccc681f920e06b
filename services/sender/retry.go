package sender

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// retryUntilAnswered retries a call until it succeeds, with exponential backoff up to a second, or
// until ctx ends. fault.ErrInvalid is not retried: a retry would not change it.
func retryUntilAnswered[T any](ctx context.Context, to *alertLink, what string, ask func() (T, error)) (T, error) {
	c := to.begin(what)
	defer c.end()
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = 50*time.Millisecond, time.Second
	return backoff.Retry(ctx, func() (T, error) {
		answer, err := ask()
		if errors.Is(err, fault.ErrInvalid) {
			return answer, backoff.Permanent(err)
		}
		if err != nil {
			c.fail(err)
		}
		return answer, err
	}, backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(0))
}

// withGrace returns a context that ends a grace period after ctx.
func withGrace(ctx context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(while, cancel) })
	return longer, func() { stop(); cancel() }
}
