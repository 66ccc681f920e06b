package alert

import (
	"context"
	"log/slog"
	"time"
)

// MinRetention is the minimum retention of a ledger: a repeated request under its
// idempotency key must find its alert.
const MinRetention = 2 * IdempotencyKeyTTL

const (
	// deleteRows is how many rows are deleted in one transaction. For about three
	// milliseconds it may block requests that accept, claim and report. A smaller number
	// costs more per row, because each transaction is committed; a larger one blocks
	// concurrent requests for longer.
	deleteRows = 200
	// deletePauseFactor and minDeletePause are the pause after a deletion:
	// deletePauseFactor times as long as it may have blocked other transactions, and at
	// least minDeletePause. So a tenth of the time is for deletion. This must suffice for
	// more than is accepted in a day, or the ledger grows without limit. On two cores it
	// suffices for some 2,000 deliveries a second, 170 million a day. At the maximum
	// throughput of deliveries it suffices for a quarter of them with PostgreSQL on the
	// same cores, and for a half with SQLite; the rest is deleted at times of lower load.
	// The time that a deletion waits for other transactions does not count, or a higher
	// load would slow down deletion.
	deletePauseFactor, minDeletePause = 9, 10 * time.Millisecond
	// deleteInterval is how often the ledger is queried for alerts that have become old
	// enough.
	deleteInterval = time.Minute
	// deleteRetryInterval is how often alerts that were old enough but not completed are
	// examined again.
	deleteRetryInterval = time.Hour
)

// A RetentionLoop deletes alerts at the end of their retention, in small transactions, while
// it runs.
type RetentionLoop struct {
	Deleter   Deleter
	Retention time.Duration  // how long alerts are kept after they are completed; at least MinRetention
	OnDelete  func(Deletion) // is called after each deletion
	Now       func() time.Time
	Log       *slog.Logger

	last    int64     // alerts up to this id were examined
	began   time.Time // when the first of them was
	deleted Deletion  // since the last log message
}

// Run runs until ctx ends.
func (l *RetentionLoop) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			timer.Reset(l.deleteNext(ctx))
		case <-ctx.Done():
			l.logDeleted()
			return nil
		}
	}
}

// deleteNext deletes up to about deleteRows rows, and returns the wait until the next
// deletion.
func (l *RetentionLoop) deleteNext(ctx context.Context) time.Duration {
	now := l.Now()
	if now.Sub(l.began) >= deleteRetryInterval {
		l.last, l.began = 0, now
	}
	d, err := l.Deleter.DeleteCompleted(ctx, l.last, now.Add(-l.Retention), deleteRows)
	if err != nil {
		if ctx.Err() == nil {
			l.Log.Error("deleting completed alerts failed", "error", err)
		}
		return deleteInterval
	}
	l.last = d.Last
	if d.Alerts+d.Deliveries > 0 {
		l.deleted.Alerts += d.Alerts
		l.deleted.Deliveries += d.Deliveries
		l.deleted.Attempts += d.Attempts
		l.OnDelete(d)
	}
	if !d.More {
		l.logDeleted()
		return deleteInterval
	}
	return max(deletePauseFactor*d.Took, minDeletePause)
}

// logDeleted logs the deletions since the last log message.
func (l *RetentionLoop) logDeleted() {
	if l.deleted != (Deletion{}) {
		l.Log.Info("deleted completed alerts", "alerts", l.deleted.Alerts, "deliveries", l.deleted.Deliveries, "attempts", l.deleted.Attempts)
	}
	l.deleted = Deletion{}
}
