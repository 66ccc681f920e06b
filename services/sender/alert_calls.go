package sender

import (
	"context"
	"sync"
	"time"
)

// alertCalls are the calls of one pipeline to the alert service that must be answered soon.
// It is safe for concurrent use; wait must not be called before the last call.
type alertCalls struct {
	link    *alertLink
	pending sync.WaitGroup // including those that continue in the background
}

// wait waits for the calls that continue in the background.
func (c *alertCalls) wait() { c.pending.Wait() }

// callAlert makes a call, and returns errAlertTimeout if there is no response within
// alertTimeout. Then the call is retried in the background until a grace period after ctx
// ended, and its response is passed to late.
func callAlert[T any](ctx context.Context, calls *alertCalls, what string, ask func(context.Context) (T, error), late func(context.Context, T)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	asking, cancel := withGrace(ctx, stopClaimTimeout)
	first := make(chan answer) // received by the caller, or not at all
	gone := make(chan struct{})
	calls.pending.Go(func() {
		defer cancel()
		value, err := retryUntilAnswered(asking, calls.link, what, func() (T, error) { return ask(asking) })
		select {
		case first <- answer{value, err}:
		case <-gone:
			if err == nil {
				late(asking, value)
			}
		}
	})
	patience := time.NewTimer(alertTimeout + 20*time.Millisecond) // the link is down by then
	defer patience.Stop()
	select {
	case a := <-first:
		return a.value, a.err
	case <-patience.C:
		close(gone)
		var none T
		return none, errAlertTimeout
	}
}
