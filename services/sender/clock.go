package sender

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/internal/fault"
)

const (
	// mostSkew is how far the clocks of a sender and the alert service may differ.
	mostSkew = time.Second
	// askTime is how often the alert service is asked for its time.
	askTime = 5 * time.Second
)

// A Clock is the clock of a sender. While it differs by more than a second from that of the
// alert service it goes by that one, so that slots, pauses and claims mean the same to all;
// that is logged, and the sender is not ready: other things still go by the wrong clock. A
// Clock is safe for concurrent use.
type Clock struct {
	now    func() time.Time
	log    *slog.Logger
	shared bool          // with the alert service: there is no skew
	again  chan struct{} // holds one where Follow must compare at once

	mu   sync.Mutex
	skew time.Duration // how far it is ahead of the alert service; 0 where that is not much
}

// NewClock returns a clock that goes by now.
func NewClock(now func() time.Time, log *slog.Logger) *Clock {
	return &Clock{now: now, log: log, again: make(chan struct{}, 1)}
}

// SharedClock returns the clock of a sender in the process of the alert service, which goes
// by the same clock: it is compared with nothing.
func SharedClock(now func() time.Time) *Clock { return &Clock{now: now, shared: true} }

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.skew == 0 {
		return c.now()
	}
	return c.now().Add(-c.skew)
}

// Check returns nil where the clock agrees with the alert service's, or else by how much it
// does not.
func (c *Clock) Check(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.skew == 0 {
		return nil
	}
	return fmt.Errorf("the sender's clock is %s ahead of the alert service's: put it right: %w", c.skew.Round(time.Millisecond), fault.ErrUnavailable)
}

// raw is the time as the machine has it.
func (c *Clock) raw() time.Time { return c.now() }

// compare takes note of the time of the alert service, which it told between sent and
// received, both as raw tells them. What the call may have taken is not held against the
// clock. A call during which the clock went back tells nothing, and Follow asks again.
func (c *Clock) compare(sent, theirs, received time.Time) {
	if c.shared || theirs.IsZero() { // an alert service from before it told
		return
	}
	sent, received = sent.Round(0), received.Round(0) // as the wall has them
	if received.Before(sent) {
		select {
		case c.again <- struct{}{}:
		default:
		}
		return
	}
	skew := sent.Add(received.Sub(sent) / 2).Sub(theirs)
	if theirs.Sub(received) <= mostSkew && sent.Sub(theirs) <= mostSkew {
		skew = 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case skew != 0 && c.skew == 0:
		c.log.Error("the sender's clock is not that of the alert service; it goes by that one, and is not ready until it is put right", "ahead", skew)
	case skew == 0 && c.skew != 0:
		c.log.Info("the sender's clock agrees with that of the alert service again")
	}
	c.skew = skew
}

// A TimeTeller tells the time of the alert service.
type TimeTeller interface {
	// Time answers with the time of the alert service.
	Time(ctx context.Context) (time.Time, error)
}

// Follow compares the clock with that of the alert service until ctx ends.
func (c *Clock) Follow(ctx context.Context, service TimeTeller) error {
	if c.shared {
		return nil
	}
	ticker := time.NewTicker(askTime)
	defer ticker.Stop()
	for {
		c.Ask(ctx, service)
		select {
		case <-ticker.C:
		case <-c.again:
		case <-ctx.Done():
			return nil
		}
	}
}

// Ask compares the clock once, where the alert service answers soon.
func (c *Clock) Ask(ctx context.Context, service TimeTeller) {
	if c.shared {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	sent := c.raw()
	theirs, err := service.Time(ctx)
	if err != nil {
		return // that it does not answer is said elsewhere
	}
	c.compare(sent, theirs, c.raw())
}
