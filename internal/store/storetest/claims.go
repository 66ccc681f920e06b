package storetest

import (
	"slices"
	"testing"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/messenger"
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
// one is granted each delivery, before and after a lease ended.
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

// testLostLease proves that a claim without a report leaves the attempt Unknown,
// and that all later ones are possible duplicates.
func testLostLease(t *testing.T, l alert.Ledger) {
	ds := to(1)
	a := add(t, l, "normal", ds, never)
	claim(t, l, ids(ds), 0, 10)
	same(t, len(claim(t, l, ids(ds), 9, 20)), 0)
	for n := 1; n <= 2; n++ { // at the very end of the lease
		same(t, claim(t, l, ids(ds), 10*n, 10*n+10), []alert.Claim{
			{DeliveryID: ds[0].ID, Fence: int64(n + 1), Attempt: n + 1, PossibleDuplicate: true, LeaseExpireTime: at(10*n + 10)},
		})
	}
	same(t, report(t, l, sent(alert.Claim{DeliveryID: ds[0].ID, Fence: 3}, 21)), []int64(nil))

	unknown := messenger.Outcome{Kind: messenger.Unknown, Code: "lease_expired"}
	same(t, deliveries(t, l, a.ID)[0].Attempts, []alert.Attempt{
		{Number: 1, Fence: 1, StartTime: at(0), EndTime: at(10), Outcome: unknown},
		{Number: 2, Fence: 2, StartTime: at(10), EndTime: at(20), Outcome: unknown, PossibleDuplicate: true},
		{Number: 3, Fence: 3, StartTime: at(21), EndTime: at(22), Outcome: sent(alert.Claim{}, 0).Outcome, PossibleDuplicate: true},
	})
}
