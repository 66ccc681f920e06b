package ratelimit

import (
	"time"
)

const (
	// maxAhead is how far ahead slots are reserved. Beyond it callers retry later, so that
	// slots of canceled calls block others for no longer than that.
	maxAhead = 10 * time.Minute
	// lateReset is how long a slot stays valid after its time.
	lateReset = 5 * time.Second
	// missedAfter is how long after its time a slot may be used while others hold later slots,
	// or an interval if that is longer: a late call comes on top of theirs.
	missedAfter = 100 * time.Millisecond
	// insertGuard is the minimum time from now to an inserted slot: another process may be about
	// to use an earlier one, before it sees the change.
	insertGuard = 50 * time.Millisecond
	// maxUrgentRun is the maximum number of urgent slots in a row while ordinary slots are
	// reserved; the next slot is an ordinary one.
	maxUrgentRun = 7
)

// A state is the limiter state of a key, shared by all processes. It is GCRA, the leaky
// bucket as a schedule, in microseconds, with slots that can be moved after they were
// reserved.
//
// Slots lie one interval apart. Urgent slots are inserted from Start on, at most
// maxUrgentRun in a row, and the ordinary slots there move back as far as needed: this is
// the run, and position computes it. A finished run is folded into a constant shift.
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

	SlowInterval int64 // between the slots that were reserved before the rate limit was raised
	SlowUntil    int64 // end of these slots, like Next; 0 if there are none

	WriteTime    int64 // last write, by the clock of its writer; 0 if unknown
	PausedFrom   int64 // when the pause was set, by the clock of its writer; 0 if unknown
	PausedUntil  int64
	Resume       int64 // the first slot after the pause
	PauseCode    string
	BrokenUntil  int64  // an open breaker of a process
	RefusedUntil int64  // set while Code is
	Code         string // the code of the refusal
	ProbeUntil   int64  // deadline of the one process that probes
}

// reserve reserves up to n slots: fewer when they reach the horizon.
func (st *state) reserve(now int64, rate Rate, n int, urgent bool) []Slot {
	st.setInterval(now, rate.Interval().Microseconds())
	st.endFinishedRun(now)
	tolerance := int64(max(rate.Burst, 1)-1) * st.Interval
	slots := make([]Slot, 0, n)
	for range n {
		if urgent {
			if s, ok := st.insertUrgent(now); ok {
				slots = append(slots, s)
				continue
			}
		}
		from := max(now, st.PausedUntil)
		x := max(st.Next, st.firstAtOrAfter(from))
		if st.position(x) > from+maxAhead.Microseconds() {
			break
		}
		st.Next = max(st.Next, x-tolerance) + st.Interval
		slots = append(slots, Slot{generation: st.Generation, at: x - st.PauseShift - st.RunShift})
	}
	return slots
}

// nextSlot returns the time of an ordinary slot that is reserved now.
func (st *state) nextSlot(now int64) int64 {
	as := *st
	as.endFinishedRun(now)
	return as.position(max(as.Next, as.firstAtOrAfter(max(now, as.PausedUntil))))
}

// insertUrgent inserts an urgent slot before the ordinary ones. It returns false if no ordinary
// slot is reserved.
func (st *state) insertUrgent(now int64) (Slot, bool) {
	from := max(now+insertGuard.Microseconds(), st.Resume)
	if st.Urgent == 0 {
		if st.Next <= from {
			return Slot{}, false
		}
		st.Start, st.Phase = st.Next-(st.Next-from)/st.Interval*st.Interval, 0
		if st.Start == st.Last+st.Interval {
			st.Phase = st.Streak // consecutive runs would starve ordinary slots, too
		}
	}
	st.Urgent++
	return Slot{generation: st.Generation, at: st.lastUrgent() - st.PauseShift, urgent: true}, true
}

// lastUrgent returns the time of the last urgent slot of the run.
func (st *state) lastUrgent() int64 {
	i := st.Urgent - 1
	return st.Start + (i+(i+st.Phase)/maxUrgentRun)*st.Interval
}

