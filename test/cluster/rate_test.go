package cluster

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	// window is the time over which a rate is measured.
	window = time.Second
	// step is the time between two windows.
	step = window / 10
	// enough is the share of the rate before a fault at which it is over.
	enough = 0.7
)

// A dip is the course of a rate during a fault.
type dip struct {
	before, lowest float64 // per second
	// took is the time from the fault to the first window, from the lowest one on, with enough
	// of the rate before. It is 0 if there was always enough.
	took  time.Duration
	found bool // there is such a window
	// below is the longest time without enough of the rate before.
	below time.Duration
}

// dipOf returns the course of a rate. Events count from start; the fault is made at fault, and
// the load ends at end.
func dipOf(events []time.Time, start, fault, end time.Time) dip {
	count := func(from, until time.Time) (n float64) {
		for _, at := range events {
			if !at.Before(from) && at.Before(until) {
				n++
			}
		}
		return n
	}
	d := dip{before: count(start, fault) / fault.Sub(start).Seconds()}
	d.lowest = d.before
	since := fault // all windows from here on have too little
	for at := fault; !at.Add(window).After(end); at = at.Add(step) {
		rate := count(at, at.Add(window)) / window.Seconds()
		if rate >= enough*d.before {
			since = at.Add(step)
		}
		d.below = max(d.below, at.Add(step).Sub(since))
		if rate < d.lowest {
			d.lowest, d.found = rate, false
		}
		if !d.found && rate >= enough*d.before {
			d.took, d.found = at.Sub(fault), true
		}
	}
	if d.lowest >= enough*d.before {
		d.took, d.found = 0, true
	}
	return d
}

// reached reports whether there is enough of a rate in the last window, beside the time from
// start until fault.
func reached(events []time.Time, start, fault time.Time) bool {
	now := time.Now()
	d := dipOf(events, start, fault, now)
	recent := dipOf(events, now.Add(-window), now, now)
	return recent.before >= enough*d.before
}

// callTimes records the times of the calls that the mockup prints. It is safe for concurrent
// use.
type callTimes struct {
	mu    sync.Mutex
	times []time.Time
}

// Write counts the calls in the mockup's output.
func (c *callTimes) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for range bytes.Count(b, []byte("Content-Type: ")) {
		c.times = append(c.times, now)
	}
	return len(b), nil
}

// count returns the number of calls.
func (c *callTimes) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.times)
}

// all returns the times of all calls.
func (c *callTimes) all() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.times)
}

// TestDipOf checks the lowest rate and the time of recovery.
func TestDipOf(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		name       string
		gap        [2]time.Duration // without events, after the fault
		lowest     float64
		took, more time.Duration // at least, and at most so much more
		below      time.Duration
		found      bool
	}{
		{"no gap", [2]time.Duration{}, 20, 0, 0, 0, true},
		{"a short gap", [2]time.Duration{time.Second, 1200 * time.Millisecond}, 16, 0, 0, 0, true},
		{"a gap", [2]time.Duration{time.Second, 4 * time.Second}, 0, 3600 * time.Millisecond, 200 * time.Millisecond, 3300 * time.Millisecond, true},
		{"to the end", [2]time.Duration{time.Second, time.Minute}, 0, 0, time.Hour, 8700 * time.Millisecond, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			fault := start.Add(5 * time.Second)
			end := fault.Add(10 * time.Second)
			var events []time.Time
			for at := start; at.Before(end); at = at.Add(time.Second / 20) {
				if since := at.Sub(fault); since < c.gap[0] || since >= c.gap[1] {
					events = append(events, at)
				}
			}
			d := dipOf(events, start, fault, end)
			if d.before != 20 || d.lowest != c.lowest || d.found != c.found || d.took < c.took || d.took > c.took+c.more || d.below != c.below {
				t.Errorf("the dip is %+v", d)
			}
		})
	}
}
