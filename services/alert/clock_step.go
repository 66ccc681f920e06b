package alert

import (
	"context"
	"time"
)

const (
	// maxClockSkew is the maximum clock skew between processes that share a ledger, and the
	// maximum backward clock step that is ignored.
	maxClockSkew = time.Second
	// recordTimeInterval is how often the time is recorded in the ledger while there is work.
	recordTimeInterval = 10 * time.Second
)

// compareWithLedger compares the clock with the time last recorded in the ledger, when the process
// starts. If that time is in the future, the clock was ahead, and deliveries with times
// written by it would wait for as long.
func (c *DispatchLoop) compareWithLedger(ctx context.Context) {
	now := c.now()
	last, err := c.dispatcher.RecordTime(ctx, now)
	if err != nil {
		c.log.Error("clock step detection failed", "error", err)
		return
	}
	c.recorded = now
	if ahead := last.Sub(now); ahead > maxClockSkew {
		c.correctTimes(ctx, ahead)
	}
}

// detectStep detects a backward clock step since the last round.
func (c *DispatchLoop) detectStep(ctx context.Context) {
	if back := c.roundStart.Round(0).Sub(c.now().Round(0)); back > maxClockSkew {
		c.correctTimes(ctx, back)
		c.recorded = time.Time{}
	}
}

// correctTimes makes deliveries and leases that were written while the clock was ahead due
// earlier by that difference.
func (c *DispatchLoop) correctTimes(ctx context.Context, ahead time.Duration) {
	n, err := c.dispatcher.CorrectTimes(ctx, c.now(), ahead)
	if err != nil {
		c.log.Error("clock step correction failed; deliveries may be late", "ahead", ahead, "error", err)
		return
	}
	c.log.Error("clock stepped back; times of waiting deliveries corrected", "ahead", ahead, "deliveries", n)
}

// recordTime records the time in the ledger, at most once in recordTimeInterval.
func (c *DispatchLoop) recordTime(ctx context.Context) {
	now := c.now()
	if since := now.Sub(c.recorded); since >= 0 && since < recordTimeInterval {
		return
	}
	c.recorded = now
	if _, err := c.dispatcher.RecordTime(ctx, now); err != nil {
		c.log.Warn("recording the time failed", "error", err)
	}
}
