package cli

import (
	"context"
	"runtime/metrics"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestPercentOf(t *testing.T) {
	for live, want := range map[uint64]int{
		0:                 mostPercent, // before the first collection
		1 << 20:           mostPercent,
		minHeapGrowth / 2: 200,
		minHeapGrowth:     100,
		1 << 40:           leastPercent,
	} {
		if got := percentOf(live); got != want {
			t.Errorf("of %d bytes: %d %%, want %d", live, got, want)
		}
	}
}

func TestReleaseDecision(t *testing.T) {
	const little, much = restGrowth - 1, minRelease
	for name, test := range map[string]struct {
		grew []uint64 // allocated bytes in each interval
		want []int    // indexes of the ticks that release memory
	}{
		"busy, then idle":       {[]uint64{much, 0, 0, 0, 0}, []int{2}},
		"always busy":           {[]uint64{much, 0, restGrowth, 0, much, 0, much}, nil},
		"little allocated":      {[]uint64{0, minRelease - 2, 0, 1, 0}, nil},
		"just enough allocated": {[]uint64{0, minRelease - 1, 0, 1, 0}, []int{3}},
		"busy and idle, twice":  {[]uint64{much, 0, 0, 0, much, much, little, little, 0}, []int{2, 7}},
		"much, in small steps":  {slices.Repeat([]uint64{minRelease / 16}, 40), []int{15, 31}},
	} {
		t.Run(name, func(t *testing.T) {
			var d idleDetector
			var allocated uint64
			var got []int
			for look, grew := range test.grew {
				if allocated += grew; d.shouldRelease(allocated) {
					got = append(got, look)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("released at ticks %v, want %v", got, test.want)
			}
		})
	}
}

// TestMemoryIsReleased checks that memory of garbage is returned to the operating system.
func TestMemoryIsReleased(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	look := make(chan time.Time)
	var g sync.WaitGroup
	defer g.Wait()
	defer end()
	g.Go(func() { releaseIdleMemory(ctx, look) })

	const size = 64 << 20
	used := make([]byte, size)
	clear(used)
	before := held()
	look <- time.Now() // the first tick
	for range restLooks + 1 {
		look <- time.Now() // further ticks; a tick is received only after the previous one is handled
	}
	if now := held(); now > before-size/2 {
		t.Errorf("the heap holds %d MiB, and held %d", now>>20, before>>20)
	}
}

// held returns the bytes that the heap holds from the operating system.
func held() uint64 {
	classes := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(classes)
	var sum uint64
	for _, c := range classes {
		sum += c.Value.Uint64()
	}
	return sum
}
