package pace

import (
	"strings"
	"time"
)

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

// Messenger returns the name of the key's messenger.
func (s KeyReport) Messenger() string {
	name, _, _ := strings.Cut(s.Key, ".")
	return name
}

// IsDestination reports whether the key is of a destination.
func (s KeyReport) IsDestination() bool {
	return strings.HasPrefix(s.Key, s.Messenger()+".destination.")
}

// Report returns the cached state of every key that is not at rest.
func (p *Limiter) Report() []KeyReport {
	now := p.nowMicros()
	p.mu.Lock()
	all := make([]KeyReport, 0, len(p.states))
	for id, k := range p.states {
		if s := k.asOf(now).report(id, now); !s.isIdle() {
			all = append(all, s)
		}
	}
	p.mu.Unlock()
	return all
}

func (l *state) report(id string, now int64) KeyReport {
	s := KeyReport{KeyStatus: l.status(now), Key: id}
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

func (s KeyReport) isIdle() bool {
	return s.NextSlot.IsZero() && s.PausedUntil.IsZero() && s.BrokenUntil.IsZero() && s.Code == ""
}
