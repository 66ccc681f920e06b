package storetest

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// testMarkTime checks that each call returns the time of the call before, also when that is later.
func testMarkTime(t *testing.T, l alert.Ledger) {
	before := time.Time{}
	for _, n := range []int{10, 3600, 20, 20} {
		got, err := l.MarkTime(t.Context(), at(n))
		must(t, err)
		same(t, got, before)
		before = at(n)
	}
	add(t, l, "normal", to(1), at(100)) // ids are not affected
}

// testPutRight checks that times written by a clock that was 100 s ahead move earlier by as much, but
// not before now, and that leases keep their duration.
func testPutRight(t *testing.T, l alert.Ledger) {
	ds := to(4)
	add(t, l, "normal", ds, at(700)) // ds[3] is in the queue
	must(t, l.Defer(t.Context(), []alert.Deferral{{DeliveryID: ds[0].ID, Time: at(105)}, {DeliveryID: ds[1].ID, Time: at(30)}}, at(100)))
	held := claim(t, l, ids(ds[2:3]), 101, 131)
	is(t, second(l.PutRight(t.Context(), at(1), -time.Second)), fault.ErrInvalid)
	n, err := l.PutRight(t.Context(), at(1), 100*time.Second)
	must(t, err)
	same(t, n, 4)
	same(t, total(due(t, l, 1, 10)), 1) // ds[1], which is at now already
	same(t, total(due(t, l, 4, 10)), 0)
	same(t, total(due(t, l, 5, 10)), 1)
	n, err = l.Sweep(t.Context(), at(30), 10, patient)
	must(t, err)
	same(t, n, 0)
	same(t, len(report(t, l, sent(held[0], 30))), 0)
	same(t, total(due(t, l, 600, 10)) >= 1, true) // ds[3]

	// Correct times stay unchanged.
	ds = to(1)
	add(t, l, "normal", ds, at(900))
	claim(t, l, ids(ds), 650, 680)
	must(t, second(l.PutRight(t.Context(), at(651), 0)))
	n, err = l.Sweep(t.Context(), at(680), 10, patient)
	must(t, err)
	same(t, n, 1)
}

// patient is a rule that defers every delivery by an hour.
func patient(f alert.Facts, _ alert.Report) alert.Verdict {
	return alert.Verdict{State: alert.Queued, NextTime: f.Now.Add(time.Hour), Counts: true}
}
