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

	again := claim(t, l, append(ids(ds[:3]), ds[2].ID, 12345), 5, 20) // sent, claimed, claimable, repeated, unknown
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

// testClaimAtOnce checks that concurrent claims of the same deliveries, in different orders, grant
// each delivery once, before and after its lease expired.
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
			granted[i], err = l.Claim(t.Context(), all[i:], Claimant(), at(20*round), at(20*round+10))
			return err
		}) {
			must(t, err)
		}
		same(t, sweep(t, l, 20*round+10), len(ds)) // retried after five seconds
		seen := map[int64]bool{}
		for _, c := range slices.Concat(granted[:]...) {
			if seen[c.DeliveryID] {
				t.Errorf("round %d: delivery %d was claimed twice", round, c.DeliveryID)
			}
			seen[c.DeliveryID] = true
			same(t, []any{c.Attempt, c.PossibleDuplicate}, []any{round + 1, round > 0})
		}
		same(t, len(seen), len(ds))
	}
}

// testClaimAgain checks that a repeated request, whose response was lost, is granted the same claims
// while they last, and that no other request is.
func testClaimAgain(t *testing.T, l alert.Ledger) {
	ds := to(5)
	a := add(t, l, "normal", ds, never)
	by, other := Claimant(), Claimant()
	ask := func(by alert.Claimant, ids []int64, now, until int) []alert.Claim {
		t.Helper()
		claims, err := l.Claim(t.Context(), ids, by, at(now), at(until))
		must(t, err)
		return claims
	}
	held := ask(other, ids(ds[4:]), 0, 100)
	first := ask(by, ids(ds), 0, 10)
	same(t, len(first), 4)
	same(t, ask(by, ids(ds), 1, 11), first)
	same(t, ask(by, ids(ds), 12, 22), first) // the lease has expired, without a sweep since
	same(t, len(ask(Claimant(), ids(ds), 2, 12)), 0)
	same(t, ask(other, ids(ds), 2, 12), held)

	report(t, l, sent(first[0], 3))
	must(t, l.Defer(t.Context(), []alert.Deferral{{DeliveryID: first[1].DeliveryID, Fence: first[1].Fence, Time: at(50)}}, at(3)))
	same(t, ask(by, ids(ds), 4, 14), first[2:]) // completed and deferred deliveries are not claimed

	taken := ask(other, ids(ds), 50, 60) // with the deferred one
	same(t, len(taken), 2)
	same(t, ask(by, ids(ds), 51, 61), first[2:])
	same(t, sweep(t, l, 55), 2)
	same(t, len(ask(by, ids(ds), 55, 65)), 0)
	same(t, ask(by, ids(ds[2:4]), 60, 70), []alert.Claim{
		{DeliveryID: ds[2].ID, Fence: 2, Attempt: 2, PossibleDuplicate: true, LeaseExpireTime: at(70)},
		{DeliveryID: ds[3].ID, Fence: 2, Attempt: 2, PossibleDuplicate: true, LeaseExpireTime: at(70)},
	})
	got, _, err := l.Alert(t.Context(), a.ID)
	must(t, err)
	same(t, got.Counts, counts(0, 4, 1))
}

// testClaimAgainAtOnce checks that concurrent repetitions of several requests grant each delivery to
// one request, with the same claims each time.
func testClaimAgainAtOnce(t *testing.T, l alert.Ledger) {
	const requests, times = 4, 5
	ds := to(200)
	add(t, l, "normal", ds, never)
	var by [requests]alert.Claimant
	for i := range by {
		by[i] = Claimant()
	}
	var granted [requests * times][]alert.Claim
	for _, err := range atOnce(requests*times, func(i int) (err error) {
		granted[i], err = l.Claim(t.Context(), ids(ds[i%requests*10:]), by[i%requests], at(0), at(10+i))
		return err
	}) {
		must(t, err)
	}
	total := 0
	for i, claims := range granted {
		same(t, claims, granted[i%requests])
		if i < requests {
			total += len(claims)
		}
		for _, c := range claims {
			same(t, []any{c.Fence, c.Attempt, c.PossibleDuplicate}, []any{int64(1), 1, false})
		}
	}
	same(t, total, len(ds))
}

func testClaimInput(t *testing.T, l alert.Ledger) {
	ds := to(1)
	add(t, l, "normal", ds, never)
	is(t, second(l.Claim(t.Context(), ids(ds), alert.Claimant{Sender: "a\x00"}, at(0), at(1))), fault.ErrInvalid, "sender")
	is(t, second(l.Claim(t.Context(), ids(ds), Claimant(), at(1), at(1))), fault.ErrInvalid, "lease")
	same(t, len(claim(t, l, ids(ds), 0, 1)), 1)
}

// testClaimWaiting checks that a delivery that a verdict deferred cannot be claimed early by a stale
// job, and can be once it is due.
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
	before, err := l.Claim(t.Context(), ids(ds[:1]), Claimant(), at(10).Add(-time.Microsecond), at(20))
	must(t, err)
	same(t, len(before), 1)
	same(t, len(claim(t, l, ids(ds), 10, 20)), 0)
	same(t, len(report(t, l, sent(before[0], 15))), 0) // it was claimed in time
}
