package pace

import "time"

// A View is how a key stood at one moment, as far as was known. The zero View is that
// of a key that nobody has called. It does not change, and is safe for concurrent use.
type View struct {
	line *known
	now  int64
}

// View looks at a key.
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

// When is the time at which a slot comes up: it can come to be later, never earlier. It
// is false where the slot is none, holds no longer, or has passed too long ago: then
// another must be reserved.
func (v View) When(s Slot) (time.Time, bool) {
	at, ok := v.seen().when(s, v.now)
	if !ok {
		return time.Time{}, false
	}
	return time.UnixMicro(at), true
}

// Missed says whether a slot has passed so long ago, a tenth of a second or an
// interval, that to use it would be too much beside the slots that others hold. It
// is not missed by who could not use it before from. Who missed one may reserve
// another in front: then the line is late by that much, and no limit is exceeded.
func (v View) Missed(s Slot, from time.Time) bool {
	return v.seen().missed(s, from.UnixMicro(), v.now)
}

// NextSlot is the time at which a slot that is reserved now would come up: one that is
// put in front would come sooner.
func (v View) NextSlot() time.Time { return time.UnixMicro(v.seen().nextSlot(v.now)) }

// A Status is how a key stands.
type Status struct {
	PausedUntil  time.Time // the zero time where it is not paused
	RefusedUntil time.Time // the zero time where it is not refused
	Code         string    // why the provider refused it; it stays until a call succeeds
	Probing      bool      // one sender tries now whether it still does
}

// Status says how the key stood.
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
