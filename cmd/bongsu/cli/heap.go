package cli

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// minHeapGrowth is the minimum number of bytes by which the heap may grow between
// collections. Go's default is the live heap, some 10 MB whatever the backlog, and a
// busy process would spend a tenth of its CPU time on collection. With 100,000 queued
// deliveries the process stays below 200 MiB.
const minHeapGrowth = 64 << 20

// leastPercent and mostPercent bound the growth in percent of the live heap. An alert
// to 100,000 recipients has 100 MB live for a moment.
const leastPercent, mostPercent = 50, 800

// startTime is the time in which the heap grows by Go's default. The permanent allocations of the
// start would otherwise be scattered among 60 MB of garbage, and their spans would stay half
// empty: 4 MB of an idle process.
const startTime = 2 * time.Second

// lookEvery, restLooks and restGrowth define an idle process: it allocated less than
// restGrowth bytes in each of restLooks intervals of lookEvery in a row.
const lookEvery, restLooks, restGrowth = time.Second, 2, 1 << 20

// minRelease is the minimum number of allocated bytes between two releases of memory.
// It keeps releases as rare as Go's own collections, and bounds the memory that an idle
// process holds.
const minRelease = 8 << 20

// useMemory sets the growth of the heap after startTime, and releases memory to the operating system
// when the process is idle. It does nothing if GOGC is set. stop ends the release loop
// and waits for it.
func useMemory(ctx context.Context) (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	started := time.AfterFunc(startTime, (&collector{live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}).adjust)

	ctx, end := context.WithCancel(ctx)
	look := time.NewTicker(lookEvery)
	var g sync.WaitGroup
	g.Go(func() { releaseIdleMemory(ctx, look.C) })
	return func() { started.Stop(); end(); g.Wait(); look.Stop() }
}

// A collector sets GC percent after each collection from the live heap.
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
	runtime.AddCleanup(new([64]byte), (*collector).adjust, c) // runs at the next collection
}

// percentOf returns the GC percent for a heap with so many live bytes.
func percentOf(live uint64) int {
	return int(min(max(leastPercent, minHeapGrowth*100/max(1, live)), mostPercent))
}

// releaseIdleMemory checks allocations on each tick until ctx is done, and releases memory when
// the process is idle.
func releaseIdleMemory(ctx context.Context, look <-chan time.Time) {
	allocated := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	var d idleDetector
	for {
		select {
		case <-ctx.Done():
			return
		case <-look:
		}
		metrics.Read(allocated)
		if d.shouldRelease(allocated[0].Value.Uint64()) {
			runtime.GC() // the first of two collections that a sync.Pool takes to release its buffers
			debug.FreeOSMemory()
		}
	}
}

// An idleDetector detects that a process is idle.
type idleDetector struct {
	seen  uint64 // allocated bytes at the last tick
	given uint64 // allocated bytes at the last release
	looks int    // idle ticks in a row
}

// shouldRelease reports whether to release memory; allocated is the total of allocated bytes.
func (d *idleDetector) shouldRelease(allocated uint64) bool {
	d.looks++
	if allocated-d.seen >= restGrowth {
		d.looks = 0
	}
	d.seen = allocated
	if d.looks < restLooks || allocated-d.given < minRelease {
		return false
	}
	d.given = allocated
	return true
}
