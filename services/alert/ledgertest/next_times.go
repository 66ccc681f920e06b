package ledgertest

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// testNextTimes checks the earliest time of queued deliveries of any rank, and the earliest end of a
// lease or of a time to live.
func testNextTimes(t *testing.T, l alert.Ledger) {
	next := func(wantDue, wantEnd time.Time) {
		t.Helper()
		due, end, err := l.NextTimes(t.Context())
		kittest.NoError(t, err)
		kittest.Equal(t, []time.Time{due, end}, []time.Time{wantDue, wantEnd})
	}
	next(time.Time{}, time.Time{})

	ds := queuedDeliveries(2)
	a := addUntil(t, l, "low", ds, at(50), at(100))
	next(at(50), at(100))
	addUntil(t, l, "critical", queuedDeliveries(1), at(70), at(90))
	next(at(50), at(90))
	addUntil(t, l, "normal", queuedDeliveries(1), at(60), at(1000))
	claims := claim(t, l, ids(ds), 0, 30)
	next(at(60), at(30)) // a lease expires first
	report(t, l, successReport(claims[0], 1), retryReport(claims[1], 1))
	next(at(12), at(90)) // the retry is due first
	kittest.NoError(t, kittest.ErrorOf(l.Cancel(t.Context(), a.ID, at(2))))
	next(at(60), at(90))
	kittest.Equal(t, total(due(t, l, 65, 100)), 1) // it is in the queue now
	next(at(70), at(90))
	kittest.NoError(t, kittest.ErrorOf(l.Reenqueue(t.Context(), at(66), at(75))))
	next(at(66), at(90))
	kittest.Equal(t, sweep(t, l, 95), 1)
	next(at(66), at(1000))
	kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: claims[1].DeliveryID, Time: at(40)}}, at(3)))
	next(at(66), at(1000)) // no effect: it is completed
}
