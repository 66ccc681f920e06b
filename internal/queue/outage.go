package queue

import (
	"log/slog"
	"sync"
	"time"
)

// outageQuiet is how long all lanes must work before an outage ends.
const outageQuiet = 3 * time.Second

// An outage is a time in which lanes fail. It is logged once at its begin and once at its
// end, with the number of failures: all lanes fail together, and each fails repeatedly
// until the broker is back. It is safe for concurrent use.
type outage struct {
	log *slog.Logger

	mu       sync.Mutex
	failing  map[lane]bool
	failures int
	begin    time.Time
	over     *time.Timer // logs the end; nil before the first outage
	closed   bool
}

// A lane identifies the queue messages of one messenger and rank.
type lane struct{ messenger, rank string }

func newOutage(log *slog.Logger) *outage { return &outage{log: log, failing: map[lane]bool{}} }

// failed records a failure of a lane.
func (o *outage) failed(l lane, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.failing[l] = true
	if o.failures++; o.failures > 1 {
		o.over.Stop()
		return
	}
	o.log.Warn("jobs cannot be taken from the queue, retrying", "messenger", l.messenger, "rank", l.rank, "error", err)
	o.begin = time.Now()
	o.over = time.AfterFunc(outageQuiet, o.end)
	o.over.Stop()
}

// works records that a lane works, or has stopped.
func (o *outage) works(l lane) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if delete(o.failing, l); o.failures > 0 && len(o.failing) == 0 && !o.closed {
		o.over.Reset(outageQuiet)
	}
}

func (o *outage) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.failures == 0 || len(o.failing) > 0 {
		return
	}
	o.log.Info("jobs are taken from the queue again", "failures", o.failures, "after", time.Since(o.begin).Round(time.Millisecond))
	o.failures = 0
}

// close stops all logging.
func (o *outage) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed = true; o.over != nil {
		o.over.Stop()
	}
}
