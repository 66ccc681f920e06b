package edge

import "time"

// windowSeconds is the time in which refusals are counted toward a ban.
const windowSeconds = 10

// A refusalWindow counts the refusals of an address in the last windowSeconds, by seconds.
type refusalWindow struct {
	latest int64                 // Unix second of the last refusal
	counts [windowSeconds]uint32 // by Unix second
}

// add counts a refusal and returns the number of refusals in the window.
func (w *refusalWindow) add(now time.Time) int {
	second := now.Unix()
	for s := max(w.latest+1, second-windowSeconds+1); s <= second; s++ {
		w.counts[s%windowSeconds] = 0
	}
	w.latest = max(w.latest, second)
	w.counts[w.latest%windowSeconds]++
	total := 0
	for _, n := range w.counts {
		total += int(n)
	}
	return total
}
