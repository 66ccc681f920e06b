package monitor

import (
	"hash/fnv"
	"time"
)

// firstDue returns when a monitor is checked next: at its phase, or soon if its last check is
// missing.
func firstDue(m Monitor, now time.Time) time.Time {
	set := m.Settings
	due := nextDue(set.Name, set.Interval, now)
	if last := m.Status.Last.Time; last.IsZero() || now.Sub(last) > set.Interval {
		soon := now.Add(time.Duration(PhaseOf(set.Name) % uint64(min(set.Interval, firstTime))))
		if soon.Before(due) {
			return soon
		}
	}
	return due
}

// nextDue returns the first time after now that is at the phase of a monitor: the same in each
// interval, in each process, and different for each name.
func nextDue(name string, interval time.Duration, now time.Time) time.Time {
	phase := int64(time.Duration(PhaseOf(name) % uint64(interval)).Truncate(time.Microsecond)) // as times are stored
	passed := (now.UnixNano() - phase) / int64(interval)
	return time.Unix(0, (passed+1)*int64(interval)+phase).UTC()
}

// PhaseOf returns a hash of a name: modulo an interval it is when in the interval the monitor is due.
func PhaseOf(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	v := h.Sum64()
	return v ^ v>>32
}

// A dueHeap is a heap of entries by due.
type dueHeap []*entry

// Len implements heap.Interface.
func (h dueHeap) Len() int { return len(h) }

// Less implements heap.Interface.
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }

// Swap implements heap.Interface.
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *dueHeap) Push(x any) {
	e := x.(*entry)
	e.index = len(*h)
	*h = append(*h, e)
}

// Pop implements heap.Interface.
func (h *dueHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
