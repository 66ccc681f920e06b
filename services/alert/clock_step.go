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

// compareWithLedger compares the clock with the time last recorded in the ledger, when the
// process starts. If that time is in the future, the clock was ahead, and deliveries with
// times written by it would wait for as long.
func (l *DispatchLoop) compareWithLedger(ctx context.Context) {
	now := l.now()
	last, err := l.dispatcher.RecordTime(ctx, now)
	if err != nil {
		l.log.Error("clock step detection failed", "error", err)
		return
	}
	l.recorded = now
	if ahead := last.Sub(now); ahead > maxClockSkew {
		l.correctTimes(ctx, ahead)
	}
}

// detectStep detects a backward clock step since the last round.
func (l *DispatchLoop) detectStep(ctx context.Context) {
	if back := l.roundStart.Round(0).Sub(l.now().Round(0)); back > maxClockSkew {
		l.correctTimes(ctx, back)
		l.recorded = time.Time{}
	}
}

// correctTimes makes deliveries and leases that were written while the clock was ahead due
// earlier by that difference.
func (l *DispatchLoop) correctTimes(ctx context.Context, ahead time.Duration) {
	n, err := l.dispatcher.CorrectTimes(ctx, l.now(), ahead)
	if err != nil {
		l.log.Error("clock step correction failed; deliveries may be late", "ahead", ahead, "error", err)
		return
	}
	l.log.Error("clock stepped back; times of waiting deliveries corrected", "ahead", ahead, "deliveries", n)
}

// recordTime records the time in the ledger, at most once in recordTimeInterval.
func (l *DispatchLoop) recordTime(ctx context.Context) {
	now := l.now()
	if since := now.Sub(l.recorded); since >= 0 && since < recordTimeInterval {
		return
	}
	l.recorded = now
	if _, err := l.dispatcher.RecordTime(ctx, now); err != nil {
		l.log.Warn("recording the time failed", "error", err)
	}
}
