package sender

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// outageQuiet is how long no pipeline may fail before an outage ends.
const outageQuiet = 3 * time.Second

// A slotOutage is a time in which pipelines cannot reserve slots. They fail together: it is
// logged once at the first failure, and once at a success outageQuiet after the last
// failure, with the number of failures. It is safe for concurrent use.
type slotOutage struct {
	log *slog.Logger

	ongoing  atomic.Bool
	mu       sync.Mutex
	failures int
	last     time.Time // last failure
}

// fail records that a pipeline could not reserve slots.
func (o *slotOutage) fail(messenger string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failures++; o.ongoing.CompareAndSwap(false, true) {
		o.log.Warn("cannot reserve slots, jobs wait until the limiter state is available", "messenger", messenger, "error", err)
	}
	o.last = time.Now()
}

// recover records that a pipeline could reserve slots.
func (o *slotOutage) recover() {
	if !o.ongoing.Load() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Since(o.last) > outageQuiet && o.ongoing.CompareAndSwap(true, false) {
		o.log.Info("slots can be reserved again", "failures", o.failures)
		o.failures = 0
	}
}
