package sender

import (
	"sync/atomic"
	"time"
)

const (
	// stockTime is how long a claim batch keeps the workers busy. Its deliveries share a
	// commit: a larger batch costs less for each. But it delays claims of more urgent
	// deliveries, and a delivery that waits for a worker misses its slot after a tenth of
	// a second: half a batch more may wait.
	stockTime = 35 * time.Millisecond
	// mostStock is the maximum size, in deliveries per worker.
	mostStock = 8
	// recent is the number of calls over which the duration of a call is averaged.
	recent = 64
)

// A stock determines the size of a claim batch. It is safe for concurrent use; its zero
// value has no calls recorded.
type stock struct{ took atomic.Int64 }

// saw records the duration of a call, 0 for none. It must not be called concurrently.
func (s *stock) saw(took time.Duration) {
	switch before := s.took.Load(); {
	case took <= 0:
	case before == 0:
		s.took.Store(took.Nanoseconds())
	default:
		s.took.Store(max(1, before+(took.Nanoseconds()-before)/recent))
	}
}

// size returns as many deliveries as the workers call in stockTime, but at least one per
// worker, and no more before a call is recorded.
func (s *stock) size(workers int) int {
	took := s.took.Load()
	if took <= 0 {
		return workers
	}
	return min(max(workers, int(int64(workers)*stockTime.Nanoseconds()/took)), mostStock*workers)
}
