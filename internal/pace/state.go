package pace

import (
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

const (
	// maxAhead is how far ahead slots are reserved. Beyond it callers retry later, so that
	// slots of canceled deliveries block others for no longer than that.
	maxAhead = 10 * time.Minute
	// lateReset is how long a slot stays valid after its time.
	lateReset = 5 * time.Second
	// missedAfter is how long after its time a slot may be used while others hold later slots,
	// or an interval if that is longer: a late call comes on top of theirs.
	missedAfter = 100 * time.Millisecond
	// insertGuard is the minimum time from now to an inserted slot: another sender may be about
	// to use an earlier one, before it sees the change.
	insertGuard = 50 * time.Millisecond
	// maxUrgentRun is the maximum number of urgent slots in a row while ordinary slots are
	// reserved; the next slot is an ordinary one.
	maxUrgentRun = 7
)

// A state is the limiter state of a key, shared by all senders. It is GCRA, the leaky
// bucket as a schedule, in microseconds, with slots that can be moved after they were
// reserved.
//
// Slots lie one interval apart. Urgent slots are inserted from Start on, at most
// maxUrgentRun in a row, and the ordinary slots there move back as far as needed: this is
// the run, and place computes it. A finished run is folded into a constant shift.
type state struct {
	Generation string // generation; slots of another generation are void
	Interval   int64  // between two slots
	Next       int64  // the next ordinary slot, without the run
	PauseShift int64  // shift of all slots by pauses
	RunShift   int64  // shift of ordinary slots by finished runs
	Start      int64  // of the run
	Urgent     int64  // urgent slots in the run; 0 means no run
	Phase      int64  // urgent slots in a row directly before the run
	Last       int64  // the last urgent slot of the previous run
	Streak     int64  // urgent slots in a row up to Last

	WriteTime    int64 // last write, by the clock of its sender; 0 if unknown
	PausedFrom   int64 // when the pause was set, by the clock of its sender; 0 if unknown
	PausedUntil  int64
	Resume       int64 // the first slot after the pause
	PauseCode    string
	BrokenUntil  int64  // an open breaker of a sender
	RefusedUntil int64  // set while Code is
	Code         string // the provider's code of the refusal
	ProbeUntil   int64  // deadline of the one sender that probes
}

// reserve reserves up to n slots: fewer when they reach the horizon.
func (l *state) reserve(now int64, rate messenger.Rate, n int, urgent bool) []Slot {
	l.setInterval(rate.Interval().Microseconds())
	l.endFinishedRun(now)
	tolerance := int64(max(rate.Burst, 1)-1) * l.Interval
	slots := make([]Slot, 0, n)
	for range n {
		if urgent {
			if s, ok := l.insertUrgent(now); ok {
				slots = append(slots, s)
				continue
			}
		}
		from := max(now, l.PausedUntil)
		x := max(l.Next, l.firstAtOrAfter(from))
		if l.position(x) > from+maxAhead.Microseconds() {
			break
		}
		l.Next = max(l.Next, x-tolerance) + l.Interval
		slots = append(slots, Slot{generation: l.Generation, at: x - l.PauseShift - l.RunShift})
	}
	return slots
}

// nextSlot returns the time of an ordinary slot that is reserved now.
func (l *state) nextSlot(now int64) int64 {
	as := *l
	as.endFinishedRun(now)
	return as.position(max(as.Next, as.firstAtOrAfter(max(now, as.PausedUntil))))
}

// insertUrgent inserts an urgent slot before the ordinary ones. It returns false if no ordinary
// slot is reserved.
func (l *state) insertUrgent(now int64) (Slot, bool) {
	from := max(now+insertGuard.Microseconds(), l.Resume)
	if l.Urgent == 0 {
		if l.Next <= from {
			return Slot{}, false
		}
		l.Start, l.Phase = l.Next-(l.Next-from)/l.Interval*l.Interval, 0
		if l.Start == l.Last+l.Interval {
			l.Phase = l.Streak // consecutive runs would starve ordinary slots, too
		}
	}
	l.Urgent++
	return Slot{generation: l.Generation, at: l.lastUrgent() - l.PauseShift, urgent: true}, true
}

// lastUrgent returns the time of the last urgent slot of the run.
func (l *state) lastUrgent() int64 {
	i := l.Urgent - 1
	return l.Start + (i+(i+l.Phase)/maxUrgentRun)*l.Interval
}

// position returns the time of an ordinary slot that would be at x without the run: behind
// the urgent slots, or between them.
func (l *state) position(x int64) int64 {
	if l.Urgent == 0 || x < l.Start {
		return x
	}
	j := (x - l.Start) / l.Interval
	moved := min((maxUrgentRun+1)*j+maxUrgentRun-l.Phase, j+l.Urgent) - j
	return x + moved*l.Interval
}

// firstAtOrAfter returns the first x whose place is not before from.
func (l *state) firstAtOrAfter(from int64) int64 {
	if l.Urgent == 0 || from <= l.Start {
		return from
	}
	steps := (from - l.Start + l.Interval - 1) / l.Interval
	j := max((steps+l.Phase)/(maxUrgentRun+1), steps-l.Urgent)
	return l.Start + j*l.Interval
}

// endFinishedRun ends a finished run. The times of later slots do not change.
func (l *state) endFinishedRun(now int64) {
	if l.Urgent > 0 && l.lastUrgent() < now {
		l.endRun()
	}
}

func (l *state) endRun() {
	l.Last, l.Streak = l.lastUrgent(), (l.Urgent-1+l.Phase)%maxUrgentRun+1
	l.RunShift += l.Urgent * l.Interval
	l.Next += l.Urgent * l.Interval
	l.Urgent = 0
}

// setInterval sets the interval of slots that are reserved from now on.
func (l *state) setInterval(interval int64) {
	if l.Interval != interval && l.Urgent > 0 {
		l.endRun()
	}
	l.Interval = interval
}

// pause moves all slots behind until, in order and at their rate, and reports whether the
// pause was extended.
func (l *state) pause(now, until int64) bool {
	from := max(now, l.PausedUntil)
	if until <= from {
		return false
	}
	l.endFinishedRun(now)
	by := until - from
	l.Next = max(l.Next, l.firstAtOrAfter(from)) + by
	l.Resume = until
	if l.Interval > 0 { // slots keep their phase, and the slot at from may be used already
		l.Resume += (l.Next-until-1)%l.Interval + 1
	}
	l.PauseShift += by
	l.Start += by
	l.Last += by
	l.PausedFrom, l.PausedUntil = now, until
	return true
}

// timeAt returns the time of a slot, or false if the slot is void and another must be
// reserved.
func (l *state) timeAt(s Slot, now int64) (int64, bool) {
	at, is := l.slotTime(s)
	return at, is && at > now-lateReset.Microseconds()
}

// missed reports whether a slot is too late to be used because others hold later slots.
// Time before from does not count.
func (l *state) missed(s Slot, from, now int64) bool {
	at, is := l.slotTime(s)
	return is && max(at, from) < now-max(missedAfter.Microseconds(), l.Interval) && l.position(l.Next) > at+l.Interval
}

// slotTime returns the time of a slot, past or future, or false if the slot is of another
// generation.
func (l *state) slotTime(s Slot) (at int64, is bool) {
	if s.IsZero() || s.generation != l.Generation {
		return 0, false
	}
	at = s.at + l.PauseShift
	if !s.urgent {
		at = l.position(at + l.RunShift)
	}
	return at, true
}

// isIdle reports whether the state can be deleted without loss.
func (l *state) isIdle(now int64) bool {
	return l.Code == "" && max(l.Next, l.PausedUntil) < now-lateReset.Microseconds() && (l.Urgent == 0 || l.lastUrgent() < now-lateReset.Microseconds())
}
