package ledgertest

import (
	"testing"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// testChainCanceled checks that canceling an alert cancels its held deliveries, and that none of its
// chain is released when a claimed one fails.
func testChainCanceled(t *testing.T, l alert.Ledger) {
	ds := chain(1, 3)
	a := addAlert(t, l, "normal", ds, never)
	first := claim(t, l, ids(ds), 0, 100)[0]
	kittest.Equal(t, cancel(t, l, a.ID, 5), 2)
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"claimed -1", "canceled 5 canceled", "canceled 5 canceled"})
	report(t, l, failureReport(first, 6))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"failed 7 channel_not_found", "canceled 5 canceled", "canceled 5 canceled"})

	more := chain(1, 2)
	b := addAlert(t, l, "normal", more, never)
	first = claim(t, l, ids(more), 0, 100)[0]
	kittest.Equal(t, cancel(t, l, b.ID, 5), 1)
	report(t, l, retryReport(first, 6))
	kittest.Equal(t, stateLines(t, l, b.ID), []string{"canceled 7 canceled", "canceled 5 canceled"})
	kittest.Equal(t, len(due(t, l, 1000, 10)), 0)
}

// testChainExpired checks that held deliveries expire with their alert, and that their next time is
// never after that.
func testChainExpired(t *testing.T, l alert.Ledger) {
	ds := chain(1, 3)
	a := addUntil(t, l, "normal", ds, never, at(70))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"queued -1", "held 60", "held 70"})
	report(t, l, failureReport(claim(t, l, ids(ds), 0, 100)[0], 19)) // the third moves from 120 to 80
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"failed 20 channel_not_found", "queued -1", "held 70"})
	kittest.Equal(t, sweep(t, l, 69), 0)
	kittest.Equal(t, sweep(t, l, 70), 2)
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"failed 20 channel_not_found", "expired 70 expired", "expired 70 expired"})
	got, err := l.Alerts(t.Context(), alert.AlertQuery{State: alert.Expired, Limit: 1})
	kittest.NoError(t, err)
	kittest.Equal(t, got[0].Counts, counts(0, 0, 0, 1, 2))

	// Deliveries that expired while held can be replayed as any other.
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{Reason: "expired"}, 80, 200), 2)
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"failed 20 channel_not_found", "queued -1", "queued -1"})
	kittest.Equal(t, len(claim(t, l, ids(ds), 81, 100)), 2)
}

// testChainReplayed checks that a replayed delivery goes on alone: when it is sent it cancels the
// queued ones of its chain, and one that was sent before does not cancel it.
func testChainReplayed(t *testing.T, l alert.Ledger) {
	ds := chain(1, 3)
	a := addAlert(t, l, "normal", ds, never)
	report(t, l, failureReport(claim(t, l, ids(ds), 0, 100)[0], 1))
	report(t, l, retryReport(claim(t, l, ids(ds), 3, 100)[0], 3)) // until 14
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{AlertID: a.ID}, 5, 100_000), 1)
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"queued -1", "queued 14", "held 62"})
	report(t, l, failureReport(claim(t, l, ids(ds), 6, 100)[0], 6))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"failed 7 channel_not_found", "queued 14", "held 62"}) // the second keeps its time
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{AlertID: a.ID}, 8, 100_000), 1)
	report(t, l, successReport(claim(t, l, ids(ds), 9, 100)[0], 9))
	kittest.Equal(t, stateLines(t, l, a.ID), []string{"sent 10", "canceled 10 not_needed", "canceled 10 not_needed"})

	more := chain(1, 3)
	b := addAlert(t, l, "normal", more, never)
	report(t, l, failureReport(claim(t, l, ids(more), 0, 100)[0], 1))
	report(t, l, successReport(claim(t, l, ids(more), 3, 100)[0], 3))
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{AlertID: b.ID}, 5, 100_000), 1)
	report(t, l, retryReport(claim(t, l, ids(more), 6, 100)[0], 6))
	kittest.Equal(t, stateLines(t, l, b.ID), []string{"queued 17", "sent 4", "canceled 4 not_needed"})
	report(t, l, successReport(claim(t, l, ids(more), 17, 100)[0], 17))
	kittest.Equal(t, stateLines(t, l, b.ID), []string{"sent 18", "sent 4", "canceled 4 not_needed"})
}

// testChainsConcurrent checks chains while their deliveries are concurrently reported,
// dispatched, swept and canceled: a sent delivery cancels the queued ones, a failed one releases
// the next, and no held one is claimed.
func testChainsConcurrent(t *testing.T, l alert.Ledger) {
	const many, each = 60, 3
	var ds []alert.Delivery
	for i := range many {
		ds = append(ds, chain(int64(i+1), each)...)
	}
	a := addAlert(t, l, "normal", ds, never)
	gone := chain(1, each)
	b := addAlert(t, l, "normal", gone, never)
	first := claim(t, l, ids(ds), 0, 100)
	kittest.Equal(t, len(first), many)
	kittest.NoError(t, kittest.ErrorOf(l.TakeDue(t.Context(), at(60), never, 0, 10_000, 5)))
	next := claim(t, l, ids(ds), 61, 100)
	kittest.Equal(t, len(next), many) // two of each chain are claimed, one is held
	for _, err := range kittest.Concurrently(3*many, func(i int) error {
		n := i / 3
		switch i % 3 {
		case 0: // the first is sent, failed or retried
			made := []func(dispatch.Claim, int) dispatch.Report{successReport, failureReport, retryReport}[n%3]
			return kittest.ErrorOf(l.Report(t.Context(), []dispatch.Report{made(first[n], 62)}, at(63), rule))
		case 1: // the second likewise
			made := []func(dispatch.Claim, int) dispatch.Report{successReport, failureReport, retryReport}[n/3%3]
			return kittest.ErrorOf(l.Report(t.Context(), []dispatch.Report{made(next[n], 62)}, at(63), rule))
		case 2:
			if n == 0 {
				return kittest.ErrorOf(l.Cancel(t.Context(), b.ID, at(63)))
			}
			if n%2 == 0 {
				return kittest.ErrorOf(l.Sweep(t.Context(), at(63), 10, rule))
			}
			return kittest.ErrorOf(l.TakeDue(t.Context(), at(63), at(10_000), 0, 10, 5))
		}
		return nil
	}) {
		kittest.NoError(t, err)
	}
	kittest.Equal(t, stateLines(t, l, b.ID), []string{"canceled 63 canceled", "canceled 63 canceled", "canceled 63 canceled"})
	all := stateLines(t, l, a.ID)
	for n := range many {
		got := all[each*n : each*n+each]
		want := []string{
			[]string{"sent 63", "failed 63 channel_not_found", "queued 73"}[n%3],
			[]string{"sent 63", "failed 63 channel_not_found", "queued 73"}[n/3%3],
			"held 120",
		}
		switch {
		case n%3 == 0 || n/3%3 == 0:
			for i := range want {
				if want[i] == "queued 73" || want[i] == "held 120" {
					want[i] = "canceled 63 not_needed"
				}
			}
		case n/3%3 == 1:
			want[2] = "queued -1"
		}
		kittest.Equal(t, got, want)
	}
}
