package ratelimit

import "time"

// A KeyView is the cached state of a key at one moment. The zero KeyView is that of a key
// without calls. It is immutable and safe for concurrent use.
type KeyView struct {
	cached *cachedState
	now    int64
}

// View returns the current view of a key.
func (l *Limiter) View(key Key) KeyView {
	now := l.nowMicros()
	return KeyView{l.cached(key.ID).asOf(now), now}
}

func (v KeyView) current() *state {
	if v.cached == nil {
		return &emptyState.state
	}
	return &v.cached.state
}

// When returns the time of a slot: it can move later, never earlier. It returns false if
// the slot is zero, void, or passed too long ago: then another must be reserved.
func (v KeyView) When(s Slot) (time.Time, bool) {
	at, ok := v.current().timeAt(s, v.now)
	if !ok {
		return time.Time{}, false
	}
	return time.UnixMicro(at), true
}

// Missed reports whether a slot passed so long ago, the longer of a tenth of a second and
// an interval, that a call would exceed the limit together with the slots that others
// hold. Time before from, in which the caller could not use it, does not count. After a
// missed slot an urgent one may be reserved: it moves all later slots by an interval, and
// no limit is exceeded.
func (v KeyView) Missed(s Slot, from time.Time) bool {
	return v.current().missed(s, from.UnixMicro(), v.now)
}

// NextSlot returns the time of an ordinary slot that is reserved now; an urgent one comes
// earlier.
func (v KeyView) NextSlot() time.Time { return time.UnixMicro(v.current().nextSlot(v.now)) }

// A KeyStatus is the pause and the refusal of a key.
type KeyStatus struct {
	PausedUntil  time.Time // zero if the key is not paused
	RefusedUntil time.Time // zero if the key is not refused
	Code         string    // the code of the refusal; kept until a call succeeds
	Probing      bool      // a process is probing the key
}

// Status returns the status of the key at that moment.
func (v KeyView) Status() KeyStatus { return v.current().status(v.now) }

func (st *state) status(now int64) KeyStatus {
	s := KeyStatus{Code: st.Code, Probing: st.ProbeUntil > now}
	if st.PausedUntil > now {
		s.PausedUntil = time.UnixMicro(st.PausedUntil)
	}
	if st.RefusedUntil > now {
		s.RefusedUntil = time.UnixMicro(st.RefusedUntil)
	}
	return s
}
