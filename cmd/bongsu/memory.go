package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// leastGrowth is how many bytes the heap may grow by at least before it is collected. Go
// would let it grow by as much as is in use, which is some ten megabytes, whatever waits
// in the ledger: a tenth of the work of a busy process would be to collect it.
const leastGrowth = 32 << 20

// leastPercent and mostPercent bound how much that is of what is in use. An alert to
// 100,000 has a hundred megabytes in use for a moment.
const leastPercent, mostPercent = 50, 400

// lookEvery is how often a process is looked at for having come to rest, and restLooks how
// many times in a row it must have allocated less than restGrowth since the look before.
const lookEvery, restLooks, restGrowth = time.Second, 2, 1 << 20

// worthGiving is how many bytes must have been allocated since memory was last given back:
// at rest it is given back as seldom as Go would collect, and so much more is held at most.
const worthGiving = 8 << 20

// useMemory lets the heap grow further than Go would while it is small, and gives back what
// it grew by when the process comes to rest, unless GOGC says how far it may grow. What it
// gives ends that, and waits for its end.
func useMemory(ctx context.Context) (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	(&collector{live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}).adjust()

	ctx, end := context.WithCancel(ctx)
	look := time.NewTicker(lookEvery)
	var g sync.WaitGroup
	g.Go(func() { giveBack(ctx, look.C) })
	return func() { end(); g.Wait(); look.Stop() }
}

// A collector adjusts itself after each collection to what that left in use.
type collector struct {
	live    []metrics.Sample
	percent int
}

func (c *collector) adjust() {
	metrics.Read(c.live)
	if percent := percentOf(c.live[0].Value.Uint64()); percent != c.percent {
		c.percent = percent
		debug.SetGCPercent(percent)
	}
	runtime.AddCleanup(new([64]byte), (*collector).adjust, c) // when this is collected, all is
}

// percentOf is how far a heap may grow of which so many bytes are in use, in percent.
func percentOf(live uint64) int {
	return int(min(max(leastPercent, leastGrowth*100/max(1, live)), mostPercent))
}

// giveBack looks at what has been allocated until ctx ends, and collects and gives back to
// the machine what a process that has come to rest no longer uses.
func giveBack(ctx context.Context, look <-chan time.Time) {
	allocated := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	var r rest
	for {
		select {
		case <-ctx.Done():
			return
		case <-look:
		}
		metrics.Read(allocated)
		if r.worth(allocated[0].Value.Uint64()) {
			debug.FreeOSMemory()
		}
	}
}

// A rest is what is known of how busy a process is.
type rest struct {
	seen  uint64 // had been allocated by the last look
	given uint64 // had been when memory was last given back
	looks int    // in a row that saw little
}

// worth says whether memory is to be given back now that so many bytes have been allocated
// in all.
func (r *rest) worth(allocated uint64) bool {
	r.looks++
	if allocated-r.seen >= restGrowth {
		r.looks = 0
	}
	r.seen = allocated
	if r.looks < restLooks || allocated-r.given < worthGiving {
		return false
	}
	r.given = allocated
	return true
}
