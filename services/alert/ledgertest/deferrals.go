package ledgertest

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// testDefer checks that a deferred delivery waits until its time without an attempt, and keeps its
// slots.
func testDefer(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(3)
	a := addAlert(t, l, "normal", ds, at(100))
	held := claim(t, l, ids(ds[1:2]), 0, 50)[0]
	deferrals := []dispatch.Deferral{
		{DeliveryID: ds[1].ID, Fence: held.Fence, Time: at(20), Slots: "two"},
		{DeliveryID: ds[0].ID, Time: at(10), Slots: "one"},
	}
	kittest.NoError(t, l.Defer(t.Context(), deferrals, at(1)))
	kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: ds[0].ID, Time: at(5)}}, at(1))) // no effect: it is deferred already
	kittest.NoError(t, l.Defer(t.Context(), deferrals, at(1)))

	kittest.Equal(t, len(claim(t, l, ids(ds[:2]), 9, 50)), 0)
	kittest.Equal(t, kittest.ErrorOf(l.Reenqueue(t.Context(), at(9), never)), error(nil))
	kittest.Equal(t, total(due(t, l, 9, 10)), 1) // only ds[2] was in the queue
	first := due(t, l, 10, 10)
	kittest.Equal(t, total(first), 1)
	kittest.Equal(t, first[0].Deliveries[0].Slots, "one")
	jobs := due(t, l, 20, 10)
	kittest.Equal(t, total(jobs) >= 1, true)
	found := false
	for _, j := range jobs {
		for _, d := range j.Deliveries {
			found = found || d.ID == ds[1].ID && d.Slots == "two"
		}
	}
	kittest.Equal(t, found, true)

	free, err := l.Claimable(t.Context(), append(ids(ds), ds[0].ID, 12345), at(20))
	kittest.NoError(t, err)
	kittest.Equal(t, free, map[int64]string{ds[0].ID: "one", ds[1].ID: "two", ds[2].ID: ""})
	claims := claim(t, l, ids(ds[:2]), 20, 50)
	kittest.Equal(t, claims, []dispatch.Claim{
		{DeliveryID: ds[0].ID, Fence: 1, Attempt: 1, LeaseExpireTime: at(50)},
		{DeliveryID: ds[1].ID, Fence: 2, Attempt: 1, LeaseExpireTime: at(50)}, // the deferred claim was no attempt
	})
	kittest.Equal(t, report(t, l, successReport(held, 21)), []int64{ds[1].ID}) // late
	kittest.Equal(t, len(report(t, l, successReport(claims[0], 21), retryReport(claims[1], 21))), 0)
	got := deliveries(t, l, a.ID)
	kittest.Equal(t, []any{got[0].State, len(got[0].Attempts), got[1].State, len(got[1].Attempts), got[1].Attempts[0].Number}, []any{alert.Sent, 1, alert.Queued, 1, 1})
	for _, j := range due(t, l, 99, 10) {
		for _, d := range j.Deliveries {
			kittest.Equal(t, d.Slots, "") // the slots were those of the earlier attempt
		}
	}
}

// testRelease checks that deliveries deferred with slots become due at once, with their slots, and
// that all others keep waiting.
func testRelease(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(5)
	ds[4].Messenger = "sms"
	addAlert(t, l, "normal", ds, at(100)) // ds[3] is in the queue
	held := claim(t, l, ids(ds[1:2]), 0, 50)[0]
	kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{
		{DeliveryID: ds[0].ID, Time: at(60), Slots: "one"},
		{DeliveryID: ds[1].ID, Fence: held.Fence, Time: at(70), Slots: "two"},
		{DeliveryID: ds[2].ID, Time: at(60)},
		{DeliveryID: ds[4].ID, Time: at(60), Slots: "other"},
	}, at(1)))
	for _, want := range []int{2, 0} { // the second call finds nothing
		n, err := l.Release(t.Context(), ds[0].Messenger, at(10))
		kittest.NoError(t, err)
		kittest.Equal(t, n, want)
	}
	jobs := due(t, l, 10, 10)
	kittest.Equal(t, total(jobs), 2)
	slots := map[int64]string{}
	for _, j := range jobs {
		for _, d := range j.Deliveries {
			slots[d.ID] = d.Slots
		}
	}
	kittest.Equal(t, slots, map[int64]string{ds[0].ID: "one", ds[1].ID: "two"})
	kittest.Equal(t, len(claim(t, l, ids(ds[2:3]), 10, 50)), 0)
}

// testDeferLate checks that completed deliveries, those claimed by another sender and unknown ids
// stay unchanged, that deliveries canceled meanwhile are completed, and that none is deferred
// past its ExpireTime.
func testDeferLate(t *testing.T, l alert.Ledger) {
	ds, gone, short := queuedDeliveries(3), queuedDeliveries(1), queuedDeliveries(1)
	a := addAlert(t, l, "normal", ds, never)
	b := addAlert(t, l, "normal", gone, never)
	c := addUntil(t, l, "normal", short, never, at(30))
	claims := claim(t, l, ids(ds[:2]), 0, 50)
	stop := claim(t, l, ids(gone), 0, 50)[0]
	report(t, l, successReport(claims[0], 1))
	kittest.NoError(t, kittest.ErrorOf(l.Cancel(t.Context(), b.ID, at(2))))
	kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{
		{DeliveryID: ds[0].ID, Fence: 1, Time: at(60)},
		{DeliveryID: ds[1].ID, Time: at(60)},           // claimed
		{DeliveryID: ds[2].ID, Fence: 1, Time: at(60)}, // not claimed
		{DeliveryID: 12345, Time: at(60)},
		{DeliveryID: gone[0].ID, Fence: stop.Fence, Time: at(60)},
		{DeliveryID: short[0].ID, Time: at(60)},
	}, at(3)))
	got := deliveries(t, l, a.ID)
	kittest.Equal(t, []alert.State{got[0].State, got[1].State, got[2].State}, []alert.State{alert.Sent, alert.Claimed, alert.Queued})
	kittest.Equal(t, len(claim(t, l, ids(ds[2:]), 4, 50)), 1)
	end := deliveries(t, l, b.ID)[0]
	kittest.Equal(t, []any{end.State, end.Reason, end.EndTime, len(end.Attempts)}, []any{alert.Canceled, "canceled", at(3), 0})
	kittest.Equal(t, deliveries(t, l, c.ID)[0].NextTime, at(30))
	kittest.Equal(t, sweep(t, l, 30), 1)
	kittest.Error(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: 1}}, at(1)), fault.ErrInvalid, "time")
	kittest.Error(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: 1, Time: at(1), Slots: "a\x00"}}, at(1)), fault.ErrInvalid, "slots")
}
