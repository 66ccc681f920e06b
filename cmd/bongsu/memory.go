package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// leastGrowth is how many bytes the heap may grow by at least before it is collected. Go
// would let it grow by as much as is in use, which is some ten megabytes, whatever waits
// in the ledger: a tenth of the work of a busy process would be to collect it.
const leastGrowth = 32 << 20

// leastPercent and mostPercent bound how much that is of what is in use. An alert to
// 100,000 has a hundred megabytes in use for a moment.
const leastPercent, mostPercent = 50, 400

// useMemory lets the heap grow further than Go would while it is small, unless GOGC says
// how far.
func useMemory() {
	if os.Getenv("GOGC") == "" {
		(&collector{live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}).adjust()
	}
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
