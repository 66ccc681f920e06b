package ledgertest

import (
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

func testClaim(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(4)
	a := addAlert(t, l, "normal", ds, never)
	first := claim(t, l, ids(ds[:2]), 0, 10)
	kittest.Equal(t, len(first), 2)
	for i, c := range first {
		kittest.Equal(t, c, dispatch.Claim{DeliveryID: ds[i].ID, Fence: 1, Attempt: 1, LeaseExpireTime: at(10)})
	}
	report(t, l, successReport(first[0], 1))

	again := claim(t, l, append(ids(ds[:3]), ds[2].ID, 12345), 5, 20) // sent, claimed, claimable, repeated, unknown
	kittest.Equal(t, again, []dispatch.Claim{{DeliveryID: ds[2].ID, Fence: 1, Attempt: 1, LeaseExpireTime: at(20)}})
	kittest.Equal(t, len(claim(t, l, nil, 0, 10)), 0)

	got, _, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(1, 2, 1))
}

func testClaimMany(t *testing.T, l alert.Ledger) {
	const many = 10_000
	ds := queuedDeliveries(many)
	addAlert(t, l, "normal", ds, never)
	all := ids(ds)
	slices.Reverse(all)
	claims := claim(t, l, all, 0, 10)
	kittest.Equal(t, len(claims), many)
	var reports []dispatch.Report
	for i, c := range claims {
		if i%2 == 0 {
			reports = append(reports, successReport(c, 1))
		} else {
			reports = append(reports, failureReport(c, 1))
		}
	}
	kittest.Equal(t, len(report(t, l, reports...)), 0)
	all1, err := l.Alerts(t.Context(), alert.AlertQuery{Limit: 1})
	kittest.NoError(t, err)
	kittest.Equal(t, all1[0].Counts, counts(0, 0, many/2, many/2))
}

// testClaimConcurrent checks that concurrent claims of the same deliveries, in different orders,
// grant each delivery once, before and after its lease expired.
func testClaimConcurrent(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(300)
	addAlert(t, l, "normal", ds, never)
	for round := range 2 {
		const many = 20
		var granted [many][]dispatch.Claim
		for _, err := range kittest.Concurrently(many, func(i int) (err error) {
			all := ids(ds)
			if i%2 == 0 {
				slices.Reverse(all)
			}
			granted[i], err = l.Claim(t.Context(), all[i:], Claimant(), at(20*round), at(20*round+10))
			return err
		}) {
			kittest.NoError(t, err)
		}
		kittest.Equal(t, sweep(t, l, 20*round+10), len(ds)) // retried after five seconds
		seen := map[int64]bool{}
		for _, c := range slices.Concat(granted[:]...) {
			if seen[c.DeliveryID] {
				t.Errorf("round %d: delivery %d was claimed twice", round, c.DeliveryID)
			}
			seen[c.DeliveryID] = true
			kittest.Equal(t, []any{c.Attempt, c.PossibleDuplicate}, []any{round + 1, round > 0})
		}
		kittest.Equal(t, len(seen), len(ds))
	}
}

