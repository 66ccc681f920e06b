package alert

import (
	"context"
	"time"
)

const (
	// clockSlack is the maximum clock skew between processes that share a ledger, and the
	// maximum backward clock step that is ignored.
	clockSlack = time.Second
	// markEvery is how often the time is recorded in the ledger while there is work.
	markEvery = 10 * time.Second
)

// checkTime compares the clock with the time last recorded in the ledger, when the process
// starts. If that time is in the future, the clock was ahead, and deliveries with times
// written by it would wait for as long.
func (c *Clock) checkTime(ctx context.Context) {
	now := c.now()
	last, err := c.dispatcher.MarkTime(ctx, now)
	if err != nil {
		c.log.Error("clock step detection failed", "error", err)
		return
	}
	c.marked = now
	if ahead := last.Sub(now); ahead > clockSlack {
		c.putRight(ctx, ahead)
	}
}

// checkStep detects a backward clock step since the last round.
func (c *Clock) checkStep(ctx context.Context) {
	if back := c.round.Round(0).Sub(c.now().Round(0)); back > clockSlack {
		c.putRight(ctx, back)
		c.marked = time.Time{}
	}
}

// putRight makes deliveries and leases that were written while the clock was ahead due
// earlier by that difference.
func (c *Clock) putRight(ctx context.Context, ahead time.Duration) {
	n, err := c.dispatcher.PutRight(ctx, c.now(), ahead)
	if err != nil {
		c.log.Error("clock step correction failed; deliveries may be late", "ahead", ahead, "error", err)
		return
	}
	c.log.Error("clock stepped back; times of waiting deliveries corrected", "ahead", ahead, "deliveries", n)
}

// markTime records the time in the ledger, at most once in markEvery.
func (c *Clock) markTime(ctx context.Context) {
	now := c.now()
	if since := now.Sub(c.marked); since >= 0 && since < markEvery {
		return
	}
	c.marked = now
	if _, err := c.dispatcher.MarkTime(ctx, now); err != nil {
		c.log.Warn("recording the time failed", "error", err)
	}
}
