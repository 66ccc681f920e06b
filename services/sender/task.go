package sender

import (
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/pace"
)

// A task is a delivery in hand.
type task struct {
	hand     *hand
	job      *job.Job
	delivery job.Delivery
	taken    time.Time
	claim    Claim // zero until it is claimed

	credential, destination paced
	misses                  int    // how often it came too late for a slot
	refused                 string // why no call is made: the provider's word when it refused the credential
}

// A paced is a key and the slot that was reserved under it.
type paced struct {
	pace.Key // without an ID where the key cannot be told
	slot     pace.Slot
}

// limited says whether a slot is needed.
func (p paced) limited() bool { return p.ID != "" && p.Rate.Limited() }

// fine says whether all of its slots lie closer together than calls are spread.
func (t *task) fine() bool {
	for _, p := range []*paced{&t.destination, &t.credential} {
		if p.limited() && p.Rate.Interval() >= grain {
			return false
		}
	}
	return true
}

// urgent says whether it goes before what waits.
func (t *task) urgent() bool { return t.job.Rank <= job.High }

// slots is what of the task comes back with the job.
func (t *task) slots() string {
	if t.credential.slot.None() && t.destination.slot.None() {
		return ""
	}
	return t.destination.slot.String() + ";" + t.credential.slot.String() + ";" + strconv.Itoa(t.misses)
}

// readSlots takes up what was reserved when it was deferred.
func (t *task) readSlots() {
	destination, rest, _ := strings.Cut(t.delivery.Slots, ";")
	credential, misses, _ := strings.Cut(rest, ";")
	t.destination.slot, t.credential.slot = pace.ParseSlot(destination), pace.ParseSlot(credential)
	t.misses, _ = strconv.Atoi(misses) // 0 where it says none
	for _, one := range []*paced{&t.destination, &t.credential} {
		if !one.limited() { // a limit was switched off
			one.slot = pace.Slot{}
		}
	}
}

// A hand is the jobs of a queue message, and how many of their deliveries are not settled.
type hand struct {
	job.Taken
	left atomic.Int32 // counted up by the taker before the first result
	lost atomic.Bool  // what became of a delivery could not be recorded
}

// A result is a task that is over: there is a report of a call, or a deferral, or
// neither where somebody else goes on with it.
type result struct {
	hand     *hand
	report   *Report
	called   bool // the report is of a call that was made
	deferral *Deferral
}

// reasons why deliveries are deferred.
const (
	becausePace    = "pace"
	becausePause   = "pause"
	becauseBreaker = "breaker"
	becauseProbe   = "probe"
	becauseStop    = "stop"
	becauseLease   = "lease"
	becauseLate    = "late"
)

// put gives the result that lets a task wait until a time.
func (l *lane) put(t *task, until time.Time, why string) result {
	l.Meter.Deferred(l.name, why)
	return result{hand: t.hand, deferral: &Deferral{
		DeliveryID: t.delivery.ID, Fence: t.claim.Fence, Time: until, Wait: until.Sub(l.Now()), Slots: t.slots(),
	}}
}
