package sender

import "time"

// maxFailingDestinations is the maximum number of failing destinations that are kept. Each
// failure of a further one counts: by then more than one recipient fails.
const maxFailingDestinations = 256

// failingDestinations holds the destinations whose calls failed within the window, each with
// its first failure, so that the failures of one recipient do not count as failures of the
// provider: a destination counts once per window, and a single one, among others or alone,
// not at all.
type failingDestinations map[string]failure

// A failure is the first failed call to a destination in the window.
type failure struct {
	at      time.Time
	counted bool // as a failure of the provider
	probe   bool // it was a probe
}

// add records a failed call, and returns how many failures are to be counted: its own,
// and that of the destination that was the only one before. A probe always counts.
func (f failingDestinations) add(destination string, now time.Time, probe bool) (count int) {
	for old, one := range f {
		if now.Sub(one.at) > breakerWindow {
			delete(f, old)
		}
	}
	_, again := f[destination]
	full := !again && len(f) >= maxFailingDestinations
	switch {
	case probe && !full:
		f[destination] = failure{at: now, counted: true, probe: true}
		return 1
	case probe || full:
		return 1
	case again:
		return 0
	}
	f[destination] = failure{at: now}
	if len(f) == 1 {
		return 0
	}
	for d, one := range f {
		if !one.counted {
			one.counted = true
			f[d] = one
			count++
		}
	}
	return count
}

// markCulprit records that a single destination has opened the breaker.
func (f failingDestinations) markCulprit(destination string, now time.Time) {
	f[destination] = failure{at: now, counted: true}
}

// isSingle reports whether a single destination failed within the window, and its failure
// counts.
func (f failingDestinations) isSingle(now time.Time) bool {
	for _, one := range f {
		return len(f) == 1 && one.counted && now.Sub(one.at) <= breakerWindow
	}
	return false
}

// has reports whether a destination failed.
func (f failingDestinations) has(destination string) bool {
	_, ok := f[destination]
	return ok
}

// failedProbe reports whether the probe of a destination failed within the window, and other
// destinations can be probed instead.
func (f failingDestinations) failedProbe(destination string, now time.Time, others bool) bool {
	one, ok := f[destination]
	return ok && one.probe && now.Sub(one.at) <= breakerWindow && (others || len(f) > 1)
}

// recentDestinations holds the last two destinations that were called.
type recentDestinations [2]struct {
	destination string
	at          time.Time
}

// add records a call.
func (r *recentDestinations) add(destination string, now time.Time) {
	if r[0].destination != destination {
		r[1] = r[0]
	}
	r[0].destination, r[0].at = destination, now
}

// others reports whether other destinations were called recently.
func (r *recentDestinations) others(than string, now time.Time) bool {
	for _, one := range r {
		if one.destination != than && !one.at.IsZero() && now.Sub(one.at) <= breakerIdleTTL {
			return true
		}
	}
	return false
}
