package pace

import (
	"context"
	"time"
)

// Know makes sure that a key is known as it stands, so that When and Status speak
// of what others did before this process began.
func (p *Pacer) Know(ctx context.Context, key Key) error {
	_, err := p.see(ctx, key.ID)
	return err
}

// Reserve gives up to n slots of a key, in the order of its line. Urgent ones are
// put in front of what waits, but leave every eighth slot to it. Where it gives
// fewer than n, the line is too long: ask again later. Where it fails, nothing may
// be called.
func (p *Pacer) Reserve(ctx context.Context, key Key, n int, urgent bool) (slots []Slot, err error) {
	err = p.change(ctx, key.ID, func(l *line, now int64) bool {
		slots = l.reserve(now, key.Rate, n, urgent)
		return len(slots) > 0
	})
	if err != nil {
		return nil, err
	}
	return slots, nil
}

// NextSlot is the time at which a slot that is reserved now comes up, as far as is known:
// one that is put in front comes sooner.
func (p *Pacer) NextSlot(key Key) time.Time {
	k := p.look(key.ID)
	return time.UnixMicro(k.nextSlot(p.micros()))
}

// When is the time at which a slot comes up, as far as is known now: it can come
// to be later, never earlier. It is false where the slot is none, holds no longer,
// or has passed too long ago: then another must be reserved.
func (p *Pacer) When(key Key, s Slot) (time.Time, bool) {
	k := p.look(key.ID)
	at, ok := k.when(s, p.micros())
	if !ok {
		return time.Time{}, false
	}
	return time.UnixMicro(at), true
}

// Missed says whether a slot has passed so long ago, a tenth of a second or an
// interval, that to use it would be too much beside the slots that others hold. It
// is not missed by who could not use it before from. Who missed one may reserve
// another in front: then the line is late by that much, and no limit is exceeded.
func (p *Pacer) Missed(key Key, s Slot, from time.Time) bool {
	k := p.look(key.ID)
	return k.missed(s, from.UnixMicro(), p.micros())
}

// Horizon is a time at which a key whose line is too long may be asked again.
func (p *Pacer) Horizon() time.Time { return p.now().Add(horizon / 2) }

// Pause lets nobody call a key until then: all slots move behind it, in order. code
// is the provider's word for it.
func (p *Pacer) Pause(ctx context.Context, key Key, until time.Time, code string) error {
	return p.change(ctx, key.ID, func(l *line, now int64) bool {
		news := l.pause(now, until.UnixMicro())
		if news {
			l.PauseCode = code
		}
		return news
	})
}

// Broken tells that a sender's breaker is open until then, for people to see.
func (p *Pacer) Broken(ctx context.Context, key Key, until time.Time) error {
	return p.change(ctx, key.ID, func(l *line, now int64) bool {
		news := l.BrokenUntil <= now
		l.BrokenUntil = until.UnixMicro()
		return news
	})
}

// A Status is how a key stands.
type Status struct {
	PausedUntil  time.Time // the zero time where it is not paused
	RefusedUntil time.Time // the zero time where it is not refused
	Code         string    // why the provider refused it; it stays until a call succeeds
	Probing      bool      // one sender tries now whether it still does
}

// Status says how a key stands, as far as is known now.
func (p *Pacer) Status(key Key) Status {
	k := p.look(key.ID)
	return k.status(p.micros())
}

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

// Refuse marks a key whose provider refuses it, until then. news says that nobody
// had marked it since it was refused last.
func (p *Pacer) Refuse(ctx context.Context, key Key, code string, until time.Time) (news bool, err error) {
	err = p.change(ctx, key.ID, func(l *line, now int64) bool {
		news = l.RefusedUntil <= now
		l.Code, l.RefusedUntil, l.ProbeUntil = code, until.UnixMicro(), 0
		return news
	})
	return news && err == nil, err
}

// Probe asks for the right to call a key once whose refusal is over, until then;
// one sender has it at a time.
func (p *Pacer) Probe(ctx context.Context, key Key, until time.Time) (mine bool, err error) {
	err = p.change(ctx, key.ID, func(l *line, now int64) bool {
		mine = l.Code != "" && l.RefusedUntil <= now && l.ProbeUntil <= now
		l.ProbeUntil = until.UnixMicro()
		return mine
	})
	return mine && err == nil, err
}

// Accept takes back a refusal: the provider takes the key again.
func (p *Pacer) Accept(ctx context.Context, key Key) error {
	return p.change(ctx, key.ID, func(l *line, _ int64) bool {
		is := l.Code != ""
		l.Code, l.RefusedUntil, l.ProbeUntil = "", 0, 0
		return is
	})
}
