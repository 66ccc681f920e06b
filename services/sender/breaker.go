package sender

import (
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// A BreakerConfig configures when a breaker opens because calls under its credential
// fail.
type BreakerConfig struct {
	// Percent is the share of failed calls, of at least Calls, that opens it if there are
	// several destinations; 0 disables it. With one destination no other suffers from its
	// failures: it opens after Calls failures in a row.
	Percent int
	Calls   int
	Open    time.Duration // before a probe is allowed
}

const (
	// breakerWindow is the period in which calls are counted.
	breakerWindow = 10 * time.Second
	// breakerIdleTTL is how long the unused breaker of a credential is kept.
	breakerIdleTTL = 10 * time.Minute
	// breakerSweep is the minimum interval between removals of unused breakers.
	breakerSweep = time.Minute
	// probeInterval is how long deliveries wait for the outcome of a probe.
	probeInterval = 500 * time.Millisecond
)

// A breaker is the circuit breaker of one credential in this process. A nil breaker allows
// all calls.
type breaker struct {
	circuitbreaker.CircuitBreaker[any]
	used             time.Time // last use
	now              func() time.Time
	maxFailuresInRow int // failures in a row to the only destination that open it

	mu            sync.Mutex
	failing       failingDestinations
	seen          recentDestinations
	failuresInRow int // failures in a row to the only destination
}

// breakers holds the breakers of one messenger: the plan stage reads how long to wait,
// the call stage uses them. It is safe for concurrent use, and so is each breaker.
type breakers struct {
	config  BreakerConfig
	now     func() time.Time
	changed func(key, from, to string)

	mu    sync.Mutex
	byKey map[string]*breaker // by limiter key of the credential
	swept time.Time
}

// forKey returns the breaker of a credential, or nil if breakers are disabled or the key is
// empty.
func (b *breakers) forKey(key string) *breaker {
	if b.config.Percent == 0 || key == "" {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	one, ok := b.byKey[key]
	if !ok {
		b.sweep(now)
		one = &breaker{now: b.now, maxFailuresInRow: b.config.Calls, failing: failingDestinations{}, CircuitBreaker: circuitbreaker.NewBuilder[any]().
			WithFailureRateThreshold(float64(b.config.Percent)/100, uint(b.config.Calls), breakerWindow).
			WithDelay(b.config.Open).
			WithSuccessThreshold(1).
			OnStateChanged(func(e circuitbreaker.StateChangedEvent) { b.changed(key, e.OldState.String(), e.NewState.String()) }).
			Build()}
		b.byKey[key] = one
	}
	one.used = now
	return one
}

// sweep removes unused breakers, at most once per breakerSweep because it checks all of
// them. mu must be held.
func (b *breakers) sweep(now time.Time) {
	if since := now.Sub(b.swept); since >= 0 && since < breakerSweep {
		return
	}
	b.swept = now
	for id, old := range b.byKey {
		if now.Sub(old.used) > breakerIdleTTL {
			delete(b.byKey, id)
		}
	}
}

// openFor returns how long the breaker stays open, or 0 if it is not open.
func (b *breaker) openFor() time.Duration {
	if b == nil || !b.IsOpen() {
		return 0
	}
	return b.RemainingDelay()
}

// waitFor returns how long a call to a destination must wait, or 0 if it may be tried.
// While probes are needed, a destination whose probe failed waits, so that others can be
// probed.
func (b *breaker) waitFor(destination string) time.Duration {
	if b == nil || b.IsClosed() || b.isExempt(destination) {
		return 0
	}
	open := b.openFor()
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.now(); b.failing.failedProbe(destination, now, b.seen.others(destination, now)) {
		return max(open, probeInterval)
	}
	return open
}

// isExempt reports whether a destination is exempt from the open breaker: a single other
// one has opened it, when there were no more. If calls to this one succeed, the provider
// was not the cause.
func (b *breaker) isExempt(destination string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failing.isSingle(b.now()) && !b.failing.has(destination)
}

// allow reports whether a call may be made now. If so, record must be called after it.
func (b *breaker) allow(destination string) bool {
	if b == nil || !b.IsClosed() && b.isExempt(destination) {
		return true
	}
	return b.waitFor(destination) == 0 && b.TryAcquirePermit()
}

// record counts a call. A refused message or destination, a pause, and a message to change that
// is gone count as success: the provider works. A failure counts as its destination's other
// failures determine; a failed probe always counts, or no other probe would be allowed.
func (b *breaker) record(destination string, o messenger.Outcome) {
	if b == nil {
		return
	}
	now, count := b.now(), 0
	b.mu.Lock()
	b.seen.add(destination, now)
	failed, opens := o.Kind == messenger.Unknown || o.Kind == messenger.Retry && !o.PreviousGone, false
	others := b.seen.others(destination, now)
	if failed {
		count = b.failing.add(destination, now, b.IsHalfOpen())
	}
	if b.failuresInRow++; !failed || others {
		b.failuresInRow = 0
	}
	if b.failuresInRow >= b.maxFailuresInRow && b.IsClosed() {
		opens, b.failuresInRow = true, 0
		b.failing.markCulprit(destination, now)
	}
	b.mu.Unlock()
	switch {
	case opens:
		b.Open()
		return
	case failed:
	case !b.IsClosed() && b.isExempt(destination):
		b.Close()
	default:
		b.RecordSuccess()
	}
	for range count {
		b.RecordFailure()
	}
}
