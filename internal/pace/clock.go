package pace

import (
	"log/slog"
	"sync"
	"time"
)

const (
	// clockSlack is how far the clocks of senders may differ: a line that was written
	// later than that from now was written by a clock that is wrong, or ours is.
	clockSlack = 5 * time.Second
	// mostPause bounds how long a pause lasts: longer than any that a provider may ask for.
	mostPause = 366 * 24 * time.Hour
	// faultEvery is how often it is logged at most that lines begin anew.
	faultEvery = time.Minute
)

// ahead reports whether the line speaks of a time that no clock can have told that is
// right now: it was written in the future, or, where that is not known, its next slot lies
// farther ahead than slots are given.
func (l *line) ahead(now int64) bool {
	if l.Wrote != 0 {
		return l.Wrote > now+clockSlack.Microseconds()
	}
	// An urgent run may move ordinary slots by as much as it is long.
	return l.Next > max(now, l.PausedUntil)+2*(horizon.Microseconds()+l.Interval)+l.Urgent*l.Interval ||
		l.PausedUntil > now+mostPause.Microseconds()
}

// restart lets a line that is ahead begin anew. Its slots hold no longer. A pause that was
// told by the same clock lasts as long as the provider asked for, from now; one that was
// told before, as it was told. A refused credential is tried again.
func (l *line) restart(now int64) {
	fresh := line{Code: l.Code}
	until := l.PausedUntil
	if l.PausedFrom > now+clockSlack.Microseconds() {
		until = now + l.PausedUntil - l.PausedFrom
	}
	if until > now && until <= now+mostPause.Microseconds() {
		fresh.PausedFrom, fresh.PausedUntil, fresh.Resume, fresh.PauseCode = now, until, until, l.PauseCode
	}
	*l = fresh
}

// at returns the line as it is to be read now: anew where it is ahead.
func (k *known) at(now int64) *known {
	if !k.ahead(now) {
		return k
	}
	anew := *k
	anew.restart(now)
	return &anew
}

// faults logs that lines begin anew, not at each of them: after a clock was put right all
// do. It is safe for concurrent use.
type faults struct {
	log *slog.Logger

	mu     sync.Mutex
	logged time.Time
	more   int // since it was logged
}

func (f *faults) add(id string, ahead time.Duration, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if since := now.Sub(f.logged); since >= 0 && since < faultEvery {
		f.more++
		return
	}
	f.log.Error("limiter state comes from a clock that was ahead, beginning it anew: are the clocks of all senders and of the alert service right?",
		"key", id, "ahead", ahead, "others_before", f.more)
	f.logged, f.more = now, 0
}
