package sender

import (
	"sync/atomic"
	"time"
)

const (
	// claimBatchTime is how long a claim batch keeps the workers busy. Its deliveries share a
	// commit: a larger batch costs less for each. But it delays claims of more urgent
	// deliveries, and a delivery that waits for a worker misses its slot after a tenth of
	// a second: half a batch more may wait.
	claimBatchTime = 35 * time.Millisecond
	// maxPerWorker is the maximum size, in deliveries per worker.
	maxPerWorker = 8
	// averageCalls is the number of calls over which the duration of a call is averaged.
	averageCalls = 64
)

// A claimBatchSizer determines the size of a claim batch: the report stage observes calls,
// the take and schedule stages read the size. It is safe for concurrent use.
type claimBatchSizer struct {
	workers int
	took    atomic.Int64 // average duration of a call, in nanoseconds; 0 before the first
}

// observe records the duration of a call, 0 for none. It must not be called concurrently.
func (b *claimBatchSizer) observe(took time.Duration) {
	switch before := b.took.Load(); {
	case took <= 0:
	case before == 0:
		b.took.Store(took.Nanoseconds())
	default:
		b.took.Store(max(1, before+(took.Nanoseconds()-before)/averageCalls))
	}
}

// size returns as many deliveries as the workers call in claimBatchTime, but at least one per
// worker, and no more before a call is recorded.
func (b *claimBatchSizer) size() int {
	took := b.took.Load()
	if took <= 0 {
		return b.workers
	}
	return min(max(b.workers, int(int64(b.workers)*claimBatchTime.Nanoseconds()/took)), maxPerWorker*b.workers)
}
