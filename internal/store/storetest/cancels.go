package storetest

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// cancel cancels an alert at at(now), and returns the number of canceled deliveries.
func cancel(t testing.TB, l alert.Ledger, id int64, now int) int {
	t.Helper()
	n, err := l.Cancel(t.Context(), id, at(now))
	requireNoError(t, err)
	return n
}

func testCancel(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(6)
	ds[5].State, ds[5].Reason, ds[5].EndTime = alert.Failed, "unknown_messenger", at(0)
	a := addAlert(t, l, "normal", ds, at(10))
	other := addAlert(t, l, "normal", queuedDeliveries(1), at(10))
	claims := claim(t, l, ids(ds[:3]), 0, 100)
	report(t, l, successReport(claims[0], 1), failureReport(claims[1], 1), retryReport(claims[2], 1)) // until 12
	requireEqual(t, cancel(t, l, a.ID, 5), 3)
	requireEqual(t, cancel(t, l, a.ID, 6), 0)

	got, kept, err := l.Alert(t.Context(), a.ID)
	requireNoError(t, err)
	requireEqual(t, got.Counts, counts(0, 0, 1, 2, 0, 3))
	for _, d := range kept[2:5] {
		requireEqual(t, []any{d.State, d.Reason, d.EndTime, d.NextTime}, []any{alert.Canceled, "canceled", at(5), time.Time{}})
	}
	requireEqual(t, len(kept[2].Attempts), 1)
	requireEqual(t, kept[5], ds[5])
	requireEqual(t, len(claim(t, l, ids(ds), 20, 30)), 0)
	requireEqual(t, total(due(t, l, 20, 100)), 1)
	requireNoError(t, errorOf(l.Sweep(t.Context(), at(10_000_000), 100, rule)))
	requireEqual(t, deliveries(t, l, a.ID), kept)
	requireEqual(t, deliveries(t, l, other.ID)[0].State, alert.Expired)

	requireError(t, errorOf(l.Cancel(t.Context(), 99, at(5))), fault.ErrNotFound, "alert 99")
	requireError(t, errorOf(l.Cancel(t.Context(), ds[0].ID, at(5))), fault.ErrNotFound)
	requireEqual(t, cancel(t, l, addAlert(t, l, "normal", nil, never).ID, 5), 0)
}

// testCancelHeld checks that claimed deliveries continue, and that the rule gets Canceled.
func testCancelHeld(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(5)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 10)
	requireEqual(t, cancel(t, l, a.ID, 1), 0)
	got, _, err := l.Alert(t.Context(), a.ID)
	requireNoError(t, err)
	requireEqual(t, got.Counts, counts(0, 5))
	requireEqual(t, len(report(t, l, successReport(claims[0], 2), failureReport(claims[1], 2), retryReport(claims[2], 2), unknownReport(claims[3], 2))), 0)
	requireEqual(t, sweep(t, l, 10), 1)
	for i, want := range [][]any{
		{alert.Sent, "", at(3)}, {alert.Failed, "channel_not_found", at(3)},
		{alert.Canceled, "canceled", at(3)}, {alert.Canceled, "canceled", at(3)}, {alert.Canceled, "canceled", at(10)},
	} {
		d := deliveries(t, l, a.ID)[i]
		requireEqual(t, []any{d.State, d.Reason, d.EndTime}, want)
		requireEqual(t, len(d.Attempts), 1)
	}

	// A delivery that is canceled after its claim was reported is canceled at once.
	more := queuedDeliveries(1)
	b := addAlert(t, l, "normal", more, never)
	report(t, l, retryReport(claim(t, l, ids(more), 0, 10)[0], 1))
	requireEqual(t, cancel(t, l, b.ID, 5), 1)
}

// testCancelAtOnce checks that each delivery of an alert is either canceled or claimed, never both,
// under concurrent claims.
func testCancelAtOnce(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(500)
	a := addAlert(t, l, "normal", ds, never)
	const many = 10
	var granted, ended [many]int
	for _, err := range runConcurrently(2*many, func(i int) (err error) {
		if i < many {
			ended[i], err = l.Cancel(t.Context(), a.ID, at(1))
			return err
		}
		i -= many
		claims, err := l.Claim(t.Context(), ids(ds[i*len(ds)/many:][:len(ds)/many]), Claimant(), at(0), at(10))
		granted[i] = len(claims)
		return err
	}) {
		requireNoError(t, err)
	}
	held, over := 0, 0
	for i := range many {
		held, over = held+granted[i], over+ended[i]
	}
	got, _, err := l.Alert(t.Context(), a.ID)
	requireNoError(t, err)
	requireEqual(t, got.Counts, counts(0, held, 0, 0, 0, over))
	requireEqual(t, held+over, len(ds))
	requireEqual(t, cancel(t, l, a.ID, 2), 0)
	requireEqual(t, sweep(t, l, 10), held)
	got, _, err = l.Alert(t.Context(), a.ID)
	requireNoError(t, err)
	requireEqual(t, got.Counts, counts(0, 0, 0, 0, 0, len(ds)))
}
