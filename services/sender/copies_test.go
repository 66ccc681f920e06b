package sender_test

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/pace"
	"github.com/bongsu-project/bongsu/services/alert"
)

// slow is a pace by which a turn that is taken for nothing holds up the next delivery for
// longer than any test waits.
var slow = messenger.Rate{Count: 1, Per: time.Minute}

// TestCopyOfWhatIsHeld has a job again whose delivery another sender holds, or held when
// it died: the copy takes no turn from who comes next.
func TestCopyOfWhatIsHeld(t *testing.T) {
	t.Parallel()
	r, net := slowRig(t)
	a, ds := r.record(t)
	_, err := r.ledger.Claim(t.Context(), []int64{ds[0].ID}, alert.Claimant{Sender: "another"}, time.Now(), time.Now().Add(time.Hour))
	must(t, err)
	r.clock.Put(a, ds)
	next := r.send(t)
	run(t, r.sender.Run)
	await(t, net.report)
	r.sentOnce(t, next)
}

// TestCopyOfWhatWaits has jobs again whose deliveries wait for their turns already: the
// copies take no others.
func TestCopyOfWhatWaits(t *testing.T) {
	t.Parallel()
	r, net := slowRig(t)
	first, ds := r.record(t)
	second, waiting := r.record(t)
	for range 3 {
		r.clock.Put(first, ds)
		r.clock.Put(second, waiting)
	}
	run(t, r.sender.Run)
	await(t, net.report)
	last := r.send(t)
	r.turn(t, net, last, 2)
}

// TestCopyWithoutSlots has a job again from before its delivery had a turn, ahead of the
// one that brings it: the turn is taken up, and no other.
func TestCopyWithoutSlots(t *testing.T) {
	t.Parallel()
	r, net := slowRig(t)
	a, ds := r.record(t)
	r.clock.Put(a, ds)
	slots, err := r.sender.Pace.Reserve(t.Context(), r.destination(), 1, false)
	must(t, err)
	must(t, r.ledger.Defer(t.Context(), []alert.Deferral{{DeliveryID: ds[0].ID, Time: time.Now(), Slots: slots[0].String() + ";;0"}}, time.Now()))
	_, err = r.ledger.Due(t.Context(), time.Now(), time.Now().Add(time.Hour), 0, 10, 5) // the other job is on its way
	must(t, err)
	run(t, r.sender.Run)
	await(t, net.report)
	r.sentOnce(t, a.ID)
}

// slowRig gives a rig whose destinations are slow.
func slowRig(t *testing.T) (*rig, *lossy) {
	t.Helper()
	net := &lossy{method: "/Claim", asked: make(chan struct{}, 1), report: make(chan struct{}, 10), deferred: make(chan struct{}, 1)}
	r := newRig(t, net)
	r.sender.Limits = func(messenger.Spec) messenger.Limits { return messenger.Limits{Destination: slow} }
	return r, net
}

// destination is the key of the one destination.
func (r *rig) destination() pace.Key {
	return pace.Key{ID: pace.DestinationID("slack", r.key.Fingerprint("slack", "SLACK-USER1-TOKEN"), "USER1_CHANNEL_ID"), Rate: slow}
}

// turn waits until the delivery of an alert waits for a turn, and fails unless it is the
// nth from now.
func (r *rig) turn(t *testing.T, net *lossy, id int64, nth int) {
	t.Helper()
	for {
		_, ds, err := r.ledger.Alert(t.Context(), id)
		must(t, err)
		if in := time.Until(ds[0].NextTime); !ds[0].NextTime.IsZero() && in > 0 {
			if got := int((in + slow.Per/2) / slow.Per); got != nth {
				t.Errorf("it waits for turn %d, in %s", got, in)
			}
			return
		}
		await(t, net.deferred)
	}
}
