package ledgertest

import (
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// testHoldReplaced checks that a later firing alert of a key replaces one that is held back and
// was not sent: one that is sent at once does not wait for it, and in quiet hours only the last
// one is sent when they end.
func testHoldReplaced(t *testing.T, l alert.Ledger) {
	first := fire(t, l, "k", "normal", heldBack(2, alert.HoldQuietHours, 600), 0)
	second := fire(t, l, "k", "high", heldBack(2, alert.HoldQuietHours, 600), 10)
	requireStates(t, l, first, "canceled 10 superseded", "canceled 10 superseded")
	requireStates(t, l, second, "queued 600", "queued 600")
	for _, d := range deliveries(t, l, second.ID) {
		kittest.Equal(t, d.Hold, alert.HoldQuietHours)
	}
	kittest.Equal(t, total(due(t, l, 11, 100)), 0)

	ds := queuedDeliveries(2)
	urgent := fire(t, l, "k", "critical", ds[:1], 20) // to one of two
	requireStates(t, l, second, "canceled 20 superseded", "queued 600")
	requireStates(t, l, urgent, "queued -1")
	kittest.Equal(t, total(due(t, l, 21, 100)), 1)
	report(t, l, successReport(claim(t, l, ids(ds[:1]), 22, 100)[0], 22))

	third := fire(t, l, "k", "normal", heldBack(1, alert.HoldQuietHours, 600), 30)
	requireStates(t, l, urgent, "sent 23")
	requireStates(t, l, third, "queued 600")
	resolution := resolve(t, l, "k", "normal", queuedDeliveries(2), 40)
	requireStates(t, l, third, "canceled 40 superseded")
	requireStates(t, l, second, "canceled 20 superseded", "canceled 40 superseded")
	requireStates(t, l, resolution, "queued -1", "canceled 40 not_needed")

	digest := fire(t, l, "other", "normal", heldBack(1, alert.HoldDigest, 600), 50)
	next := fire(t, l, "other", "normal", heldBack(1, alert.HoldDigest, 600), 51)
	requireStates(t, l, digest, "canceled 51 superseded") // a digest has a line for each key
	requireStates(t, l, next, "queued 600")
	now := fire(t, l, "other", "critical", queuedDeliveries(1), 52)
	requireStates(t, l, next, "canceled 52 superseded")
	requireStates(t, l, now, "queued -1")
}

// testHoldAttempted checks that a held-back delivery that may have been received, or that is being
// sent, is not replaced.
func testHoldAttempted(t *testing.T, l alert.Ledger) {
	ds := heldBack(2, alert.HoldQuietHours, 60)
	first := fire(t, l, "k", "normal", ds, 0)
	kittest.Equal(t, total(due(t, l, 60, 100)), 2)
	claims := claim(t, l, ids(ds), 61, 1000)
	report(t, l, unknownReport(claims[0], 61))
	second := fire(t, l, "k", "critical", queuedDeliveries(2), 70)
	kittest.Equal(t, stateLines(t, l, first.ID)[1], "claimed -1")
	requireStates(t, l, second, "held -1", "held -1")
	kittest.Equal(t, deliveries(t, l, first.ID)[0].State, alert.Queued)
}

// testDeliveryExpiry checks that a delivery expires at its own time, if it has one.
func testDeliveryExpiry(t *testing.T, l alert.Ledger) {
	ds := append(heldBack(1, alert.HoldQuietHours, 120), queuedDeliveries(2)[1])
	ds[0].ExpireTime = at(180)
	a := alert.Alert{Targets: []string{"@all"}, Severity: "normal", Message: "node1 down", CreateTime: start, ExpireTime: at(60)}
	added, err := l.AddAlert(t.Context(), a, ds, never)
	a = recorded(t, added, err, ds)
	sweep(t, l, 60)
	requireStates(t, l, a, "queued 120", "expired 60 expired")
	kittest.Equal(t, total(due(t, l, 120, 100)), 1)
	sweep(t, l, 179)
	requireStates(t, l, a, "queued -1", "expired 60 expired")
	sweep(t, l, 180)
	requireStates(t, l, a, "expired 180 expired", "expired 60 expired")
}

// testHoldBacklog checks that the age of a backlog does not count deliveries that are held back and
// not due yet, so that quiet hours are no outage.
func testHoldBacklog(t *testing.T, l alert.Ledger) {
	oldest := func(now int) (queued, due int, oldest int64) {
		t.Helper()
		all, err := l.Backlogs(t.Context(), at(now), false)
		kittest.NoError(t, err)
		kittest.Equal(t, len(all), 1)
		if !all[0].Oldest.IsZero() {
			oldest = all[0].Oldest.Unix()
		}
		return all[0].Queued, all[0].Due, oldest
	}
	require := func(now, queued, due int, old int64) {
		t.Helper()
		gotQueued, gotDue, gotOldest := oldest(now)
		kittest.Equal(t, []any{gotQueued, gotDue, gotOldest}, []any{queued, due, old})
	}
	held := heldBack(1, alert.HoldQuietHours, 600)
	addAlert(t, l, "normal", held, never)
	require(1, 1, 0, 0)
	a := alert.Alert{Targets: []string{"@all"}, Severity: "normal", Message: "later", CreateTime: at(30), ExpireTime: expiry}
	added, err := l.AddAlert(t.Context(), a, queuedDeliveries(1), never)
	kittest.NoError(t, err)
	require(31, 2, 1, at(30).Unix())
	report(t, l, successReport(claim(t, l, ids(added.Deliveries), 32, 1000)[0], 32))

	require(600, 1, 1, start.Unix())
	report(t, l, retryReport(claim(t, l, ids(held), 600, 1000)[0], 600))
	require(602, 1, 0, start.Unix())
}
