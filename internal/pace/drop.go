package pace

import (
	"context"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// DropSlots lets the lines of a messenger begin anew that hold slots later than soon, and
// farther apart than its keys need: a limit was raised, or is off. It returns how many
// those are. rate returns how fast a credential, or a destination, may be called now.
// Pauses and refusals stay.
func (p *Pacer) DropSlots(ctx context.Context, messenger string, rate func(destination bool) messenger.Rate, soon time.Duration) (n int, err error) {
	for _, id := range p.slow(messenger, rate, soon) {
		dropped := false
		err := p.change(ctx, id, func(l *line, now int64) bool {
			if dropped = l.slow(now, rate(Standing{Key: id}.OfDestination()), soon); dropped {
				l.dropSlots()
			}
			return dropped
		})
		if err != nil {
			return n, err
		}
		if dropped {
			n++
		}
	}
	return n, nil
}

// slow returns the keys whose lines DropSlots would let begin anew.
func (p *Pacer) slow(messenger string, rate func(destination bool) messenger.Rate, soon time.Duration) (ids []string) {
	now := p.micros()
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, k := range p.lines {
		if strings.HasPrefix(id, messenger+".") && k.slow(now, rate(Standing{Key: id}.OfDestination()), soon) {
			ids = append(ids, id)
		}
	}
	return ids
}

// slow reports whether a line holds slots later than soon, also behind a pause, that lie
// farther apart than a rate wants.
func (l *line) slow(now int64, rate messenger.Rate, soon time.Duration) bool {
	return l.Interval > rate.Interval().Microseconds() && l.nextSlot(now) > max(now, l.PausedUntil)+soon.Microseconds()
}

// dropSlots lets a line begin anew, but for pauses and refusals.
func (l *line) dropSlots() {
	*l = line{
		Life:       newLife(),
		PausedFrom: l.PausedFrom, PausedUntil: l.PausedUntil, Resume: l.PausedUntil, PauseCode: l.PauseCode,
		BrokenUntil: l.BrokenUntil, RefusedUntil: l.RefusedUntil, Code: l.Code, ProbeUntil: l.ProbeUntil,
	}
}
