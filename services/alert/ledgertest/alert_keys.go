package ledgertest

import (
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// fire records a firing alert of a key at at(now), whose deliveries are enqueued.
func fire(t testing.TB, l alert.Ledger, key, severity string, ds []alert.Delivery, now int) alert.Alert {
	t.Helper()
	a := alert.Alert{
		Targets: []string{"@all"}, Severity: severity, Message: "node1 down", AlertKey: key, CreateTime: at(now), ExpireTime: expiry,
	}
	added, err := retryAdd(t, l, a, ds, never)
	return recorded(t, added, err, ds)
}

// resolve records a resolved alert of a key at at(now), whose deliveries are due at once.
func resolve(t testing.TB, l alert.Ledger, key, severity string, ds []alert.Delivery, now int) alert.Alert {
	t.Helper()
	a := alert.Alert{
		Targets: []string{"@all"}, Severity: severity, Message: "node1 down", AlertKey: key, Resolved: true,
		CreateTime: at(now), ExpireTime: expiry,
	}
	added, err := retryAdd(t, l, a, ds, at(now))
	return recorded(t, added, err, ds)
}

// retryAdd records an alert, as a caller does who repeats a call to an unavailable ledger.
func retryAdd(t testing.TB, l alert.Ledger, a alert.Alert, ds []alert.Delivery, retry time.Time) (alert.Added, error) {
	t.Helper()
	return retried(func() (alert.Added, error) { return l.AddAlert(t.Context(), a, slices.Clone(ds), retry) })
}

// requireStates fails the test unless the deliveries of an alert have the wanted states.
func requireStates(t testing.TB, l alert.Ledger, a alert.Alert, want ...string) {
	t.Helper()
	kittest.Equal(t, stateLines(t, l, a.ID), want)
}

// testThreadOrder checks that the deliveries of one key to one address are sent one at a time, and
// keep their order through retries, pauses and a lost queue; other addresses, other keys and
// alerts without a key do not wait.
func testThreadOrder(t *testing.T, l alert.Ledger) {
	ds1, ds2, ds3 := queuedDeliveries(2), queuedDeliveries(2), queuedDeliveries(2)
	first := fire(t, l, "disk of db1", "normal", ds1, 0)
	kittest.Equal(t, ds1[0].State, alert.Queued)
	got, _, err := l.Alert(t.Context(), first.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, []any{got.AlertKey, got.Resolved}, []any{"disk of db1", false})
	again := fire(t, l, "disk of db1", "critical", ds2, 1)
	kittest.Equal(t, ds2[0].State, alert.Held)
	requireStates(t, l, again, "held -1", "held -1")
	other := fire(t, l, "disk of db2", "normal", ds3, 1)
	requireStates(t, l, other, "queued -1", "queued -1")
	alone := addAlert(t, l, "normal", queuedDeliveries(2), never)
	requireStates(t, l, alone, "queued -1", "queued -1")

	kittest.Equal(t, len(claim(t, l, ids(ds2), 2, 100)), 0)
	claims := claim(t, l, ids(ds1), 2, 100)
	report(t, l, retryReport(claims[0], 3), pausedReport(claims[1], 3)) // until 14 and 64
	kittest.NoError(t, kittest.ErrorOf(l.Reenqueue(t.Context(), at(5), never)))
	kittest.Equal(t, total(due(t, l, 6, 100)), 4) // of the other alerts
	requireStates(t, l, again, "held -1", "held -1")
	kittest.Equal(t, total(due(t, l, 14, 100)), 1)
	report(t, l, successReport(claim(t, l, ids(ds1[:1]), 15, 100)[0], 15))
	requireStates(t, l, again, "queued -1", "held -1")
	jobs := due(t, l, 16, 100) // the four of the other alerts again
	kittest.Equal(t, total(jobs), 5)
	kittest.Equal(t, jobs[0].Rank, job.Critical)
	kittest.Equal(t, jobs[0].Deliveries[0].ID, ds2[0].ID)
	report(t, l, failureReport(claim(t, l, ids(ds1[1:]), 70, 100)[0], 70))
	requireStates(t, l, first, "sent 16", "failed 71 channel_not_found")
	requireStates(t, l, again, "queued -1", "queued -1")
	kittest.Equal(t, len(claim(t, l, ids(ds2), 72, 100)), 2)
}

// testThreadResolved checks that a resolved alert is sent once, with the rank of the firing one, to
// the users who were sent the firing one, and to nobody else.
func testThreadResolved(t *testing.T, l alert.Ledger) {
	fired, later := queuedDeliveries(2), queuedDeliveries(1)
	fire(t, l, "k", "critical", fired, 0)
	fire(t, l, "k", "low", later, 0)
	for _, ds := range [][]alert.Delivery{fired, later} {
		for _, c := range claim(t, l, ids(ds), 1, 100) {
			report(t, l, successReport(c, 1))
		}
	}
	ds := queuedDeliveries(3)
	resolution := resolve(t, l, "k", "normal", ds, 10)
	kittest.Equal(t, []any{ds[1].State, ds[2].State, ds[2].Reason, ds[2].EndTime}, []any{alert.Queued, alert.Canceled, "not_needed", at(10)})
	requireStates(t, l, resolution, "queued -1", "queued -1", "canceled 10 not_needed")
	got, _, err := l.Alert(t.Context(), resolution.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, []any{got.AlertKey, got.Resolved, got.Severity}, []any{"k", true, "normal"})
	jobs := due(t, l, 10, 100)
	kittest.Equal(t, []any{len(jobs), jobs[0].Rank, jobs[0].Content}, []any{1, job.Critical, got.Content("slack")})
	kittest.Equal(t, []any{jobs[0].Content.Text, jobs[0].Content.AlertKey, jobs[0].Content.Resolved}, []any{"[normal] resolved: node1 down", "k", true})

	twice := resolve(t, l, "k", "normal", queuedDeliveries(3), 11) // before the first resolved one was sent
	requireStates(t, l, twice, "held -1", "held -1", "canceled 11 not_needed")
	claims := claim(t, l, ids(ds), 12, 100)
	report(t, l, successReport(claims[0], 12), failureReport(claims[1], 12))
	requireStates(t, l, twice, "canceled 13 not_needed", "queued -1", "canceled 11 not_needed")
	kittest.Equal(t, due(t, l, 13, 100)[0].Rank, job.Critical)

	next := fire(t, l, "k", "low", queuedDeliveries(1), 20)
	requireStates(t, l, next, "queued -1")
	last := resolve(t, l, "k", "high", queuedDeliveries(3), 21)
	requireStates(t, l, next, "canceled 21 superseded")
	requireStates(t, l, last, "canceled 21 not_needed", "held -1", "canceled 21 not_needed")
	kittest.Equal(t, cancel(t, l, twice.ID, 22), 1)
	requireStates(t, l, last, "canceled 21 not_needed", "queued -1", "canceled 21 not_needed")
	kittest.Equal(t, due(t, l, 23, 100)[0].Rank, job.Low)
}

// testThreadSuperseded checks that a resolved alert supersedes firing deliveries that were not sent,
// whether due, deferred or blocked, and none that may have been received.
func testThreadSuperseded(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(5)
	first := fire(t, l, "k", "normal", ds, 0)
	second := fire(t, l, "k", "normal", queuedDeliveries(5), 0)
	claims := claim(t, l, ids(ds[1:]), 1, 100)
	report(t, l, retryReport(claims[0], 1), pausedReport(claims[1], 1), unknownReport(claims[2], 1), successReport(claims[3], 1)) // until 12, 62, 12
	resolution := resolve(t, l, "k", "normal", queuedDeliveries(6), 5)
	requireStates(t, l, first, "canceled 5 superseded", "canceled 5 superseded", "canceled 5 superseded", "queued 12", "sent 2")
	requireStates(t, l, second, "canceled 5 superseded", "canceled 5 superseded", "canceled 5 superseded", "canceled 5 superseded", "canceled 5 superseded")
	requireStates(t, l, resolution, "canceled 5 not_needed", "canceled 5 not_needed", "canceled 5 not_needed", "held -1", "queued -1", "canceled 5 not_needed")
	report(t, l, failureReport(claim(t, l, ids(ds[3:4]), 20, 100)[0], 20))
	requireStates(t, l, resolution, "canceled 5 not_needed", "canceled 5 not_needed", "canceled 5 not_needed", "queued -1", "queued -1", "canceled 5 not_needed")
	kittest.Equal(t, len(claim(t, l, append(ids(ds), ids(deliveries(t, l, second.ID))...), 30, 100)), 0)
}

// testThreadClaimed checks that a resolved alert waits for the claimed delivery of a firing one,
// which is not retried, and is sent if that may have been received.
func testThreadClaimed(t *testing.T, l alert.Ledger) {
	for name, c := range map[string]struct {
		ends              func(t *testing.T, c dispatch.Claim)
		fired, resolution string
	}{
		"sent":    {func(t *testing.T, c dispatch.Claim) { report(t, l, successReport(c, 10)) }, "sent 11", "queued -1"},
		"failed":  {func(t *testing.T, c dispatch.Claim) { report(t, l, failureReport(c, 10)) }, "failed 11 channel_not_found", "canceled 11 not_needed"},
		"retried": {func(t *testing.T, c dispatch.Claim) { report(t, l, retryReport(c, 10)) }, "canceled 11 superseded", "canceled 11 not_needed"},
		"paused":  {func(t *testing.T, c dispatch.Claim) { report(t, l, pausedReport(c, 10)) }, "canceled 11 superseded", "canceled 11 not_needed"},
		"unknown": {func(t *testing.T, c dispatch.Claim) { report(t, l, unknownReport(c, 10)) }, "canceled 11 superseded", "queued -1"},
		"deferred": {func(t *testing.T, c dispatch.Claim) {
			kittest.NoError(t, l.Defer(t.Context(), []dispatch.Deferral{{DeliveryID: c.DeliveryID, Fence: c.Fence, Time: at(50)}}, at(11)))
		}, "canceled 11 superseded", "canceled 11 not_needed"},
		"lease expired": {func(t *testing.T, _ dispatch.Claim) { kittest.Equal(t, sweep(t, l, 20), 1) }, "canceled 20 superseded", "queued -1"},
		"canceled, lease expired": {func(t *testing.T, c dispatch.Claim) {
			_, ds, err := l.Alert(t.Context(), c.DeliveryID-1)
			kittest.NoError(t, err)
			kittest.Equal(t, len(ds), 1)
			kittest.Equal(t, cancel(t, l, c.DeliveryID-1, 6), 0)
			kittest.Equal(t, sweep(t, l, 20), 1)
		}, "canceled 20 superseded", "queued -1"},
	} {
		t.Run(name, func(t *testing.T) {
			ds := queuedDeliveries(1)
			fired := fire(t, l, name, "normal", ds, 0)
			taken := claim(t, l, ids(ds), 1, 20)[0]
			resolution := resolve(t, l, name, "normal", queuedDeliveries(1), 5)
			requireStates(t, l, resolution, "held -1")
			next := fire(t, l, name, "normal", queuedDeliveries(1), 6)
			c.ends(t, taken)
			requireStates(t, l, fired, c.fired)
			requireStates(t, l, resolution, c.resolution)
			if c.resolution != "queued -1" {
				requireStates(t, l, next, "queued -1")
				return
			}
			requireStates(t, l, next, "held -1")
			report(t, l, successReport(claim(t, l, ids(deliveries(t, l, resolution.ID)), 30, 100)[0], 30))
			requireStates(t, l, next, "queued -1")
			kittest.NoError(t, kittest.ErrorOf(l.Cancel(t.Context(), next.ID, at(40))))
		})
	}
}

// testThreadCompleted checks that a thread goes on after its deliveries expire or are canceled.
func testThreadCompleted(t *testing.T, l alert.Ledger) {
	short := alert.Alert{Severity: "normal", Message: "m", AlertKey: "k", CreateTime: at(0), ExpireTime: at(10)}
	ds := queuedDeliveries(1)
	added, err := l.AddAlert(t.Context(), short, ds, never)
	short = recorded(t, added, err, ds)
	canceled := fire(t, l, "k", "normal", queuedDeliveries(1), 1)
	last := fire(t, l, "k", "normal", queuedDeliveries(1), 2)
	requireStates(t, l, last, "held -1")
	kittest.Equal(t, sweep(t, l, 10), 1)
	requireStates(t, l, short, "expired 10 expired")
	requireStates(t, l, canceled, "queued -1")
	kittest.Equal(t, cancel(t, l, canceled.ID, 11), 1)
	requireStates(t, l, last, "queued -1")
	kittest.Equal(t, total(due(t, l, 11, 100)), 1)
}

// testThreadReplay checks that replayed deliveries keep their order in the thread, and that no
// firing delivery is replayed after a resolved alert, and no resolved one after a later alert.
func testThreadReplay(t *testing.T, l alert.Ledger) {
	ds1, ds2 := queuedDeliveries(2), queuedDeliveries(2)
	first := fire(t, l, "k", "normal", ds1, 0)
	second := fire(t, l, "k", "normal", ds2, 0)
	claims := claim(t, l, ids(ds1), 1, 100)
	report(t, l, failureReport(claims[0], 1), failureReport(claims[1], 1))
	claims = claim(t, l, ids(ds2[1:]), 3, 100)
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{AlertID: first.ID}, 4, 1000), 2)
	requireStates(t, l, first, "queued -1", "held -1")
	requireStates(t, l, second, "held -1", "claimed -1")
	report(t, l, successReport(claims[0], 5))
	requireStates(t, l, first, "queued -1", "queued -1")
	claims = claim(t, l, ids(ds1), 7, 100)
	report(t, l, failureReport(claims[0], 8), failureReport(claims[1], 8))
	requireStates(t, l, second, "queued -1", "sent 6")

	ds3 := queuedDeliveries(2)
	resolution := resolve(t, l, "k", "normal", ds3, 10)
	requireStates(t, l, second, "canceled 10 superseded", "sent 6")
	requireStates(t, l, resolution, "canceled 10 not_needed", "queued -1")
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{AlertID: first.ID}, 11, 1000), 0)
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{IDs: ids(ds1)}, 11, 1000), 0)
	report(t, l, failureReport(claim(t, l, ids(ds3), 12, 100)[0], 12))
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{IDs: ids(ds3)}, 14, 1000), 1)
	requireStates(t, l, resolution, "canceled 10 not_needed", "queued -1")
	report(t, l, failureReport(claim(t, l, ids(ds3), 15, 100)[0], 15))
	fire(t, l, "k", "normal", queuedDeliveries(2), 20)
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{IDs: ids(ds3)}, 21, 1000), 0)
}

