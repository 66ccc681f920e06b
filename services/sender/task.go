package sender

import (
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// A task is a delivery of an in-flight message, or several that one call sends. One stage at a time owns it: a stage that
// has passed it on does not use it any more.
type task struct {
	message  *inFlightMessage
	job      *job.Job
	delivery job.Delivery
	taken    time.Time
	claim    dispatch.Claim   // zero until it is claimed
	digest   []digestDelivery // all deliveries of a digest, of which delivery is the first; nil for a single delivery

	credential, destination limitedKey
	misses                  int    // missed slots
	refused                 string // code of the provider's refusal, if no call is to be made
}

// logger returns a log whose lines name the delivery of the task, and the trace of its alert.
func (t *task) logger(log *slog.Logger) *slog.Logger {
	return deliveryLog(log, t.delivery.ID, t.job.Trace)
}

// deliveryLog returns a log whose lines name a delivery and the trace of its alert, if it has
// one.
func deliveryLog(log *slog.Logger, delivery int64, c telemetry.TraceContext) *slog.Logger {
	log = log.With("delivery", delivery)
	if id := c.TraceID(); id != "" {
		log = log.With("trace_id", id)
	}
	return log
}

// reported returns the result that ends the task with a report.
func (t *task) reported(r *dispatch.Report, called bool) result {
	return result{message: t.message, trace: t.job.Trace, attempt: int64(t.claim.Attempt), report: r, otherReports: t.otherReports(r), called: called}
}

// A limitedKey is a limiter key and the slot that is reserved under it.
type limitedKey struct {
	ratelimit.Key // without an ID if the key is unknown
	slot          ratelimit.Slot
}

// needsSlot reports whether a slot is needed.
func (k limitedKey) needsSlot() bool { return k.ID != "" && k.Rate.Limited() }

// isFinerThanGranularity reports whether the intervals of all its slots are shorter than
// slotGranularity.
func (t *task) isFinerThanGranularity() bool {
	for _, k := range []*limitedKey{&t.destination, &t.credential} {
		if k.needsSlot() && k.Rate.Interval() >= slotGranularity {
			return false
		}
	}
	return true
}

// isUrgent reports whether its slots are urgent.
func (t *task) isUrgent() bool { return t.job.Rank <= job.High }

// owner returns the address that its credential is sealed for.
func (t *task) owner(messenger string) seal.Owner {
	return seal.Owner{Name: t.delivery.Nickname, Service: messenger, Address: t.delivery.Destination}
}

// slots returns the reserved slots and the misses, as the next job carries them.
func (t *task) slots() string {
	if t.credential.slot.IsZero() && t.destination.slot.IsZero() {
		return ""
	}
	return t.destination.slot.String() + ";" + t.credential.slot.String() + ";" + strconv.Itoa(t.misses)
}

// readSlots restores the slots that were reserved before the delivery was deferred.
func (t *task) readSlots() {
	destination, rest, _ := strings.Cut(t.delivery.Slots, ";")
	credential, misses, _ := strings.Cut(rest, ";")
	t.destination.slot, t.credential.slot = ratelimit.ParseSlot(destination), ratelimit.ParseSlot(credential)
	t.misses, _ = strconv.Atoi(misses) // 0 if there is none
	for _, one := range []*limitedKey{&t.destination, &t.credential} {
		if !one.needsSlot() { // the limit was switched off
			one.slot = ratelimit.Slot{}
		}
	}
}
