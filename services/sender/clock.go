package sender

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// maxClockSkew is the allowed clock skew between a sender and the alert service.
	maxClockSkew = time.Second
	// clockInterval is the interval of clock comparisons, and the timeout of one.
	clockInterval = 5 * time.Second
)

// A Clock is the clock of a sender. While its skew to the alert service exceeds a second,
// it returns the alert service's time, so that slots, pauses and claims mean the same
// everywhere. The skew is logged, and the sender is not ready, because other parts still
// use the wrong clock. A Clock is safe for concurrent use.
type Clock struct {
	now    func() time.Time
	log    *slog.Logger
	shared bool          // with the alert service, without skew
	again  chan struct{} // holds a value if Follow must compare again at once

	mu   sync.Mutex
	skew time.Duration // how far it is ahead of the alert service; 0 if the skew is allowed
}

// NewClock returns a clock that reads now.
func NewClock(now func() time.Time, log *slog.Logger) *Clock {
	return &Clock{now: now, log: log, again: make(chan struct{}, 1)}
}

// SharedClock returns the clock of a sender in the process of the alert service, which
// reads the same clock: no comparison is needed.
func SharedClock(now func() time.Time) *Clock { return &Clock{now: now, shared: true} }

// Now returns the current time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.skew == 0 {
		return c.now()
	}
	return c.now().Add(-c.skew)
}

// Check returns nil if the clock agrees with the alert service's, or an error with the
// skew.
func (c *Clock) Check(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.skew == 0 {
		return nil
	}
	return fault.Unavailablef("sender clock is %s ahead of the alert service clock, correct it", c.skew.Round(time.Millisecond))
}

// local returns the time of the local clock.
func (c *Clock) local() time.Time { return c.now() }

// compare updates the skew by the time of the alert service, which was read between sent
// and received, both by the local clock. The duration of the call does not count as skew.
// A call during which the local clock was set back is ignored, and Follow compares again.
func (c *Clock) compare(sent, theirs, received time.Time) {
	if c.shared || theirs.IsZero() { // an older alert service, without a time
		return
	}
	sent, received = sent.Round(0), received.Round(0) // wall clock only
	if received.Before(sent) {
		select {
		case c.again <- struct{}{}:
		default:
		}
		return
	}
	skew := sent.Add(received.Sub(sent) / 2).Sub(theirs)
	if theirs.Sub(received) <= maxClockSkew && sent.Sub(theirs) <= maxClockSkew {
		skew = 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case skew != 0 && c.skew == 0:
		c.log.Error("sender clock differs from the alert service clock, using the latter; not ready until corrected", "ahead", skew)
	case skew == 0 && c.skew != 0:
		c.log.Info("sender clock agrees with the alert service clock again")
	}
	c.skew = skew
}

// A TimeSource returns the time of the alert service.
type TimeSource interface {
	// Time returns the time of the alert service.
	Time(ctx context.Context) (time.Time, error)
}

// Follow compares the clock with the alert service's until ctx ends.
func (c *Clock) Follow(ctx context.Context, service TimeSource) error {
	if c.shared {
		return nil
	}
	ticker := time.NewTicker(clockInterval)
	defer ticker.Stop()
	for {
		c.CompareOnce(ctx, service)
		select {
		case <-ticker.C:
		case <-c.again:
		case <-ctx.Done():
			return nil
		}
	}
}

// CompareOnce compares the clock once, if the alert service responds within clockInterval.
func (c *Clock) CompareOnce(ctx context.Context, service TimeSource) {
	if c.shared {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, clockInterval)
	defer cancel()
	sent := c.local()
	theirs, err := service.Time(ctx)
	if err != nil {
		return // logged elsewhere
	}
	c.compare(sent, theirs, c.local())
}