// testThreadChains checks that a delivery waits for its chain and its thread, and that a resolved
// alert cancels the held deliveries of chains and goes to the address that was used.
func testThreadChains(t *testing.T, l alert.Ledger) {
	ds1, ds2 := chain(1, 3), chain(1, 3)
	first := fire(t, l, "k", "normal", ds1, 0)
	second := fire(t, l, "k", "normal", ds2, 0)
	requireStates(t, l, first, "queued -1", "held 60", "held 120")
	requireStates(t, l, second, "held -1", "held -1", "held -1")
	kittest.Equal(t, total(due(t, l, 50, 100)), 0)

	report(t, l, failureReport(claim(t, l, ids(ds1), 50, 100)[0], 50))
	requireStates(t, l, first, "failed 51 channel_not_found", "queued -1", "held 111")
	requireStates(t, l, second, "queued -1", "held -1", "held -1")
	report(t, l, failureReport(claim(t, l, ids(ds2), 52, 100)[0], 52)) // the next of its chain is blocked by that of the first
	requireStates(t, l, second, "failed 53 channel_not_found", "held -1", "held -1")
	report(t, l, successReport(claim(t, l, ids(ds1), 54, 100)[0], 54))
	requireStates(t, l, first, "failed 51 channel_not_found", "sent 55", "canceled 55 not_needed")
	requireStates(t, l, second, "failed 53 channel_not_found", "queued -1", "held 113")

	ds3 := chain(1, 3)
	third := fire(t, l, "k", "normal", ds3, 60)
	requireStates(t, l, third, "queued -1", "held -1", "held -1")
	ds4 := chain(1, 3)
	for i := range ds4 {
		ds4[i].Chain, ds4[i].State, ds4[i].NextTime = 0, alert.Queued, ds4[i].EndTime
	}
	resolution := resolve(t, l, "k", "normal", ds4, 61)
	requireStates(t, l, second, "failed 53 channel_not_found", "canceled 61 superseded", "canceled 61 superseded")
	requireStates(t, l, third, "canceled 61 superseded", "canceled 61 superseded", "canceled 61 superseded")
	requireStates(t, l, resolution, "canceled 61 not_needed", "queued -1", "canceled 61 not_needed")
	kittest.Equal(t, total(due(t, l, 1000, 100)), 1)
}

