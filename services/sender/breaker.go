package sender

import (
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// A BreakerConfig says when a credential is left alone for a while because the
// calls under it fail.
type BreakerConfig struct {
	// Percent of failed calls opens it, of at least so many Calls, where there are several
	// destinations; 0 means never. Where there is one, nobody else suffers from its
	// failures: it opens after so many Calls in a row have failed.
	Percent int
	Calls   int
	Open    time.Duration // how long, before one call is let through
}

const (
	// breakerWindow is how far back calls are counted.
	breakerWindow = 10 * time.Second
	// breakerLife is how long the breaker of a credential is kept that is not used.
	breakerLife = 10 * time.Minute
	// breakerSweep is how often those are looked for.
	breakerSweep = time.Minute
	// probeWait is how long deliveries wait for one that tries whether the provider
	// is back.
	probeWait = 500 * time.Millisecond
)

// A breaker is that of one credential, in this process.
type breaker struct {
	circuitbreaker.CircuitBreaker[any]
	used      time.Time
	now       func() time.Time
	mostInRow int // calls that may fail in a row to the only destination, before it opens

	mu      sync.Mutex
	failing failing
	seen    seen
	row     int // calls to the only destination that failed in a row
}

// breakers are those of one messenger.
type breakers struct {
	config  BreakerConfig
	now     func() time.Time
	changed func(key, from, to string)

	mu    sync.Mutex
	byKey map[string]*breaker
	swept time.Time
}

// of gives the breaker of a credential; nil where none is wanted.
func (b *breakers) of(key string) *breaker {
	if b.config.Percent == 0 || key == "" {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	one, is := b.byKey[key]
	if !is {
		b.sweep(now)
		one = &breaker{now: b.now, mostInRow: b.config.Calls, failing: failing{}, CircuitBreaker: circuitbreaker.NewBuilder[any]().
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

// sweep drops the breakers that were not used for long, once in a while: it looks at all of
// them. mu must be held.
func (b *breakers) sweep(now time.Time) {
	if since := now.Sub(b.swept); since >= 0 && since < breakerSweep {
		return
	}
	b.swept = now
	for id, old := range b.byKey {
		if now.Sub(old.used) > breakerLife {
			delete(b.byKey, id)
		}
	}
}

// closedIn is how long the breaker stays open; 0 where calls may be tried.
func (b *breaker) closedIn() time.Duration {
	if b == nil || !b.IsOpen() {
		return 0
	}
	return b.RemainingDelay()
}

// waitOf is how long a call to a destination must wait; 0 where it may be tried.
// While it is tried whether the provider is back, one that was tried for that and
// failed makes way for others.
func (b *breaker) waitOf(destination string) time.Duration {
	if b == nil || b.IsClosed() || b.spares(destination) {
		return 0
	}
	open := b.closedIn()
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.now(); b.failing.probed(destination, now, b.seen.others(destination, now)) {
		return max(open, probeWait)
	}
	return open
}

// spares says that nothing is known against a destination: another one alone has
// opened the breaker, when there were no others. If the calls to this one go well, it
// was not the provider.
func (b *breaker) spares(destination string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failing.only(b.now()) && !b.failing.has(destination)
}

// let says whether a call may be made now. Where it may, record must follow.
func (b *breaker) let(destination string) bool {
	if b == nil || !b.IsClosed() && b.spares(destination) {
		return true
	}
	return b.waitOf(destination) == 0 && b.TryAcquirePermit()
}

// record counts a call. That a message or a destination is refused, or that the
// provider asks to wait, shows that it works. Of failures those count that failing
// says; that of a probe always does, or no other would be let through.
func (b *breaker) record(destination string, kind messenger.Kind) {
	if b == nil {
		return
	}
	now, count := b.now(), 0
	b.mu.Lock()
	b.seen.add(destination, now)
	failed, dead := kind == messenger.Retry || kind == messenger.Unknown, false
	others := b.seen.others(destination, now)
	if failed {
		count = b.failing.add(destination, now, b.IsHalfOpen())
	}
	if b.row++; !failed || others {
		b.row = 0
	}
	if b.row >= b.mostInRow && b.IsClosed() {
		dead, b.row = true, 0
		b.failing.convict(destination, now)
	}
	b.mu.Unlock()
	switch {
	case dead:
		b.Open()
		return
	case failed:
	case !b.IsClosed() && b.spares(destination):
		b.Close()
	default:
		b.RecordSuccess()
	}
	for range count {
		b.RecordFailure()
	}
}
