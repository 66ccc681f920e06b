package alert

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/seal"
)

const (
	// callbackInterval is how often the ledger is queried for reports, and the pause of an
	// endpoint after a turn without a full batch. A report waits for at most twice as long.
	callbackInterval = 500 * time.Millisecond
	// callbackTimeout is the timeout of a call.
	callbackTimeout = 15 * time.Second
	// callbackLease is the lease of a turn. It is longer than its calls, which are made
	// concurrently, and what the ledger takes to end it.
	callbackLease = 45 * time.Second
	// callbackResealRetry is the wait after a failed reseal.
	callbackResealRetry = 30 * time.Second
	// maxCallbackTurns is the maximum number of endpoints that a process calls concurrently.
	maxCallbackTurns = 16
)

// The schedule of retries. A batch that failed waits, and so does an endpoint after a turn in
// which all calls failed. Both waits are firstCallbackRetry, double with each failure up to
// maxCallbackRetry, and have a jitter that makes them up to a tenth shorter. If the endpoint
// asked for a pause, up to maxCallbackPause, it waits for at least that long, and the batch waits
// afterwards, so that others are sent between its retries.
//
// A turn after the wait of an endpoint is a probe: one batch, which shows whether the endpoint
// failed or only batches. It is one that has not failed, if there is one, because a batch that
// always fails shows nothing; otherwise it is the one that is due for longest. If the only batch
// that is left fails again, this is no evidence against the endpoint, and does not prolong its
// wait: a new report is delayed by firstCallbackRetry, however long that batch waits.
//
// After callbackOutage failed turns in a row the endpoint failed, and not single batches: when it
// recovers, all batches are sent at once.
const (
	firstCallbackRetry = 5 * time.Second
	maxCallbackRetry   = 10 * time.Minute
	maxCallbackPause   = time.Hour
	callbackOutage     = 3
)

// CallbackMetrics counts what a CallbackLoop does. Its methods are called concurrently.
type CallbackMetrics interface {
	// CallbackCalled records a call by its outcome, such as sent, retry or failed.
	CallbackCalled(outcome string, took time.Duration)
	// CallbackReports counts reports: sent, or dropped at the end of their CallbackTTL.
	CallbackReports(outcome string, n int)
}

// A CallbackLoop sends reports to callback endpoints while it runs. Several processes may run
// one on the same ledger.
type CallbackLoop struct {
	Store    CallbackStore
	Endpoint call.Endpoint // for user-given URLs
	Key      *seal.Keyring // opens signing secrets
	Metrics  CallbackMetrics
	Now      func() time.Time
	Jitter   func(bound time.Duration) time.Duration // returns a random duration below bound
	Log      *slog.Logger
}

