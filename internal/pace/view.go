package pace

import "time"

// A View is the cached state of a key at one moment. The zero View is that of a key
// without calls. It is immutable and safe for concurrent use.
type View struct {
	line *known
	now  int64
}

// View returns the current view of a key.
func (p *Pacer) View(key Key) View {
	now := p.micros()
	return View{p.look(key.ID).at(now), now}
}

func (v View) seen() *line {
	if v.line == nil {
		return &nothing.line
	}
	return &v.line.line
}

// When returns the time of a slot: it can move later, never earlier. It returns false if
// the slot is zero, void, or passed too long ago: then another must be reserved.
func (v View) When(s Slot) (time.Time, bool) {
	at, ok := v.seen().when(s, v.now)
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
func (v View) Missed(s Slot, from time.Time) bool {
	return v.seen().missed(s, from.UnixMicro(), v.now)
}

// NextSlot returns the time of an ordinary slot that is reserved now; an urgent one comes
// earlier.
func (v View) NextSlot() time.Time { return time.UnixMicro(v.seen().nextSlot(v.now)) }

// A Status is the pause and the refusal of a key.
type Status struct {
	PausedUntil  time.Time // zero if the key is not paused
	RefusedUntil time.Time // zero if the key is not refused
	Code         string    // the provider's code of the refusal; kept until a call succeeds
	Probing      bool      // a sender is probing the key
}

// Status returns the status of the key at that moment.
func (v View) Status() Status { return v.seen().status(v.now) }

func (l *line) status(now int64) Status {
	s := Status{Code: l.Code, Probing: l.ProbeUntil > now}
	if l.PausedUntil > now {
		s.PausedUntil = time.UnixMicro(l.PausedUntil)
	}
	if l.RefusedUntil > now {
		s.RefusedUntil = time.UnixMicro(l.RefusedUntil)
	}
	return s
}
