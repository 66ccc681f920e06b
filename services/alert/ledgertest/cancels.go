package ledgertest

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// cancel cancels an alert at at(now), and returns the number of canceled deliveries.
func cancel(t testing.TB, l alert.Ledger, id int64, now int) int {
	t.Helper()
	n, err := l.Cancel(t.Context(), id, at(now))
	kittest.NoError(t, err)
	return n
}

func testCancel(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(6)
	ds[5].State, ds[5].Reason, ds[5].EndTime = alert.Failed, "unknown_messenger", at(0)
	a := addAlert(t, l, "normal", ds, at(10))
	other := addAlert(t, l, "normal", queuedDeliveries(1), at(10))
	claims := claim(t, l, ids(ds[:3]), 0, 100)
	report(t, l, successReport(claims[0], 1), failureReport(claims[1], 1), retryReport(claims[2], 1)) // until 12
	kittest.Equal(t, cancel(t, l, a.ID, 5), 3)
	kittest.Equal(t, cancel(t, l, a.ID, 6), 0)

	got, kept, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, 0, 1, 2, 0, 3))
	for _, d := range kept[2:5] {
		kittest.Equal(t, []any{d.State, d.Reason, d.EndTime, d.NextTime}, []any{alert.Canceled, "canceled", at(5), time.Time{}})
	}
	kittest.Equal(t, len(kept[2].Attempts), 1)
	kittest.Equal(t, kept[5], ds[5])
	kittest.Equal(t, len(claim(t, l, ids(ds), 20, 30)), 0)
	kittest.Equal(t, total(due(t, l, 20, 100)), 1)
	kittest.NoError(t, kittest.ErrorOf(l.Sweep(t.Context(), at(10_000_000), 100, rule)))
	kittest.Equal(t, deliveries(t, l, a.ID), kept)
	kittest.Equal(t, deliveries(t, l, other.ID)[0].State, alert.Expired)

	kittest.Error(t, kittest.ErrorOf(l.Cancel(t.Context(), 99, at(5))), fault.ErrNotFound, "alert 99")
	kittest.Error(t, kittest.ErrorOf(l.Cancel(t.Context(), ds[0].ID, at(5))), fault.ErrNotFound)
	kittest.Equal(t, cancel(t, l, addAlert(t, l, "normal", nil, never).ID, 5), 0)
}

// testCancelClaimed checks that claimed deliveries continue, and that the rule gets Canceled.
func testCancelClaimed(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(5)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 10)
	kittest.Equal(t, cancel(t, l, a.ID, 1), 0)
	got, _, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, 5))
	kittest.Equal(t, len(report(t, l, successReport(claims[0], 2), failureReport(claims[1], 2), retryReport(claims[2], 2), unknownReport(claims[3], 2))), 0)
	kittest.Equal(t, sweep(t, l, 10), 1)
	for i, want := range [][]any{
		{alert.Sent, "", at(3)}, {alert.Failed, "channel_not_found", at(3)},
		{alert.Canceled, "canceled", at(3)}, {alert.Canceled, "canceled", at(3)}, {alert.Canceled, "canceled", at(10)},
	} {
		d := deliveries(t, l, a.ID)[i]
		kittest.Equal(t, []any{d.State, d.Reason, d.EndTime}, want)
		kittest.Equal(t, len(d.Attempts), 1)
	}

	// A delivery that is canceled after its claim was reported is canceled at once.
	more := queuedDeliveries(1)
	b := addAlert(t, l, "normal", more, never)
	report(t, l, retryReport(claim(t, l, ids(more), 0, 10)[0], 1))
	kittest.Equal(t, cancel(t, l, b.ID, 5), 1)
}

// testCancelConcurrent checks that each delivery of an alert is either canceled or claimed, never
// both, under concurrent claims.
func testCancelConcurrent(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(500)
	a := addAlert(t, l, "normal", ds, never)
	const many = 10
	var granted, ended [many]int
	for _, err := range kittest.Concurrently(2*many, func(i int) (err error) {
		if i < many {
			ended[i], err = l.Cancel(t.Context(), a.ID, at(1))
			return err
		}
		i -= many
		claims, err := l.Claim(t.Context(), ids(ds[i*len(ds)/many:][:len(ds)/many]), Claimant(), at(0), at(10))
		granted[i] = len(claims)
		return err
	}) {
		kittest.NoError(t, err)
	}
	claimed, canceled := 0, 0
	for i := range many {
		claimed, canceled = claimed+granted[i], canceled+ended[i]
	}
	got, _, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, claimed, 0, 0, 0, canceled))
	kittest.Equal(t, claimed+canceled, len(ds))
	kittest.Equal(t, cancel(t, l, a.ID, 2), 0)
	kittest.Equal(t, sweep(t, l, 10), claimed)
	got, _, err = l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, 0, 0, 0, 0, len(ds)))
}
