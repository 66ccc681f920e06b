package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

func testClaim(t *testing.T, l alert.Ledger) {
	ds := to(4)
	a := add(t, l, "normal", ds, never)
	first := claim(t, l, ids(ds[:2]), 0, 10)
	same(t, len(first), 2)
	for i, c := range first {
		same(t, c, alert.Claim{DeliveryID: ds[i].ID, Fence: 1, Attempt: 1, LeaseExpireTime: at(10)})
	}
	report(t, l, sent(first[0], 1))

	again := claim(t, l, append(ids(ds[:3]), ds[2].ID, 12345), 5, 20) // sent, held, free, named twice, unknown
	same(t, again, []alert.Claim{{DeliveryID: ds[2].ID, Fence: 1, Attempt: 1, LeaseExpireTime: at(20)}})
	same(t, len(claim(t, l, nil, 0, 10)), 0)

	got, _, err := l.Alert(t.Context(), a.ID)
	must(t, err)
	same(t, got.Counts, counts(1, 2, 1))
}

func testClaimMany(t *testing.T, l alert.Ledger) {
	const many = 10_000
	ds := to(many)
	add(t, l, "normal", ds, never)
	all := ids(ds)
	slices.Reverse(all)
	claims := claim(t, l, all, 0, 10)
	same(t, len(claims), many)
	var reports []alert.Report
	for i, c := range claims {
		if i%2 == 0 {
			reports = append(reports, sent(c, 1))
		} else {
			reports = append(reports, failed(c, 1))
		}
	}
	same(t, len(report(t, l, reports...)), 0)
	all1, err := l.Alerts(t.Context(), alert.Query{Limit: 1})
	must(t, err)
	same(t, all1[0].Counts, counts(0, 0, many/2, many/2))
}

// testClaimAtOnce proves that of many who ask for the same, in different orders,
// one is granted each delivery, before and after a lease was lost.
func testClaimAtOnce(t *testing.T, l alert.Ledger) {
	ds := to(300)
	add(t, l, "normal", ds, never)
	for round := range 2 {
		const many = 20
		var granted [many][]alert.Claim
		for _, err := range atOnce(many, func(i int) (err error) {
			all := ids(ds)
			if i%2 == 0 {
				slices.Reverse(all)
			}
			granted[i], err = l.Claim(t.Context(), all[i:], "sender", at(20*round), at(20*round+10))
			return err
		}) {
			must(t, err)
		}
		same(t, sweep(t, l, 20*round+10), len(ds)) // they wait five seconds
		seen := map[int64]bool{}
		for _, c := range slices.Concat(granted[:]...) {
			if seen[c.DeliveryID] {
				t.Errorf("round %d: delivery %d was granted twice", round, c.DeliveryID)
			}
			seen[c.DeliveryID] = true
			same(t, []any{c.Attempt, c.PossibleDuplicate}, []any{round + 1, round > 0})
		}
		same(t, len(seen), len(ds))
	}
}

func testClaimInput(t *testing.T, l alert.Ledger) {
	ds := to(1)
	add(t, l, "normal", ds, never)
	is(t, second(l.Claim(t.Context(), ids(ds), "a\x00", at(0), at(1))), fault.ErrInvalid, "sender")
	is(t, second(l.Claim(t.Context(), ids(ds), "a", at(1), at(1))), fault.ErrInvalid, "lease")
	same(t, len(claim(t, l, ids(ds), 0, 1)), 1)
}

// testClaimWaiting proves that what a verdict lets wait is not sent early, not by
// a job that was left over, and can be once its time has come.
func testClaimWaiting(t *testing.T, l alert.Ledger) {
	ds := to(2)
	add(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 10)
	report(t, l, passing(claims[0], 1), paused(claims[1], 1)) // until 12 and 62
	for _, step := range []struct{ now, granted int }{{2, 0}, {11, 0}, {12, 1}, {61, 0}, {62, 1}} {
		same(t, len(claim(t, l, ids(ds), step.now, 100)), step.granted)
	}
}

func testClaimExpired(t *testing.T, l alert.Ledger) {
	ds := to(2)
	addUntil(t, l, "normal", ds, never, at(10))
	before, err := l.Claim(t.Context(), ids(ds[:1]), "sender", at(10).Add(-time.Microsecond), at(20))
	must(t, err)
	same(t, len(before), 1)
	same(t, len(claim(t, l, ids(ds), 10, 20)), 0)
	same(t, len(report(t, l, sent(before[0], 15))), 0) // it was taken in time
}