// Run runs until ctx ends, and then until the calls in flight have ended.
func (l *CallbackLoop) Run(ctx context.Context) error {
	var turns sync.WaitGroup
	defer turns.Wait()
	slots, full := make(chan struct{}, maxCallbackTurns), make(chan struct{}, 1)
	changed, again := l.reseal(ctx)
	tick := time.NewTicker(callbackInterval)
	defer tick.Stop()
	for {
		l.startTurns(ctx, &turns, slots, full)
		select {
		case <-tick.C:
		case <-full:
		case <-changed:
			changed, again = l.reseal(ctx)
		case <-again:
			changed, again = l.reseal(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// startTurns starts turns until no endpoint is due. A goroutine of turns runs each, which
// has one of the slots, and notifies full if more batches are waiting.
func (l *CallbackLoop) startTurns(ctx context.Context, turns *sync.WaitGroup, slots, full chan struct{}) {
	dropped := map[string]int{} // by endpoint
	defer func() {
		for name, n := range dropped {
			l.Log.Error("callback reports dropped: the endpoint accepted none for a day", "endpoint", name, "reports", n)
			l.Metrics.CallbackReports("dropped", n)
		}
	}()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		now := l.Now()
		turn, ok, err := l.Store.TakeCallbacks(ctx, now, now.Add(callbackLease), encodeCallbacks)
		if err != nil && ctx.Err() == nil {
			l.Log.Error("reading callback reports failed", "error", err)
		}
		if err != nil || !ok || turn.Dropped > 0 {
			<-slots
		}
		if err != nil || !ok {
			return
		}
		if turn.Dropped > 0 {
			dropped[turn.Endpoint.Name] += turn.Dropped
			continue
		}
		turns.Go(func() {
			defer func() { <-slots }()
			if l.runTurn(context.WithoutCancel(ctx), turn) && turn.Full { // a call that has begun is not canceled
				select {
				case full <- struct{}{}:
				default:
				}
			}
		})
	}
}

// runTurn sends the batches of a turn concurrently and ends it. It reports whether all were
// sent.
func (l *CallbackLoop) runTurn(ctx context.Context, turn CallbackTurn) bool {
	calls := make([]callbackCall, len(turn.Batches))
	var all sync.WaitGroup
	for i, b := range turn.Batches {
		all.Go(func() { calls[i] = l.send(ctx, turn.Endpoint, b) })
	}
	all.Wait()
	end := l.endOf(turn, calls)
	if err := l.Store.EndCallbacks(ctx, turn, end); err != nil {
		l.Log.Error("recording callbacks failed; they are repeated", "endpoint", turn.Endpoint.Name, "error", err)
		return false
	}
	switch {
	case turn.Tries == 0 && end.Tries > 0:
		l.Log.Warn("callback endpoint failed; its reports are repeated for a day", "endpoint", turn.Endpoint.Name, "error", end.LastError)
	case turn.Tries > 0 && end.Tries == 0:
		l.Log.Info("callback endpoint recovered", "endpoint", turn.Endpoint.Name, "failures", turn.Tries)
	}
	return len(end.Failed) == 0
}

// endOf returns the end of a turn after its calls.
func (l *CallbackLoop) endOf(turn CallbackTurn, calls []callbackCall) CallbackEnd {
	var end CallbackEnd
	now, wait, reports := l.Now(), time.Duration(0), 0
	for i, c := range calls {
		b := turn.Batches[i]
		if c.failure == "" {
			end.Sent = append(end.Sent, b.ID)
			reports += b.Size
			continue
		}
		end.LastError = c.failure
		wait = max(wait, c.retryAfter)
		end.Failed = append(end.Failed, CallbackRetry{ID: b.ID, NextTime: now.Add(c.retryAfter + l.backoff(b.Tries+1))})
	}
	l.Metrics.CallbackReports("sent", reports)
	switch {
	case len(end.Sent) == 0 && len(end.Failed) > 0:
		end.Tries = turn.Tries + 1
		if turn.Repeated {
			end.Tries = turn.Tries
		}
		wait = max(wait, l.backoff(end.Tries))
	case !turn.Full:
		wait = max(wait, callbackInterval)
	}
	end.Recovered = len(end.Sent) > 0 && turn.Tries >= callbackOutage
	end.NextTime = now.Add(wait)
	return end
}

// backoff returns the wait after a number of failures.
func (l *CallbackLoop) backoff(tries int) time.Duration {
	wait := maxCallbackRetry
	if doublings := tries - 1; doublings < 10 {
		wait = min(firstCallbackRetry<<doublings, maxCallbackRetry)
	}
	return wait - l.Jitter(wait/10)
}

// reseal seals the secrets of all endpoints under the primary key. It returns the channel that
// is closed when the keyring changes, and one that fires if it failed and must be repeated.
func (l *CallbackLoop) reseal(ctx context.Context) (changed <-chan struct{}, again <-chan time.Time) {
	changed = l.Key.Changed()
	all, err := l.Store.CallbackEndpoints(ctx)
	for _, e := range all {
		if id, ok := seal.KeyIDOf(e.SealedSecret); ok && id == l.Key.Primary() {
			continue
		}
		owner := callbackOwner(e.Name, e.URL)
		secret, openErr := l.Key.OpenForOwner(e.SealedSecret, owner)
		if openErr != nil {
			l.Log.Error("the secret of a callback endpoint cannot be opened; use the seal key file that holds its key, or create the endpoint again", "endpoint", e.Name, "error", openErr)
			continue
		}
		to, sealErr := l.Key.SealForOwner(secret, owner)
		if err = sealErr; err == nil {
			err = l.Store.ResealCallbackEndpoint(ctx, e.ID, e.SealedSecret, to)
		}
		if err != nil {
			break
		}
	}
	if err != nil && ctx.Err() == nil {
		l.Log.Warn("reseal of callback endpoints failed, will retry", "error", err)
		return changed, time.After(callbackResealRetry)
	}
	return changed, nil
}
