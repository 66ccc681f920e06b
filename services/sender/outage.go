package sender

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// outageQuiet is how long no lane must have failed for an outage to be over.
const outageQuiet = 3 * time.Second

// An outage is a time in which lanes cannot ask for slots. All of them cannot together: it
// is logged when the first cannot, and when one can again a while after the last could not,
// with how often they could not. It is safe for concurrent use.
type outage struct {
	log *slog.Logger

	on       atomic.Bool // there is one
	mu       sync.Mutex
	failures int
	last     time.Time // when one failed
}

// failed takes note that a lane could not ask.
func (o *outage) failed(lane string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failures++; o.on.CompareAndSwap(false, true) {
		o.log.Warn("limiter state cannot be asked for slots; jobs wait until it can", "messenger", lane, "error", err)
	}
	o.last = time.Now()
}

// works takes note that a lane could.
func (o *outage) works() {
	if !o.on.Load() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Since(o.last) > outageQuiet && o.on.CompareAndSwap(true, false) {
		o.log.Info("limiter state gives slots again", "failures", o.failures)
		o.failures = 0
	}
}
