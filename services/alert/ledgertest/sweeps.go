package ledgertest

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// testSweepLease checks that a claim without a report results in an attempt with an unknown outcome
// and a verdict of the rule, and that all later claims are possible duplicates.
func testSweepLease(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(2)
	a := addAlert(t, l, "normal", ds, never)
	first := claim(t, l, ids(ds), 0, 10)
	report(t, l, successReport(first[1], 1))
	kittest.Equal(t, sweep(t, l, 9), 0)
	kittest.Equal(t, len(claim(t, l, ids(ds), 10, 20)), 0) // a claim does not expire the lease
	kittest.Equal(t, sweep(t, l, 10), 1)                   // exactly at the end of the lease
	kittest.Equal(t, sweep(t, l, 10), 0)
	kittest.Equal(t, deliveries(t, l, a.ID)[0].NextTime, at(15))
	kittest.Equal(t, report(t, l, successReport(first[0], 1)), []int64{ds[0].ID})

	kittest.Equal(t, claim(t, l, ids(ds), 20, 30), []dispatch.Claim{
		{DeliveryID: ds[0].ID, Fence: 2, Attempt: 2, PossibleDuplicate: true, LeaseExpireTime: at(30)},
	})
	kittest.Equal(t, sweep(t, l, 35), 1)
	kittest.Equal(t, report(t, l, successReport(dispatch.Claim{DeliveryID: ds[0].ID, Fence: 2}, 21)), []int64{ds[0].ID})
	last := claim(t, l, ids(ds), 40, 50)
	kittest.Equal(t, last, []dispatch.Claim{{DeliveryID: ds[0].ID, Fence: 3, Attempt: 3, PossibleDuplicate: true, LeaseExpireTime: at(50)}})
	kittest.Equal(t, report(t, l, successReport(last[0], 41)), []int64(nil))

	unknown := messenger.Outcome{Kind: messenger.Unknown, Code: "lease_expired"}
	got := deliveries(t, l, a.ID)[0]
	kittest.Equal(t, got.State, alert.Sent)
	kittest.Equal(t, got.Attempts, []alert.Attempt{
		{Number: 1, Fence: 1, StartTime: at(0), EndTime: at(10), Outcome: unknown},
		{Number: 2, Fence: 2, StartTime: at(20), EndTime: at(30), Outcome: unknown, PossibleDuplicate: true},
		attempt(3, successReport(last[0], 41), true),
	})
}

// testSweepRule checks that a rule may fail a delivery whose lease expired, and that a canceled or
// expired one is completed by the expired lease.
func testSweepRule(t *testing.T, l alert.Ledger) {
	ds, gone, late := queuedDeliveries(1), queuedDeliveries(1), queuedDeliveries(1)
	a := addAlert(t, l, "normal", ds, never)
	b := addAlert(t, l, "normal", gone, never)
	c := addUntil(t, l, "normal", late, never, at(20))
	claim(t, l, append(append(ids(ds), ids(gone)...), ids(late)...), 0, 10)
	kittest.NoError(t, kittest.ErrorOf(l.Cancel(t.Context(), b.ID, at(5))))
	n, err := l.Sweep(t.Context(), at(20), 10, func(f alert.VerdictFacts, r dispatch.Report) alert.Verdict {
		if r.DeliveryID == ds[0].ID {
			return alert.Verdict{State: alert.Failed, Reason: "lease_expired", CountsAsTry: true}
		}
		return rule(f, r)
	})
	kittest.NoError(t, err)
	kittest.Equal(t, n, 3)
	for id, want := range map[int64][]any{
		a.ID: {alert.Failed, "lease_expired", at(10)},
		b.ID: {alert.Canceled, "canceled", at(10)},
		c.ID: {alert.Expired, "expired", at(20)},
	} {
		got := deliveries(t, l, id)[0]
		kittest.Equal(t, []any{got.State, got.Reason, got.EndTime}, want)
		kittest.Equal(t, []any{len(got.Attempts), got.Attempts[0].Outcome.Kind}, []any{1, messenger.Unknown})
	}
	kittest.Equal(t, sweep(t, l, 100), 0)

	dead := queuedDeliveries(1)
	d := addAlert(t, l, "normal", dead, never)
	claim(t, l, ids(dead), 0, 10)
	before := deliveries(t, l, d.ID)
	_, err = l.Sweep(t.Context(), at(20), 10, func(alert.VerdictFacts, dispatch.Report) alert.Verdict { return alert.Verdict{State: alert.Sent} })
	if err == nil {
		t.Error("a verdict of sent without a report was accepted")
	}
	kittest.Equal(t, deliveries(t, l, d.ID), before)
}

