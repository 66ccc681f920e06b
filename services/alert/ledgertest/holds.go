package ledgertest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// heldBack returns n deliveries by slack that are held back until at(until).
func heldBack(n int, why alert.Hold, until int) []alert.Delivery {
	ds := queuedDeliveries(n)
	for i := range ds {
		ds[i].Hold, ds[i].NextTime = why, at(until)
	}
	return ds
}

// testHold checks that a held-back delivery is neither due nor claimable before its time, is
// returned with its hold until it is completed, and keeps it through a retry.
func testHold(t *testing.T, l alert.Ledger) {
	ds := append(heldBack(2, alert.HoldDigest, 60), queuedDeliveries(3)[2])
	ds[1].Hold = alert.HoldQuietHours
	a := addAlert(t, l, "normal", ds, never)
	kittest.Equal(t, []any{ds[0].State, ds[0].Hold, ds[0].NextTime}, []any{alert.Queued, alert.HoldDigest, at(60)})
	holds := func() (all []alert.Hold) {
		for _, d := range deliveries(t, l, a.ID) {
			all = append(all, d.Hold)
		}
		return all
	}
	requireStates(t, l, a, "queued 60", "queued 60", "queued -1")
	kittest.Equal(t, holds(), []alert.Hold{alert.HoldDigest, alert.HoldQuietHours, alert.HoldNone})
	kittest.NoError(t, kittest.ErrorOf(l.Reenqueue(t.Context(), at(1), never)))
	kittest.Equal(t, total(due(t, l, 2, 100)), 1)
	kittest.Equal(t, len(claim(t, l, ids(ds[:2]), 59, 100)), 0)
	next, _, err := l.NextTimes(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, next, at(12)) // of the third

	kittest.Equal(t, len(claim(t, l, ids(ds[2:]), 13, 1000)), 1)
	kittest.Equal(t, total(due(t, l, 60, 100)), 2)
	requireStates(t, l, a, "queued -1", "queued -1", "claimed -1")
	claims := claim(t, l, ids(ds[:2]), 61, 100)
	report(t, l, retryReport(claims[0], 61), successReport(claims[1], 61)) // until 72
	requireStates(t, l, a, "queued 72", "sent 62", "claimed -1")
	kittest.Equal(t, holds(), []alert.Hold{alert.HoldDigest, alert.HoldNone, alert.HoldNone})
	kittest.Equal(t, total(due(t, l, 72, 100)), 1)
}

// testHoldThread checks that a held-back delivery that waits for an earlier one of its thread
// keeps its time, and that one that was not sent is superseded.
func testHoldThread(t *testing.T, l alert.Ledger) {
	first, second, third := queuedDeliveries(1), heldBack(1, alert.HoldDigest, 60), heldBack(1, alert.HoldQuietHours, 30)
	fire(t, l, "k", "normal", first, 0)
	again := fire(t, l, "k", "normal", second, 1)
	kittest.Equal(t, second[0].State, alert.Held)
	once := fire(t, l, "k", "normal", third, 2)
	requireStates(t, l, again, "held -1")
	kittest.Equal(t, deliveries(t, l, again.ID)[0].Hold, alert.HoldDigest)

	report(t, l, successReport(claim(t, l, ids(first), 3, 100)[0], 3))
	requireStates(t, l, again, "queued 60")
	requireStates(t, l, once, "held -1")
	kittest.Equal(t, total(due(t, l, 59, 100)), 0)
	kittest.Equal(t, total(due(t, l, 60, 100)), 1)
	report(t, l, successReport(claim(t, l, ids(second), 61, 100)[0], 61))
	requireStates(t, l, once, "queued -1") // its time has come meanwhile
	kittest.Equal(t, deliveries(t, l, once.ID)[0].Hold, alert.HoldQuietHours)
	report(t, l, successReport(claim(t, l, ids(third), 63, 100)[0], 63))

	last := fire(t, l, "k", "normal", heldBack(1, alert.HoldDigest, 200), 100)
	resolution := resolve(t, l, "k", "normal", heldBack(1, alert.HoldDigest, 200), 110)
	requireStates(t, l, last, "canceled 110 superseded")
	requireStates(t, l, resolution, "queued 200") // the earlier ones were sent
	kittest.Equal(t, total(due(t, l, 199, 100)), 0)
	kittest.Equal(t, total(due(t, l, 200, 100)), 1)

	unsent := fire(t, l, "other", "normal", heldBack(1, alert.HoldQuietHours, 400), 210)
	nothing := resolve(t, l, "other", "normal", heldBack(1, alert.HoldQuietHours, 400), 220)
	requireStates(t, l, unsent, "canceled 220 superseded")
	requireStates(t, l, nothing, "canceled 220 not_needed")
}

