package sender

import (
	"sync/atomic"
	"time"
)

const (
	// stockTime is how long what is claimed at once keeps the workers busy. What is
	// claimed together shares a commit: the more, the less each costs. But it keeps what is
	// more urgent from being claimed meanwhile, and what waits for a worker comes too late
	// for its slot after a tenth of a second: half as much again may wait.
	stockTime = 35 * time.Millisecond
	// mostStock bounds it, in deliveries for each worker.
	mostStock = 8
	// recent is how many of the last calls count for how long a call takes.
	recent = 64
)

// A stock says how many deliveries are claimed at once. It is safe for concurrent use;
// the zero stock has seen no calls.
type stock struct{ took atomic.Int64 }

// saw takes note of how long a call took, 0 for none. One caller at a time.
func (s *stock) saw(took time.Duration) {
	switch before := s.took.Load(); {
	case took <= 0:
	case before == 0:
		s.took.Store(took.Nanoseconds())
	default:
		s.took.Store(max(1, before+(took.Nanoseconds()-before)/recent))
	}
}

// size is as many deliveries as so many workers call in stockTime, but at least one for
// each, and no more until calls were seen.
func (s *stock) size(workers int) int {
	took := s.took.Load()
	if took <= 0 {
		return workers
	}
	return min(max(workers, int(int64(workers)*stockTime.Nanoseconds()/took)), mostStock*workers)
}
