package pace

import (
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

const (
	// horizon is how far ahead slots are reserved. What is beyond asks again later:
	// so slots of what was canceled hold up others for no longer.
	horizon = 10 * time.Minute
	// late is how long after its time a slot still holds.
	late = 5 * time.Second
	// slack is how long after its time a slot may be used while others hold later
	// ones, or an interval where that is longer: what is made up for comes on top of
	// what has its turn.
	slack = 100 * time.Millisecond
	// guard is how soon after now nothing is put into the line: another sender may
	// be about to use that slot, and learns of the change only then.
	guard = 50 * time.Millisecond
	// urgentRun is how many urgent slots come in a row while others wait; the next
	// one is another's.
	urgentRun = 7
)

// A line is the state of a key that all senders share: who may call it when. It is
// GCRA, the leaky bucket told by times, in microseconds, with slots that can be
// moved after they were given away.
//
// Slots lie one interval apart. Urgent slots are put in from Start on, at most
// urgentRun in a row, and what lies there moves back as far as it must: that is
// the run, and place computes it. A run that is over is folded into a mere shift.
type line struct {
	Life     string // names this line; slots of another are void
	Interval int64  // from slot to slot
	Next     int64  // the next ordinary slot, as if there were no run
	Moved    int64  // how far pauses have moved all slots
	Folded   int64  // how far runs that are over have moved ordinary slots
	Start    int64  // of the run
	Urgent   int64  // how many urgent slots are in the run; 0 means no run
	Phase    int64  // how many came in a row directly before the run
	Last     int64  // when the last urgent slot of the run before came up
	Streak   int64  // how many came in a row with that

	Wrote        int64 // when it was changed last, by the clock of who did; 0 where that is not known
	PausedFrom   int64 // when the pause was told, by the clock of who told it; 0 where that is not known
	PausedUntil  int64
	Resume       int64 // the first slot after the pause
	PauseCode    string
	BrokenUntil  int64  // a sender's breaker is open
	RefusedUntil int64  // set while Code is
	Code         string // why the provider refused the credential
	ProbeUntil   int64  // one sender has until then to try again
}

// reserve gives up to n slots: fewer where the line is longer than the horizon.
func (l *line) reserve(now int64, rate messenger.Rate, n int, urgent bool) []Slot {
	l.set(rate.Interval().Microseconds())
	l.fold(now)
	tolerance := int64(max(rate.Burst, 1)-1) * l.Interval
	slots := make([]Slot, 0, n)
	for range n {
		if urgent {
			if s, ok := l.insert(now); ok {
				slots = append(slots, s)
				continue
			}
		}
		from := max(now, l.PausedUntil)
		x := max(l.Next, l.clear(from))
		if l.place(x) > from+horizon.Microseconds() {
			break
		}
		l.Next = max(l.Next, x-tolerance) + l.Interval
		slots = append(slots, Slot{life: l.Life, at: x - l.Moved - l.Folded})
	}
	return slots
}

// nextSlot is when an ordinary slot comes up that is reserved now.
func (l *line) nextSlot(now int64) int64 {
	as := *l
	as.fold(now)
	return as.place(max(as.Next, as.clear(max(now, as.PausedUntil))))
}

// insert puts an urgent slot in front of what waits. Where nothing waits there is
// nothing to put it in front of.
func (l *line) insert(now int64) (Slot, bool) {
	from := max(now+guard.Microseconds(), l.Resume)
	if l.Urgent == 0 {
		if l.Next <= from {
			return Slot{}, false
		}
		l.Start, l.Phase = l.Next-(l.Next-from)/l.Interval*l.Interval, 0
		if l.Start == l.Last+l.Interval {
			l.Phase = l.Streak // one run after the other would starve the rest, too
		}
	}
	l.Urgent++
	return Slot{life: l.Life, at: l.lastUrgent() - l.Moved, urgent: true}, true
}

// lastUrgent is when the last urgent slot of the run comes up.
func (l *line) lastUrgent() int64 {
	i := l.Urgent - 1
	return l.Start + (i+(i+l.Phase)/urgentRun)*l.Interval
}

// place is when an ordinary slot comes up that would come up at x without the run:
// behind the urgent ones, or between them.
func (l *line) place(x int64) int64 {
	if l.Urgent == 0 || x < l.Start {
		return x
	}
	j := (x - l.Start) / l.Interval
	moved := min((urgentRun+1)*j+urgentRun-l.Phase, j+l.Urgent) - j
	return x + moved*l.Interval
}

// clear is the first x from which place is not before from.
func (l *line) clear(from int64) int64 {
	if l.Urgent == 0 || from <= l.Start {
		return from
	}
	steps := (from - l.Start + l.Interval - 1) / l.Interval
	j := max((steps+l.Phase)/(urgentRun+1), steps-l.Urgent)
	return l.Start + j*l.Interval
}

// fold ends a run that is over. What comes up later comes up as it would have.
func (l *line) fold(now int64) {
	if l.Urgent > 0 && l.lastUrgent() < now {
		l.endRun()
	}
}

func (l *line) endRun() {
	l.Last, l.Streak = l.lastUrgent(), (l.Urgent-1+l.Phase)%urgentRun+1
	l.Folded += l.Urgent * l.Interval
	l.Next += l.Urgent * l.Interval
	l.Urgent = 0
}

// set takes another interval for what is reserved from now on.
func (l *line) set(interval int64) {
	if l.Interval != interval && l.Urgent > 0 {
		l.endRun()
	}
	l.Interval = interval
}

// pause lets all slots come up after until, in their order and at their rate, and
// says whether that is news.
func (l *line) pause(now, until int64) bool {
	from := max(now, l.PausedUntil)
	if until <= from {
		return false
	}
	l.fold(now)
	by := until - from
	l.Next = max(l.Next, l.clear(from)) + by
	l.Resume = until
	if l.Interval > 0 { // slots lie where they lay, and that at from may be used already
		l.Resume += (l.Next-until-1)%l.Interval + 1
	}
	l.Moved += by
	l.Start += by
	l.Last += by
	l.PausedFrom, l.PausedUntil = now, until
	return true
}

// when is the time at which a slot comes up. It is false where the slot holds no
// longer, and another must be reserved.
func (l *line) when(s Slot, now int64) (int64, bool) {
	at, is := l.timeOf(s)
	return at, is && at > now-late.Microseconds()
}

// missed says whether a slot is too late to be used because others hold later ones.
// Time before from does not count.
func (l *line) missed(s Slot, from, now int64) bool {
	at, is := l.timeOf(s)
	return is && max(at, from) < now-max(slack.Microseconds(), l.Interval) && l.place(l.Next) > at+l.Interval
}

// timeOf is when a slot comes up or came up. It is false where the slot is none of
// this line.
func (l *line) timeOf(s Slot) (at int64, is bool) {
	if s.None() || s.life != l.Life {
		return 0, false
	}
	at = s.at + l.Moved
	if !s.urgent {
		at = l.place(at + l.Folded)
	}
	return at, true
}

// idle says whether nothing would be lost by forgetting the line.
func (l *line) idle(now int64) bool {
	return l.Code == "" && max(l.Next, l.PausedUntil) < now-late.Microseconds() && (l.Urgent == 0 || l.lastUrgent() < now-late.Microseconds())
}
