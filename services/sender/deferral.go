package sender

import (
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
)

// Reasons for deferrals, as metrics name them: pace is the older name of a rate limit, late that
// of a missed slot.
const (
	deferralRateLimit  = "pace"
	deferralPause      = "pause"
	deferralBreaker    = "breaker"
	deferralProbe      = "probe"
	deferralStop       = "stop"
	deferralLease      = "lease"
	deferralMissedSlot = "late"
)

// slotsBeyondHorizon are the slots of a deferral for lack of a slot within the horizon of the
// limiter: none. Like deliveries with slots, it waits for a rate limit, and is released when
// that is raised.
const slotsBeyondHorizon = ";;0"

// A deferrer makes the deferrals of a pipeline's tasks, and counts them. It is safe for
// concurrent use.
type deferrer struct {
	messenger string
	now       func() time.Time
	metrics   Metrics
}

// deferUntil returns the result that defers a task to a time.
func (d *deferrer) deferUntil(t *task, until time.Time, why string) result {
	d.metrics.Deferred(d.messenger, why)
	slots := t.slots()
	if slots == "" && why == deferralRateLimit {
		slots = slotsBeyondHorizon
	}
	deferral := &dispatch.Deferral{
		DeliveryID: t.delivery.ID, Fence: t.claim.Fence, Time: until, Wait: until.Sub(d.now()), Slots: slots,
	}
	return result{message: t.message, deferral: deferral, otherDeferrals: t.otherDeferrals(deferral)}
}

// A deferralQueue passes the deferrals of unclaimed deliveries from the take stage to the
// defer stage, and counts those that are not recorded. It is safe for concurrent use by the
// two: the goroutine of the take stage adds and waits, that of the defer stage receives and
// calls done.
type deferralQueue struct {
	results    resultQueue
	unrecorded sync.WaitGroup
}

func newDeferralQueue() *deferralQueue {
	return &deferralQueue{results: newResultQueue()}
}

// add adds deferrals. It blocks while the queue is full.
func (q *deferralQueue) add(deferrals []result) {
	q.unrecorded.Add(len(deferrals))
	for _, r := range deferrals {
		q.results.add(r)
	}
}

// done counts deferrals as recorded, or as given up.
func (q *deferralQueue) done(count int) { q.unrecorded.Add(-count) }

// wait waits until all added deferrals are done.
func (q *deferralQueue) wait() { q.unrecorded.Wait() }

// close ends the queue: the defer stage stops after the remaining deferrals.
func (q *deferralQueue) close() { close(q.results) }