// testHoldChain checks that the failover delays of a chain whose first delivery is held back
// begin when that is due, also if it waited in a thread.
func testHoldChain(t *testing.T, l alert.Ledger) {
	held := func() []alert.Delivery {
		ds := chain(1, 3)
		for i := range ds {
			ds[i].Hold, ds[i].NextTime = alert.HoldDigest, at(60+60*i)
		}
		return ds
	}
	ds := held()
	a := addAlert(t, l, "normal", ds, never)
	requireStates(t, l, a, "queued 60", "held 120", "held 180")
	kittest.Equal(t, total(due(t, l, 59, 100)), 0)
	kittest.Equal(t, total(due(t, l, 60, 100)), 1)
	report(t, l, failureReport(claim(t, l, ids(ds[:1]), 61, 100)[0], 61))
	requireStates(t, l, a, "failed 62 channel_not_found", "queued -1", "held 122")
	kittest.Equal(t, deliveries(t, l, a.ID)[1].Hold, alert.HoldDigest)

	earlier, later := chain(1, 1), held()
	fire(t, l, "k", "normal", earlier, 0)
	b := fire(t, l, "k", "normal", later, 1)
	requireStates(t, l, b, "held -1", "held 120", "held 180")
	report(t, l, successReport(claim(t, l, ids(earlier), 2, 100)[0], 2))
	requireStates(t, l, b, "queued 60", "held 120", "held 180")
}

// testHoldInput checks that invalid holds are refused.
func testHoldInput(t *testing.T, l alert.Ledger) {
	for name, spoil := range map[string]func(*alert.Delivery){
		"without a time": func(d *alert.Delivery) { d.NextTime = time.Time{} },
		"unknown":        func(d *alert.Delivery) { d.Hold = alert.HoldDigest + 1 },
		"without a hold": func(d *alert.Delivery) { d.Hold = alert.HoldNone },
		"completed":      func(d *alert.Delivery) { d.State, d.EndTime = alert.Failed, start },
	} {
		t.Run(name, func(t *testing.T) {
			ds := heldBack(1, alert.HoldDigest, 60)
			spoil(&ds[0])
			a := alert.Alert{Targets: []string{"@all"}, Severity: "normal", Message: "node1 down", CreateTime: start, ExpireTime: expiry}
			kittest.Error(t, kittest.ErrorOf(l.AddAlert(t.Context(), a, ds, never)), fault.ErrInvalid, "delivery 0")
		})
	}
	all, err := l.Alerts(t.Context(), alert.AlertQuery{Limit: 1})
	kittest.NoError(t, err)
	kittest.Equal(t, len(all), 0)
}

// testDigest checks that held-back deliveries that are due to one address become one job, with a
// line for each, beside those to others, and that one that is alone is an ordinary job.
func testDigest(t *testing.T, l alert.Ledger) {
	add := func(severity, message string, why alert.Hold, until int, user int) (alert.Alert, alert.Delivery) {
		t.Helper()
		d := heldBack(3, why, until)[user : user+1]
		a := alert.Alert{Targets: []string{"@all"}, Severity: severity, Message: message, CreateTime: start, ExpireTime: expiry}
		added, err := l.AddAlert(t.Context(), a, d, never)
		return recorded(t, added, err, d), d[0]
	}
	_, normal := add("normal", "one", alert.HoldDigest, 60, 0)
	high, urgent := add("high", "two\nlines", alert.HoldQuietHours, 61, 0)
	_, other := add("low", "three", alert.HoldDigest, 60, 1)
	_, low := add("low", strings.Repeat("x", 300), alert.HoldDigest, 62, 0)
	_, later := add("low", "later", alert.HoldDigest, 90, 0)
	ordinary := queuedDeliveries(1)
	addAlert(t, l, "normal", ordinary, at(60))

	jobs := due(t, l, 62, 100)
	kittest.Equal(t, len(jobs), 3)
	kittest.Equal(t, jobs[0].Deliveries[0].ID, ordinary[0].ID)
	kittest.Equal(t, []any{jobs[1].Deliveries[0].ID, len(jobs[1].Content.DigestLines)}, []any{other.ID, 0})
	digest := jobs[2]
	kittest.Equal(t, []any{digest.AlertID, digest.Rank, digest.Messenger, digest.Content.Text}, []any{high.ID, job.High, "slack", "[high] two\nlines"})
	kittest.Equal(t, digest.Content.DigestLines, []string{"[high] two", "[normal] one", "[low] " + strings.Repeat("x", 191) + "…"})
	var got []int64
	for _, d := range digest.Deliveries {
		got = append(got, d.ID)
		kittest.Equal(t, []any{d.Nickname, d.Destination, len(d.SealedCredential)}, []any{"user1", "user1_CHANNEL", 3})
	}
	kittest.Equal(t, got, []int64{urgent.ID, normal.ID, low.ID})
	kittest.Equal(t, len(due(t, l, 63, 100)), 0)

	claims := claim(t, l, got, 64, 1000)
	kittest.Equal(t, len(claims), 3)
	reports := []dispatch.Report{retryReport(claims[0], 64), retryReport(claims[1], 64), successReport(claims[2], 64)}
	reports[1].Outcome.RetryAfter = 15 * time.Second
	report(t, l, reports...)
	kittest.Equal(t, len(due(t, l, 79, 100)), 2) // those in the queue again
	jobs = due(t, l, 80, 100)
	kittest.Equal(t, []any{len(jobs), len(jobs[0].Deliveries)}, []any{1, 2})
	jobs = due(t, l, 95, 100) // both in the queue again, and the one that is due at 90
	digest = jobs[len(jobs)-1]
	kittest.Equal(t, []any{len(digest.Deliveries), digest.Deliveries[len(digest.Deliveries)-1].ID}, []any{3, later.ID})
}

