package sender

import (
	"context"
	"sync"
	"time"
)

// alertCalls are the calls of one pipeline to the alert service for which it waits no longer
// than alertTimeout. It is safe for concurrent use; wait must not be called before the last
// call.
type alertCalls struct {
	link    *alertLink
	pending sync.WaitGroup // including those that continue in the background
}

// wait waits for the calls that continue in the background.
func (c *alertCalls) wait() { c.pending.Wait() }

// callAlert makes a call, and returns errAlertTimeout if there is no response within
// alertTimeout. Then the call is retried in the background until a grace period after ctx
// ended, and its response is passed to late.
func callAlert[T any](ctx context.Context, calls *alertCalls, op string, call func(context.Context) (T, error), late func(context.Context, T)) (T, error) {
	type response struct {
		value T
		err   error
	}
	callCtx, cancel := withGrace(ctx, stopClaimTimeout)
	first := make(chan response) // received by the caller, or not at all
	timedOut := make(chan struct{})
	calls.pending.Go(func() {
		defer cancel()
		value, err := retryCall(callCtx, calls.link, op, func() (T, error) { return call(callCtx) })
		select {
		case first <- response{value, err}:
		case <-timedOut:
			if err == nil {
				late(callCtx, value)
			}
		}
	})
	timeout := time.NewTimer(alertTimeout + 20*time.Millisecond) // the link is down by then
	defer timeout.Stop()
	select {
	case r := <-first:
		return r.value, r.err
	case <-timeout.C:
		close(timedOut)
		var none T
		return none, errAlertTimeout
	}
}
