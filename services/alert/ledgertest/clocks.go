package ledgertest

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// testRecordTime checks that each call returns the time of the call before, also when that is later.
func testRecordTime(t *testing.T, l alert.Ledger) {
	before := time.Time{}
	for _, n := range []int{10, 3600, 20, 20} {
		got, err := l.RecordTime(t.Context(), at(n))
		kittest.NoError(t, err)
		kittest.Equal(t, got, before)
		before = at(n)
	}
	addAlert(t, l, "normal", queuedDeliveries(1), at(100)) // ids are not affected
}

// testCorrectTimes checks that times written by a clock that was 100 s ahead move earlier by as
// much, but not before now, and that leases keep their duration.
func testCorrectTimes(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(4)
	addAlert(t, l, "normal", ds, at(700)) // ds[3] is in the queue
	kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: ds[0].ID, Time: at(105)}, {DeliveryID: ds[1].ID, Time: at(30)}}, at(100)))
	held := claim(t, l, ids(ds[2:3]), 101, 131)
	kittest.Error(t, kittest.ErrorOf(l.CorrectTimes(t.Context(), at(1), -time.Second)), fault.ErrInvalid)
	n, err := l.CorrectTimes(t.Context(), at(1), 100*time.Second)
	kittest.NoError(t, err)
	kittest.Equal(t, n, 4)
	kittest.Equal(t, total(due(t, l, 1, 10)), 1) // ds[1], which is at now already
	kittest.Equal(t, total(due(t, l, 4, 10)), 0)
	kittest.Equal(t, total(due(t, l, 5, 10)), 1)
	n, err = l.Sweep(t.Context(), at(30), 10, waitRule)
	kittest.NoError(t, err)
	kittest.Equal(t, n, 0)
	kittest.Equal(t, len(report(t, l, successReport(held[0], 30))), 0)
	kittest.Equal(t, total(due(t, l, 600, 10)) >= 1, true) // ds[3]

	// Correct times stay unchanged.
	ds = queuedDeliveries(1)
	addAlert(t, l, "normal", ds, at(900))
	claim(t, l, ids(ds), 650, 680)
	kittest.NoError(t, kittest.ErrorOf(l.CorrectTimes(t.Context(), at(651), 0)))
	n, err = l.Sweep(t.Context(), at(680), 10, waitRule)
	kittest.NoError(t, err)
	kittest.Equal(t, n, 1)
}

// waitRule is a rule that defers every delivery by an hour.
func waitRule(f alert.VerdictFacts, _ dispatch.Report) alert.Verdict {
	return alert.Verdict{State: alert.Queued, NextTime: f.Now.Add(time.Hour), CountsAsTry: true}
}
