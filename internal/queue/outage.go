package queue

import (
	"log/slog"
	"sync"
	"time"
)

// outageQuiet is how long all lanes must have worked for an outage to be over.
const outageQuiet = 3 * time.Second

// An outage is a time in which lanes fail. It is logged when it begins and when it is
// over, with how often lanes failed: all lanes fail together, and each of them again
// until the broker is back. It is safe for concurrent use.
type outage struct {
	log *slog.Logger

	mu       sync.Mutex
	failing  map[lane]bool
	failures int
	begin    time.Time
	over     *time.Timer // logs the end; nil where there is no outage
	closed   bool
}

// A lane is a messenger's lane of a rank.
type lane struct{ messenger, rank string }

func newOutage(log *slog.Logger) *outage { return &outage{log: log, failing: map[lane]bool{}} }

// failed takes note that a lane failed.
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
	o.log.Warn("jobs cannot be taken from the queue, trying again until they can", "messenger", l.messenger, "rank", l.rank, "error", err)
	o.begin = time.Now()
	o.over = time.AfterFunc(outageQuiet, o.end)
	o.over.Stop()
}

// works takes note that a lane takes jobs, or takes none any more.
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

// close logs nothing any more.
func (o *outage) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed = true; o.over != nil {
		o.over.Stop()
	}
}
