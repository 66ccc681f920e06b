package sender

import (
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/pace"
)

// A task is a delivery of an in-flight message.
type task struct {
	hand     *hand
	job      *job.Job
	delivery job.Delivery
	taken    time.Time
	claim    Claim // zero until it is claimed

	credential, destination paced
	misses                  int    // missed slots
	refused                 string // code of the provider's refusal, if no call is to be made
}

// A paced is a limiter key and the slot that is reserved under it.
type paced struct {
	pace.Key // without an ID if the key is unknown
	slot     pace.Slot
}

// limited reports whether a slot is needed.
func (p paced) limited() bool { return p.ID != "" && p.Rate.Limited() }

// fine reports whether the intervals of all its slots are shorter than grain.
func (t *task) fine() bool {
	for _, p := range []*paced{&t.destination, &t.credential} {
		if p.limited() && p.Rate.Interval() >= grain {
			return false
		}
	}
	return true
}

// urgent reports whether its slots are urgent.
func (t *task) urgent() bool { return t.job.Rank <= job.High }

// slots returns the reserved slots and the misses, as the next job carries them.
func (t *task) slots() string {
	if t.credential.slot.None() && t.destination.slot.None() {
		return ""
	}
	return t.destination.slot.String() + ";" + t.credential.slot.String() + ";" + strconv.Itoa(t.misses)
}

// readSlots restores the slots that were reserved before the delivery was deferred.
func (t *task) readSlots() {
	destination, rest, _ := strings.Cut(t.delivery.Slots, ";")
	credential, misses, _ := strings.Cut(rest, ";")
	t.destination.slot, t.credential.slot = pace.ParseSlot(destination), pace.ParseSlot(credential)
	t.misses, _ = strconv.Atoi(misses) // 0 if there is none
	for _, one := range []*paced{&t.destination, &t.credential} {
		if !one.limited() { // the limit was switched off
			one.slot = pace.Slot{}
		}
	}
}

// hand is an in-flight message, with the number of its unsettled deliveries.
type hand struct {
	job.Taken
	left atomic.Int32 // incremented before the first result
	lost atomic.Bool  // a result could not be recorded
}

// A result ends a task: with a report, a deferral, or neither if another sender has the
// delivery.
type result struct {
	hand     *hand
	report   *Report
	called   bool // the report is of an actual call
	deferral *Deferral
}

// Reasons for deferrals.
const (
	becausePace    = "pace"
	becausePause   = "pause"
	becauseBreaker = "breaker"
	becauseProbe   = "probe"
	becauseStop    = "stop"
	becauseLease   = "lease"
	becauseLate    = "late"
)

// put returns the result that defers a task to a time.
func (l *lane) put(t *task, until time.Time, why string) result {
	l.Meter.Deferred(l.name, why)
	return result{hand: t.hand, deferral: &Deferral{
		DeliveryID: t.delivery.ID, Fence: t.claim.Fence, Time: until, Wait: until.Sub(l.Now()), Slots: t.slots(),
	}}
}