// testClaimRepeated checks that a repeated request, whose response was lost, is granted the same
// claims while they last, and that no other request is.
func testClaimRepeated(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(5)
	a := addAlert(t, l, "normal", ds, never)
	by, other := Claimant(), Claimant()
	claimAs := func(by alert.Claimant, ids []int64, now, until int) []dispatch.Claim {
		t.Helper()
		claims, err := l.Claim(t.Context(), ids, by, at(now), at(until))
		kittest.NoError(t, err)
		return claims
	}
	held := claimAs(other, ids(ds[4:]), 0, 100)
	first := claimAs(by, ids(ds), 0, 10)
	kittest.Equal(t, len(first), 4)
	kittest.Equal(t, claimAs(by, ids(ds), 1, 11), first)
	kittest.Equal(t, claimAs(by, ids(ds), 12, 22), first) // the lease has expired, without a sweep since
	kittest.Equal(t, len(claimAs(Claimant(), ids(ds), 2, 12)), 0)
	kittest.Equal(t, claimAs(other, ids(ds), 2, 12), held)

	report(t, l, successReport(first[0], 3))
	kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: first[1].DeliveryID, Fence: first[1].Fence, Time: at(50)}}, at(3)))
	kittest.Equal(t, claimAs(by, ids(ds), 4, 14), first[2:]) // completed and deferred deliveries are not claimed

	taken := claimAs(other, ids(ds), 50, 60) // with the deferred one
	kittest.Equal(t, len(taken), 2)
	kittest.Equal(t, claimAs(by, ids(ds), 51, 61), first[2:])
	kittest.Equal(t, sweep(t, l, 55), 2)
	kittest.Equal(t, len(claimAs(by, ids(ds), 55, 65)), 0)
	kittest.Equal(t, claimAs(by, ids(ds[2:4]), 60, 70), []dispatch.Claim{
		{DeliveryID: ds[2].ID, Fence: 2, Attempt: 2, PossibleDuplicate: true, LeaseExpireTime: at(70)},
		{DeliveryID: ds[3].ID, Fence: 2, Attempt: 2, PossibleDuplicate: true, LeaseExpireTime: at(70)},
	})
	got, _, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, 4, 1))
}

// testClaimRepeatedConcurrent checks that concurrent repetitions of several requests grant each
// delivery to one request, with the same claims each time.
func testClaimRepeatedConcurrent(t *testing.T, l alert.Ledger) {
	const requests, times = 4, 5
	ds := queuedDeliveries(200)
	addAlert(t, l, "normal", ds, never)
	var by [requests]alert.Claimant
	for i := range by {
		by[i] = Claimant()
	}
	var granted [requests * times][]dispatch.Claim
	for _, err := range kittest.Concurrently(requests*times, func(i int) (err error) {
		granted[i], err = l.Claim(t.Context(), ids(ds[i%requests*10:]), by[i%requests], at(0), at(10+i))
		return err
	}) {
		kittest.NoError(t, err)
	}
	total := 0
	for i, claims := range granted {
		kittest.Equal(t, claims, granted[i%requests])
		if i < requests {
			total += len(claims)
		}
		for _, c := range claims {
			kittest.Equal(t, []any{c.Fence, c.Attempt, c.PossibleDuplicate}, []any{int64(1), 1, false})
		}
	}
	kittest.Equal(t, total, len(ds))
}

func testClaimInput(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(1)
	addAlert(t, l, "normal", ds, never)
	kittest.Error(t, kittest.ErrorOf(l.Claim(t.Context(), ids(ds), alert.Claimant{Sender: "a\x00"}, at(0), at(1))), fault.ErrInvalid, "sender")
	kittest.Error(t, kittest.ErrorOf(l.Claim(t.Context(), ids(ds), Claimant(), at(1), at(1))), fault.ErrInvalid, "lease")
	kittest.Equal(t, len(claim(t, l, ids(ds), 0, 1)), 1)
}

// testClaimDeferred checks that a delivery that a verdict deferred cannot be claimed early by a
// stale job, and can be once it is due.
func testClaimDeferred(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(2)
	addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 10)
	report(t, l, retryReport(claims[0], 1), pausedReport(claims[1], 1)) // until 12 and 62
	for _, step := range []struct{ now, granted int }{{2, 0}, {11, 0}, {12, 1}, {61, 0}, {62, 1}} {
		kittest.Equal(t, len(claim(t, l, ids(ds), step.now, 100)), step.granted)
	}
}

func testClaimExpired(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(2)
	addUntil(t, l, "normal", ds, never, at(10))
	before, err := l.Claim(t.Context(), ids(ds[:1]), Claimant(), at(10).Add(-time.Microsecond), at(20))
	kittest.NoError(t, err)
	kittest.Equal(t, len(before), 1)
	kittest.Equal(t, len(claim(t, l, ids(ds), 10, 20)), 0)
	kittest.Equal(t, len(report(t, l, successReport(before[0], 15))), 0) // it was claimed in time
}
