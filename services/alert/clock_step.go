package alert

import (
	"context"
	"time"
)

const (
	// clockSlack is how far the clocks of processes that share a ledger may differ, and how
	// far a clock may go back without notice.
	clockSlack = time.Second
	// markEvery is how often the ledger is told the time while it has work.
	markEvery = 10 * time.Second
)

// checkTime compares the clock with what the ledger was last told, when the process starts:
// where that is yet to come, the clock was ahead, and what was written by it would wait for
// as long.
func (c *Clock) checkTime(ctx context.Context) {
	now := c.now()
	last, err := c.dispatcher.MarkTime(ctx, now)
	if err != nil {
		c.log.Error("cannot ask the ledger for the time of the process before", "error", err)
		return
	}
	c.marked = now
	if ahead := last.Sub(now); ahead > clockSlack {
		c.putRight(ctx, ahead)
	}
}

// checkStep notices that the clock went back since the last round.
func (c *Clock) checkStep(ctx context.Context) {
	if back := c.round.Round(0).Sub(c.now().Round(0)); back > clockSlack {
		c.putRight(ctx, back)
		c.marked = time.Time{}
	}
}

// putRight lets what was written while the clock was ahead be due that much sooner.
func (c *Clock) putRight(ctx context.Context, ahead time.Duration) {
	n, err := c.dispatcher.PutRight(ctx, c.now(), ahead)
	if err != nil {
		c.log.Error("the clock was ahead, and what waits by it cannot be put right", "ahead", ahead, "error", err)
		return
	}
	c.log.Error("the clock was ahead and went back; what waits by it is due that much sooner", "ahead", ahead, "deliveries", n)
}

// markTime tells the ledger the time, once in a while.
func (c *Clock) markTime(ctx context.Context) {
	now := c.now()
	if since := now.Sub(c.marked); since >= 0 && since < markEvery {
		return
	}
	c.marked = now
	if _, err := c.dispatcher.MarkTime(ctx, now); err != nil {
		c.log.Warn("cannot tell the ledger the time", "error", err)
	}
}
