package group

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// How often providers are asked about addresses: users say where those calls go, and
// could look through a network by them.
const (
	verifyPerSecond = 5  // of this process, whatever the addresses
	verifyBurst     = 20 // at once after a rest
	// verifyWait is how long a call waits for its slot before it is refused.
	verifyWait = 5 * time.Second
)

// A verifyLimit paces VerifyUserAddress. Its zero value is ready, and it is safe for
// concurrent use.
type verifyLimit struct {
	once    sync.Once
	limiter *rate.Limiter
}

// wait waits for a slot, or returns fault.ErrUnavailable where that would take too long.
func (l *verifyLimit) wait(ctx context.Context, now time.Time) error {
	l.once.Do(func() { l.limiter = rate.NewLimiter(verifyPerSecond, verifyBurst) })
	slot := l.limiter.ReserveN(now, 1)
	delay := slot.DelayFrom(now)
	if delay > verifyWait {
		slot.CancelAt(now)
		return fmt.Errorf("too many addresses are verified at once, at most %d a second: %w", verifyPerSecond, fault.ErrUnavailable)
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