// testSweepExpired checks that queued deliveries, in the queue or deferred, are completed when their
// alert expires, and no others.
func testSweepExpired(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(6)
	ds[5].State, ds[5].Reason, ds[5].EndTime = alert.Failed, "unknown_messenger", at(0)
	a := addUntil(t, l, "normal", ds, never, at(100))
	other := addAlert(t, l, "normal", queuedDeliveries(1), never)
	claims := claim(t, l, ids(ds[:4]), 0, 1000)
	report(t, l, successReport(claims[0], 1), failureReport(claims[1], 1), retryReport(claims[2], 1))
	kittest.Equal(t, sweep(t, l, 99), 0)
	kittest.NoError(t, kittest.ErrorOf(l.Reenqueue(t.Context(), at(99), never)))
	kittest.Equal(t, sweep(t, l, 101), 2)
	kittest.Equal(t, sweep(t, l, 101), 0)
	got, kept, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, 1, 1, 2, 2))
	kittest.Equal(t, kept[5], ds[5])
	for _, i := range []int{2, 4} {
		kittest.Equal(t, []any{kept[i].State, kept[i].Reason, kept[i].EndTime, kept[i].NextTime}, []any{alert.Expired, "expired", at(101), time.Time{}})
	}
	kittest.Equal(t, len(kept[2].Attempts), 1)
	kittest.Equal(t, deliveries(t, l, other.ID)[0].State, alert.Queued)
	kittest.Equal(t, total(due(t, l, 2000, 100)), 1) // the other, which was re-enqueued

	// A claimed delivery is not retried after its expiry.
	report(t, l, retryReport(claims[3], 200))
	kittest.Equal(t, sweep(t, l, 201), 1)
	kittest.Equal(t, deliveries(t, l, a.ID)[3].State, alert.Expired)
}

func testSweepLimit(t *testing.T, l alert.Ledger) {
	held, waiting := queuedDeliveries(5), queuedDeliveries(5)
	addUntil(t, l, "normal", held, never, at(1000))
	a := addUntil(t, l, "normal", waiting, never, at(20))
	claim(t, l, ids(held), 0, 20)
	var found []int
	for range 5 {
		n, err := l.Sweep(t.Context(), at(20), 3, rule)
		kittest.NoError(t, err)
		found = append(found, n)
	}
	kittest.Equal(t, found, []int{3, 3, 3, 1, 0})
	got, _, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, 0, 0, 0, 5))
	kittest.Error(t, kittest.ErrorOf(l.Sweep(t.Context(), at(20), 0, rule)), fault.ErrInvalid, "limit")
}

// testSweepConcurrent checks that concurrent sweeps complete each delivery once, under concurrent
// reports.
func testSweepConcurrent(t *testing.T, l alert.Ledger) {
	const many = 500
	held, waiting := queuedDeliveries(many), queuedDeliveries(many)
	a := addAlert(t, l, "normal", held, never)
	b := addUntil(t, l, "normal", waiting, never, at(20))
	claims := claim(t, l, ids(held), 0, 10)
	const sweepers = 10
	var found, fenced [sweepers]int
	for _, err := range kittest.Concurrently(2*sweepers, func(i int) (err error) {
		if i < sweepers {
			found[i], err = l.Sweep(t.Context(), at(20), 150, rule)
			return err
		}
		i -= sweepers
		var reports []dispatch.Report
		for _, c := range claims[i*many/sweepers:][:many/sweepers/2] {
			reports = append(reports, successReport(c, 5))
		}
		late, err := l.Report(t.Context(), reports, at(20), rule)
		fenced[i] = len(late)
		return err
	}) {
		kittest.NoError(t, err)
	}
	swept, late := 0, 0
	for i := range sweepers {
		swept, late = swept+found[i], late+fenced[i]
	}
	for n := sweep(t, l, 20); n > 0; n = sweep(t, l, 20) {
		swept += n
	}
	kittest.Equal(t, swept, many+many/2+late)
	for id, want := range map[int64]alert.Counts{a.ID: counts(many/2+late, 0, many/2-late), b.ID: counts(0, 0, 0, 0, many)} {
		got, _, err := l.Alert(t.Context(), id)
		kittest.NoError(t, err)
		kittest.Equal(t, got.Counts, want)
	}
	for _, d := range deliveries(t, l, a.ID) {
		kittest.Equal(t, len(d.Attempts), 1)
	}
}
