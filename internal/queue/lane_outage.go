package queue

import (
	"log/slog"
	"sync"
	"time"
)

// outageEndAfter is how long all lanes must work before an outage ends.
const outageEndAfter = 3 * time.Second

// A laneOutage is a time in which lanes fail. It is logged once at its begin and once at its
// end, with the number of failures: all lanes fail together, and each fails repeatedly
// until the broker is back. It is safe for concurrent use.
type laneOutage struct {
	log *slog.Logger

	mu       sync.Mutex
	failing  map[laneID]bool
	failures int
	begin    time.Time
	endTimer *time.Timer // logs the end; nil before the first outage
	closed   bool
}

// A laneID identifies the queue messages of one messenger and rank.
type laneID struct{ messenger, rank string }

func newLaneOutage(log *slog.Logger) *laneOutage {
	return &laneOutage{log: log, failing: map[laneID]bool{}}
}

// fail records a failure of a lane.
func (o *laneOutage) fail(l laneID, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.failing[l] = true
	if o.failures++; o.failures > 1 {
		o.endTimer.Stop()
		return
	}
	o.log.Warn("jobs cannot be taken from the queue, retrying", "messenger", l.messenger, "rank", l.rank, "error", err)
	o.begin = time.Now()
	o.endTimer = time.AfterFunc(outageEndAfter, o.end)
	o.endTimer.Stop()
}

// recover records that a lane works, or has stopped.
func (o *laneOutage) recover(l laneID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if delete(o.failing, l); o.failures > 0 && len(o.failing) == 0 && !o.closed {
		o.endTimer.Reset(outageEndAfter)
	}
}

// end logs the end of the outage, unless lanes fail again.
func (o *laneOutage) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.failures == 0 || len(o.failing) > 0 {
		return
	}
	o.log.Info("jobs are taken from the queue again", "failures", o.failures, "after", time.Since(o.begin).Round(time.Millisecond))
	o.failures = 0
}

// close stops all logging.
func (o *laneOutage) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed = true; o.endTimer != nil {
		o.endTimer.Stop()
	}
}