// position returns the time of an ordinary slot that would be at x without the run: behind
// the urgent slots, or between them.
func (st *state) position(x int64) int64 {
	if st.Urgent == 0 || x < st.Start {
		return x
	}
	j := (x - st.Start) / st.Interval
	moved := min((maxUrgentRun+1)*j+maxUrgentRun-st.Phase, j+st.Urgent) - j
	return x + moved*st.Interval
}

// firstAtOrAfter returns the first x whose place is not before from.
func (st *state) firstAtOrAfter(from int64) int64 {
	if st.Urgent == 0 || from <= st.Start {
		return from
	}
	steps := (from - st.Start + st.Interval - 1) / st.Interval
	j := max((steps+st.Phase)/(maxUrgentRun+1), steps-st.Urgent)
	return st.Start + j*st.Interval
}

// endFinishedRun ends a finished run. The times of later slots do not change.
func (st *state) endFinishedRun(now int64) {
	if st.Urgent > 0 && st.lastUrgent() < now {
		st.endRun()
	}
}

func (st *state) endRun() {
	st.Last, st.Streak = st.lastUrgent(), (st.Urgent-1+st.Phase)%maxUrgentRun+1
	st.RunShift += st.Urgent * st.Interval
	st.Next += st.Urgent * st.Interval
	if st.SlowUntil != 0 {
		st.SlowUntil += st.Urgent * st.Interval
	}
	st.Urgent = 0
}

// setInterval sets the interval of slots that are reserved from now on. If it is shorter, the
// earlier slots are recorded as slow ones.
func (st *state) setInterval(now, interval int64) {
	if st.SlowUntil != 0 && st.SlowUntil <= now {
		st.SlowInterval, st.SlowUntil = 0, 0
	}
	if st.Interval == interval {
		return
	}
	if st.Urgent > 0 {
		st.endRun()
	}
	if st.Interval > interval && st.Next > now {
		st.recordSlow(st.Next)
	}
	st.Interval = interval
}

// recordSlow records that the slots until a time are of the present interval or a longer one.
func (st *state) recordSlow(until int64) {
	st.SlowInterval, st.SlowUntil = max(st.SlowInterval, st.Interval), max(st.SlowUntil, until)
}

// pause moves all slots behind until, in order and at their rate, and reports whether the
// pause was extended.
func (st *state) pause(now, until int64) bool {
	from := max(now, st.PausedUntil)
	if until <= from {
		return false
	}
	st.endFinishedRun(now)
	by := until - from
	st.Next = max(st.Next, st.firstAtOrAfter(from)) + by
	if st.SlowUntil != 0 {
		st.SlowUntil += by
	}
	st.Resume = until
	if st.Interval > 0 { // slots keep their phase, and the slot at from may be used already
		st.Resume += (st.Next-until-1)%st.Interval + 1
	}
	st.PauseShift += by
	st.Start += by
	st.Last += by
	st.PausedFrom, st.PausedUntil = now, until
	return true
}

// timeAt returns the time of a slot, or false if the slot is void and another must be
// reserved.
func (st *state) timeAt(s Slot, now int64) (int64, bool) {
	at, ok := st.slotTime(s)
	return at, ok && at > now-lateReset.Microseconds()
}

// missed reports whether a slot is too late to be used because others hold later slots.
// Time before from does not count.
func (st *state) missed(s Slot, from, now int64) bool {
	at, ok := st.slotTime(s)
	return ok && max(at, from) < now-max(missedAfter.Microseconds(), st.Interval) && st.position(st.Next) > at+st.Interval
}

// slotTime returns the time of a slot, past or future, or false if the slot is of another
// generation.
func (st *state) slotTime(s Slot) (at int64, is bool) {
	if s.IsZero() || s.generation != st.Generation {
		return 0, false
	}
	at = s.at + st.PauseShift
	if !s.urgent {
		at = st.position(at + st.RunShift)
	}
	return at, true
}

// isIdle reports whether the state can be deleted without loss.
func (st *state) isIdle(now int64) bool {
	return st.Code == "" && max(st.Next, st.PausedUntil, st.SlowUntil) < now-lateReset.Microseconds() && (st.Urgent == 0 || st.lastUrgent() < now-lateReset.Microseconds())
}
