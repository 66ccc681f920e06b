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
	must(t, err)
	return n
}

func testCancel(t *testing.T, l alert.Ledger) {
	ds := to(6)
	ds[5].State, ds[5].Reason, ds[5].EndTime = alert.Failed, "unknown_messenger", at(0)
	a := add(t, l, "normal", ds, at(10))
	other := add(t, l, "normal", to(1), at(10))
	claims := claim(t, l, ids(ds[:3]), 0, 100)
	report(t, l, sent(claims[0], 1), failed(claims[1], 1), passing(claims[2], 1)) // until 12
	same(t, cancel(t, l, a.ID, 5), 3)
	same(t, cancel(t, l, a.ID, 6), 0)

	got, kept, err := l.Alert(t.Context(), a.ID)
	must(t, err)
	same(t, got.Counts, counts(0, 0, 1, 2, 0, 3))
	for _, d := range kept[2:5] {
		same(t, []any{d.State, d.Reason, d.EndTime, d.NextTime}, []any{alert.Canceled, "canceled", at(5), time.Time{}})
	}
	same(t, len(kept[2].Attempts), 1)
	same(t, kept[5], ds[5])
	same(t, len(claim(t, l, ids(ds), 20, 30)), 0)
	same(t, total(due(t, l, 20, 100)), 1)
	must(t, second(l.Sweep(t.Context(), at(10_000_000), 100, rule)))
	same(t, deliveries(t, l, a.ID), kept)
	same(t, deliveries(t, l, other.ID)[0].State, alert.Expired)

	is(t, second(l.Cancel(t.Context(), 99, at(5))), fault.ErrNotFound, "alert 99")
	is(t, second(l.Cancel(t.Context(), ds[0].ID, at(5))), fault.ErrNotFound)
	same(t, cancel(t, l, add(t, l, "normal", nil, never).ID, 5), 0)
}

// testCancelHeld checks that claimed deliveries continue, and that the rule gets Canceled.
func testCancelHeld(t *testing.T, l alert.Ledger) {
	ds := to(5)
	a := add(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 10)
	same(t, cancel(t, l, a.ID, 1), 0)
	got, _, err := l.Alert(t.Context(), a.ID)
	must(t, err)
	same(t, got.Counts, counts(0, 5))
	same(t, len(report(t, l, sent(claims[0], 2), failed(claims[1], 2), passing(claims[2], 2), unclear(claims[3], 2))), 0)
	same(t, sweep(t, l, 10), 1)
	for i, want := range [][]any{
		{alert.Sent, "", at(3)}, {alert.Failed, "channel_not_found", at(3)},
		{alert.Canceled, "canceled", at(3)}, {alert.Canceled, "canceled", at(3)}, {alert.Canceled, "canceled", at(10)},
	} {
		d := deliveries(t, l, a.ID)[i]
		same(t, []any{d.State, d.Reason, d.EndTime}, want)
		same(t, len(d.Attempts), 1)
	}

	// A delivery that is canceled after its claim was reported is canceled at once.
	more := to(1)
	b := add(t, l, "normal", more, never)
	report(t, l, passing(claim(t, l, ids(more), 0, 10)[0], 1))
	same(t, cancel(t, l, b.ID, 5), 1)
}

// testCancelAtOnce checks that each delivery of an alert is either canceled or claimed, never both,
// under concurrent claims.
func testCancelAtOnce(t *testing.T, l alert.Ledger) {
	ds := to(500)
	a := add(t, l, "normal", ds, never)
	const many = 10
	var granted, ended [many]int
	for _, err := range atOnce(2*many, func(i int) (err error) {
		if i < many {
			ended[i], err = l.Cancel(t.Context(), a.ID, at(1))
			return err
		}
		i -= many
		claims, err := l.Claim(t.Context(), ids(ds[i*len(ds)/many:][:len(ds)/many]), Claimant(), at(0), at(10))
		granted[i] = len(claims)
		return err
	}) {
		must(t, err)
	}
	held, over := 0, 0
	for i := range many {
		held, over = held+granted[i], over+ended[i]
	}
	got, _, err := l.Alert(t.Context(), a.ID)
	must(t, err)
	same(t, got.Counts, counts(0, held, 0, 0, 0, over))
	same(t, held+over, len(ds))
	same(t, cancel(t, l, a.ID, 2), 0)
	same(t, sweep(t, l, 10), held)
	got, _, err = l.Alert(t.Context(), a.ID)
	must(t, err)
	same(t, got.Counts, counts(0, 0, 0, 0, 0, len(ds)))
}