// testDigestMany checks that a digest is bounded, and that a call returns all that is due to an
// address, also beyond its limit of others, with nothing twice and nothing left.
func testDigestMany(t *testing.T, l alert.Ledger) {
	const users, each = 6, 30
	for i := range each {
		addAlert(t, l, []string{"low", "normal", "high"}[i%3], heldBack(users, alert.HoldQuietHours, 60), never)
	}
	many := make([]alert.Delivery, 1001)
	for i := range many {
		many[i] = heldBack(users+1, alert.HoldDigest, 50)[users]
	}
	addAlert(t, l, "low", many, never)
	seen, jobs := map[int64]bool{}, []job.Job(nil)
	for rounds := 0; ; rounds++ {
		some := due(t, l, 61, 70)
		if len(some) == 0 || rounds > 100 {
			break
		}
		jobs = append(jobs, some...)
	}
	byUser := map[string][]int{}
	for _, j := range jobs {
		name := j.Deliveries[0].Nickname
		byUser[name] = append(byUser[name], len(j.Deliveries))
		for _, d := range j.Deliveries {
			kittest.Equal(t, []any{d.Nickname, seen[d.ID]}, []any{name, false})
			seen[d.ID] = true
		}
	}
	kittest.Equal(t, len(seen), users*each+len(many))
	for i := range users {
		name := queuedDeliveries(users)[i].Nickname
		kittest.Equal(t, byUser[name], []int{each})
	}
	kittest.Equal(t, slices.Max(byUser["user7"]) <= 70, true)
	kittest.NoError(t, kittest.ErrorOf(l.Reenqueue(t.Context(), at(62), never)))
	var sizes []int
	for _, j := range due(t, l, 62, 2000) {
		if j.Deliveries[0].Nickname == "user7" {
			sizes = append(sizes, len(j.Deliveries))
		}
	}
	kittest.Equal(t, sizes, []int{1, 1000})
}

// testDigestConcurrent checks that concurrent calls return each held-back delivery once, also if
// they look for those of the same users.
func testDigestConcurrent(t *testing.T, l alert.Ledger) {
	const users, each, many = 10, 20, 8
	for range each {
		addAlert(t, l, "normal", heldBack(users, alert.HoldDigest, 1), never)
	}
	var found [many][]alert.DueJob
	for _, err := range kittest.Concurrently(many, func(i int) (err error) {
		found[i], err = l.TakeDue(t.Context(), at(1), at(10), 0, 50, 5)
		return err
	}) {
		kittest.NoError(t, err)
	}
	seen := map[int64]bool{}
	add := func(d job.Delivery) {
		kittest.Equal(t, seen[d.ID], false)
		seen[d.ID] = true
	}
	for _, jobs := range found {
		for _, j := range jobs {
			for _, d := range j.Deliveries {
				add(d)
			}
		}
	}
	for jobs := due(t, l, 2, 50); len(jobs) > 0; jobs = due(t, l, 2, 50) {
		for _, j := range jobs {
			for _, d := range j.Deliveries {
				add(d)
			}
		}
	}
	kittest.Equal(t, len(seen), users*each)
}

// testDigestEnds checks that held-back deliveries are canceled and expire as others do, and that
// replayed ones become a digest again.
func testDigestEnds(t *testing.T, l alert.Ledger) {
	canceled := addAlert(t, l, "normal", heldBack(1, alert.HoldDigest, 60), never)
	kittest.Equal(t, cancel(t, l, canceled.ID, 1), 1)
	requireStates(t, l, canceled, "canceled 1 canceled")
	expiring := addUntil(t, l, "normal", heldBack(1, alert.HoldQuietHours, 60), never, at(30))
	kittest.Equal(t, sweep(t, l, 30), 1)
	requireStates(t, l, expiring, "expired 30 expired")
	kittest.Equal(t, deliveries(t, l, expiring.ID)[0].Hold, alert.HoldNone)

	ds := heldBack(1, alert.HoldDigest, 60)
	failing := addAlert(t, l, "normal", ds, never)
	report(t, l, failureReport(claim(t, l, ids(ds), 61, 100)[0], 61))
	requireStates(t, l, failing, "failed 62 channel_not_found")
	n, err := l.Replay(t.Context(), alert.ReplaySelection{IDs: append(ids(ds), ids(deliveries(t, l, expiring.ID))...)}, at(70), expiry, false)
	kittest.NoError(t, err)
	kittest.Equal(t, n, 2)
	jobs := due(t, l, 70, 100)
	kittest.Equal(t, []any{len(jobs), len(jobs[0].Deliveries), len(jobs[0].Content.DigestLines)}, []any{1, 2, 2})
}