// testThreadReceipt checks that chain deliveries that a failed receipt resumes keep their order in
// the thread, and are not resumed after a resolved alert.
func testThreadReceipt(t *testing.T, l alert.Ledger) {
	for name, resolved := range map[string]bool{"goes on": false, "is resolved": true} {
		ds := chain(1, 2)
		fired := fire(t, l, name, "normal", ds, 0)
		r := successReport(claim(t, l, ids(ds), 1, 100)[0], 1)
		report(t, l, r)
		requireStates(t, l, fired, "sent 2", "canceled 2 not_needed")
		behind := chain(1, 2)
		for i := range behind {
			behind[i].Chain, behind[i].State, behind[i].NextTime = 0, alert.Queued, behind[i].EndTime
		}
		want := []string{"failed 10 undelivered", "queued -1"}
		if resolved {
			resolve(t, l, name, "normal", behind, 5)
			want[1] = "canceled 10 superseded"
		} else {
			fire(t, l, name, "normal", behind, 5)
		}
		kittest.NoError(t, l.RecordReceipt(t.Context(), ds[0].ID, alert.Receipt{MessageID: r.Outcome.MessageID, Status: "undelivered", Time: at(10), Final: true, Failed: true}))
		requireStates(t, l, fired, want...)
		state := deliveries(t, l, behind[1].ID-2)[1].State
		kittest.Equal(t, state == alert.Held, !resolved)
	}
}

