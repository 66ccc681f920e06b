package pace

import (
	"strings"
	"time"
)

// A Standing is the limiter state of a key, for display. Times that do not apply are
// zero.
type Standing struct {
	Status
	Key         string
	PerSecond   float64 // the rate limit; 0 if there is none
	NextSlot    time.Time
	PauseCode   string
	BrokenUntil time.Time
}

// Messenger returns the name of the key's messenger.
func (s Standing) Messenger() string {
	name, _, _ := strings.Cut(s.Key, ".")
	return name
}

// OfDestination reports whether the key is of a destination.
func (s Standing) OfDestination() bool {
	return strings.HasPrefix(s.Key, s.Messenger()+".destination.")
}

// List returns the cached state of every key that is not at rest.
func (p *Pacer) List() []Standing {
	now := p.micros()
	p.mu.Lock()
	all := make([]Standing, 0, len(p.lines))
	for id, k := range p.lines {
		if s := k.at(now).standing(id, now); !s.atRest() {
			all = append(all, s)
		}
	}
	p.mu.Unlock()
	return all
}

func (l *line) standing(id string, now int64) Standing {
	s := Standing{Status: l.status(now), Key: id}
	if l.Interval > 0 {
		s.PerSecond = float64(time.Second.Microseconds()) / float64(l.Interval)
		if next := l.nextSlot(now); next > now {
			s.NextSlot = time.UnixMicro(next)
		}
	}
	if !s.PausedUntil.IsZero() {
		s.PauseCode = l.PauseCode
	}
	if l.BrokenUntil > now {
		s.BrokenUntil = time.UnixMicro(l.BrokenUntil)
	}
	return s
}

func (s Standing) atRest() bool {
	return s.NextSlot.IsZero() && s.PausedUntil.IsZero() && s.BrokenUntil.IsZero() && s.Code == ""
}
