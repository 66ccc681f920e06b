package directory

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// The rate limit of verification: users choose where those calls go, and could scan a
// network with them.
const (
	verifyPerSecond = 5  // per process, whatever the addresses
	verifyBurst     = 20 // requests after a rest
	// verifyWait is the longest wait for a slot before a call is refused.
	verifyWait = 5 * time.Second
)

// A verifyLimit is the rate limiter of VerifyUserAddress. Its zero value is ready for
// use, and it is safe for concurrent use.
type verifyLimit struct {
	once    sync.Once
	limiter *rate.Limiter
}

// wait waits for a slot, or returns fault.ErrUnavailable if that would take too long.
func (l *verifyLimit) wait(ctx context.Context, now time.Time) error {
	l.once.Do(func() { l.limiter = rate.NewLimiter(verifyPerSecond, verifyBurst) })
	slot := l.limiter.ReserveN(now, 1)
	delay := slot.DelayFrom(now)
	if delay > verifyWait {
		slot.CancelAt(now)
		err := fault.Unavailablef("verification rate limit of %d/s exceeded; try again", verifyPerSecond)
		return fault.WithReason(fault.WithDelay(err, delay.Round(time.Second)), "VERIFICATION_LIMIT_EXCEEDED")
	}
	if delay <= 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		slot.CancelAt(now)
		return ctx.Err()
	}
}