// testThreadDeletion checks that alert keys and threads are deleted when they were not used within
// retention and have no delivery that is not completed.
func testThreadDeletion(t *testing.T, l alert.Ledger) {
	gone, open, used := queuedDeliveries(1), queuedDeliveries(1), queuedDeliveries(1)
	fire(t, l, "gone", "critical", gone, 0)
	fire(t, l, "open", "critical", open, 0)
	fire(t, l, "used", "critical", used, 0)
	for _, ds := range [][]alert.Delivery{gone, open, used} {
		report(t, l, successReport(claim(t, l, ids(ds), 1, 100)[0], 1))
	}
	waits := fire(t, l, "open", "critical", queuedDeliveries(1), 2)
	fire(t, l, "used", "critical", queuedDeliveries(1), 60)
	kittest.Equal(t, deleteCompleted(t, l, 50, 1).Alerts, 3)
	requireStates(t, l, resolve(t, l, "gone", "low", queuedDeliveries(1), 70), "canceled 70 not_needed")
	requireStates(t, l, resolve(t, l, "open", "low", queuedDeliveries(1), 70), "queued -1")
	requireStates(t, l, waits, "canceled 70 superseded")
	used = queuedDeliveries(1)
	requireStates(t, l, resolve(t, l, "used", "low", used, 70), "queued -1")
	for _, j := range due(t, l, 70, 100) {
		if j.Deliveries[0].ID == used[0].ID {
			kittest.Equal(t, j.Rank, job.Critical)
		}
	}
}

// testThreadInput checks that alerts with an invalid key are refused.
func testThreadInput(t *testing.T, l alert.Ledger) {
	for name, a := range map[string]alert.Alert{
		"resolved without a key": {Resolved: true},
		"a NUL":                  {AlertKey: "a\x00"},
		"no UTF-8":               {AlertKey: "a\xff"},
	} {
		a.Severity, a.Message, a.CreateTime, a.ExpireTime = "normal", "m", at(0), expiry
		added, err := l.AddAlert(t.Context(), a, queuedDeliveries(1), never)
		kittest.Error(t, err, fault.ErrInvalid, "key")
		kittest.Equal(t, []any{name, added.Alert.ID}, []any{name, int64(0)})
	}
	a := alert.Alert{Severity: "normal", Message: "m", AlertKey: "k", Resolved: true, CreateTime: at(0), ExpireTime: expiry}
	_, err := l.AddAlert(t.Context(), a, chain(1, 2), never)
	kittest.Error(t, err, fault.ErrInvalid, "chain")
}
