package ratelimit

import "time"

// A KeyReport is the limiter state of a key, for display. Times that do not apply are
// zero.
type KeyReport struct {
	KeyStatus
	Key         string
	PerSecond   float64 // the rate limit; 0 if there is none
	NextSlot    time.Time
	PauseCode   string
	BrokenUntil time.Time
}

// Report returns the cached state of every key that is not at rest.
func (l *Limiter) Report() []KeyReport {
	now := l.nowMicros()
	l.mu.Lock()
	all := make([]KeyReport, 0, len(l.states))
	for id, c := range l.states {
		if r := c.asOf(now).report(id, now); !r.isIdle() {
			all = append(all, r)
		}
	}
	l.mu.Unlock()
	return all
}

func (st *state) report(id string, now int64) KeyReport {
	r := KeyReport{KeyStatus: st.status(now), Key: id}
	if st.Interval > 0 {
		r.PerSecond = float64(time.Second.Microseconds()) / float64(st.Interval)
		if next := st.nextSlot(now); next > now {
			r.NextSlot = time.UnixMicro(next)
		}
	}
	if !r.PausedUntil.IsZero() {
		r.PauseCode = st.PauseCode
	}
	if st.BrokenUntil > now {
		r.BrokenUntil = time.UnixMicro(st.BrokenUntil)
	}
	return r
}

func (r KeyReport) isIdle() bool {
	return r.NextSlot.IsZero() && r.PausedUntil.IsZero() && r.BrokenUntil.IsZero() && r.Code == ""
}
