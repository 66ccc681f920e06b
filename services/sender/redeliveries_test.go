package sender_test

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/services/alert"
)

// slow is a rate limit by which a wasted slot delays the next delivery for longer than any
// test waits.
var slow = ratelimit.Rate{Count: 1, Per: time.Minute}

// TestRedeliveryOfClaimed redelivers a job whose delivery is claimed by another sender,
// alive or dead: the redelivery takes no slot from the next delivery.
func TestRedeliveryOfClaimed(t *testing.T) {
	t.Parallel()
	h, net := newSlowSenderHarness(t)
	a, ds := h.record(t)
	_, err := h.ledger.Claim(t.Context(), []int64{ds[0].ID}, alert.Claimant{Sender: "another"}, time.Now(), time.Now().Add(time.Hour))
	must(t, err)
	h.loop.Enqueue(a, ds)
	next := h.send(t)
	run(t, h.sender.Run)
	await(t, net.report)
	h.requireSentOnce(t, next)
}

// TestRedeliveryOfDeferred redelivers jobs whose deliveries are deferred to their slots: the
// redeliveries reserve no others.
func TestRedeliveryOfDeferred(t *testing.T) {
	t.Parallel()
	h, net := newSlowSenderHarness(t)
	first, ds := h.record(t)
	second, waiting := h.record(t)
	for range 3 {
		h.loop.Enqueue(first, ds)
		h.loop.Enqueue(second, waiting)
	}
	run(t, h.sender.Run)
	await(t, net.report)
	last := h.send(t)
	h.requireSlot(t, net, last, 2)
}

// TestRedeliveryWithoutSlots redelivers a job from before its delivery had a slot, ahead of the
// job with the slot: that slot is used, and no other.
func TestRedeliveryWithoutSlots(t *testing.T) {
	t.Parallel()
	h, net := newSlowSenderHarness(t)
	a, ds := h.record(t)
	h.loop.Enqueue(a, ds)
	slots, err := h.sender.Limiter.Reserve(t.Context(), h.destination(), 1, false)
	must(t, err)
	must(t, h.ledger.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: ds[0].ID, Time: time.Now(), Slots: slots[0].String() + ";;0"}}, time.Now()))
	_, err = h.ledger.TakeDue(t.Context(), time.Now(), time.Now().Add(time.Hour), 0, 10, 5) // the job with the slot is enqueued
	must(t, err)
	run(t, h.sender.Run)
	await(t, net.report)
	h.requireSentOnce(t, a.ID)
}

// newSlowSenderHarness returns a harness with a slow rate limit for destinations.
func newSlowSenderHarness(t *testing.T) (*senderHarness, *lossyTransport) {
	t.Helper()
	net := &lossyTransport{method: "/Claim", requested: make(chan struct{}, 1), report: make(chan struct{}, 10), deferred: make(chan struct{}, 1)}
	h := newSenderHarness(t, net)
	h.sender.Limits = func(messenger.Spec) messenger.Limits { return messenger.Limits{Destination: slow} }
	return h, net
}

// destination returns the limiter key of the only destination.
func (h *senderHarness) destination() ratelimit.Key {
	return ratelimit.Key{ID: messenger.DestinationKeyID("slack", h.key.Fingerprint("slack", "SLACK-USER1-TOKEN"), "USER1_CHANNEL_ID"), Rate: slow}
}

// requireSlot waits until the delivery of an alert is deferred to a slot, and checks that it
// is the nth from now.
func (h *senderHarness) requireSlot(t *testing.T, net *lossyTransport, id int64, nth int) {
	t.Helper()
	for {
		_, ds, err := h.ledger.Alert(t.Context(), id)
		must(t, err)
		if in := time.Until(ds[0].NextTime); !ds[0].NextTime.IsZero() && in > 0 {
			if got := int((in + slow.Per/2) / slow.Per); got != nth {
				t.Errorf("deferred to slot %d, in %s", got, in)
			}
			return
		}
		await(t, net.deferred)
	}
}
