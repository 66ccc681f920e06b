package ledgertest

import (
	"sync/atomic"
	"testing"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// deleteCompleted deletes the alerts completed before at(before), limit rows at a time, and
// returns the totals.
func deleteCompleted(t testing.TB, l alert.Ledger, before, limit int) (all alert.Deletion) {
	t.Helper()
	for {
		d, err := l.DeleteCompleted(t.Context(), all.Last, at(before), limit)
		kittest.NoError(t, err)
		all.Alerts, all.Deliveries, all.Attempts, all.Last = all.Alerts+d.Alerts, all.Deliveries+d.Deliveries, all.Attempts+d.Attempts, d.Last
		if !d.More {
			return all
		}
	}
}

// withoutDuration returns d without its duration, which must be positive.
func withoutDuration(t testing.TB, d alert.Deletion) alert.Deletion {
	t.Helper()
	if d.Took <= 0 {
		t.Errorf("duration is %s, want more than 0", d.Took)
	}
	d.Took = 0
	return d
}

// addCompletedAlert records an alert to n users, and reports all deliveries as sent at at(end).
func addCompletedAlert(t testing.TB, l alert.Ledger, n, end int) alert.Alert {
	t.Helper()
	ds := queuedDeliveries(n)
	a := addAlert(t, l, "normal", ds, never)
	var reports []dispatch.Report
	for _, c := range claim(t, l, ids(ds), 0, 1000) {
		reports = append(reports, successReport(c, end-1))
	}
	report(t, l, reports...)
	return a
}

// requireDeleted fails the test unless an alert is deleted.
func requireDeleted(t testing.TB, l alert.Ledger, a alert.Alert) {
	t.Helper()
	_, _, err := l.Alert(t.Context(), a.ID)
	kittest.Error(t, err, fault.ErrNotFound, "")
	_, err = l.Cancel(t.Context(), a.ID, at(0))
	kittest.Error(t, err, fault.ErrNotFound, "")
	all, err := l.Alerts(t.Context(), alert.AlertQuery{Limit: 1000})
	kittest.NoError(t, err)
	for _, each := range all {
		if each.ID == a.ID {
			t.Errorf("alert %d is listed", a.ID)
		}
	}
}

// testDeleteCompleted checks that alerts completed before the time are deleted completely, and
// that others keep all of their rows: those with a queued, held or claimed delivery, or with one
// that completed at the time or later.
func testDeleteCompleted(t *testing.T, l alert.Ledger) {
	old := addCompletedAlert(t, l, 3, 10)
	failing := queuedDeliveries(2)
	b := addAlert(t, l, "normal", failing, never)
	for i, c := range claim(t, l, ids(failing), 0, 1000) {
		report(t, l, failureReport(c, i))
	}
	nobody := addAlert(t, l, "normal", nil, never)

	waiting, claimed, chained, partly := queuedDeliveries(1), queuedDeliveries(1), chain(1, 2), queuedDeliveries(2)
	kept := []alert.Alert{
		addAlert(t, l, "normal", waiting, never),
		addAlert(t, l, "normal", claimed, never),
		addAlert(t, l, "normal", chained, never),
		addAlert(t, l, "normal", partly, never),
		addCompletedAlert(t, l, 1, 100),
		addCompletedAlert(t, l, 1, 101),
	}
	claim(t, l, ids(claimed), 0, 1000)
	report(t, l, failureReport(claim(t, l, ids(chained[:1]), 0, 1000)[0], 1))
	report(t, l, successReport(claim(t, l, ids(partly[:1]), 0, 1000)[0], 1))
	late := addCompletedAlert(t, l, 1, 99)
	var before [][]alert.Delivery
	for _, a := range kept {
		before = append(before, deliveries(t, l, a.ID))
	}

	d := deleteCompleted(t, l, 100, 100)
	kittest.Equal(t, d, alert.Deletion{Alerts: 4, Deliveries: 6, Attempts: 6, Last: d.Last})
	for _, a := range []alert.Alert{old, b, nobody, late} {
		requireDeleted(t, l, a)
	}
	for i, a := range kept {
		kittest.Equal(t, deliveries(t, l, a.ID), before[i])
	}
	kittest.Equal(t, deleteCompleted(t, l, 100, 100).Alerts, 0)

	// The kept alerts are deleted after they are completed.
	kittest.NoError(t, kittest.ErrorOf(l.Cancel(t.Context(), kept[0].ID, at(200))))
	kittest.Equal(t, deleteCompleted(t, l, 200, 100).Alerts, 2)
	kittest.Equal(t, deleteCompleted(t, l, 201, 100).Alerts, 1)
	requireDeleted(t, l, kept[0])
}

// testDeleteTombstone checks that few rows are deleted at a time, and that an alert with more
// rows is deleted at once for all calls, while its rows are left as a tombstone: it cannot be
// replayed and accepts no receipt.
func testDeleteTombstone(t *testing.T, l alert.Ledger) {
	stays := queuedDeliveries(1)
	first := addAlert(t, l, "normal", stays, never)
	few := addCompletedAlert(t, l, 1, 10)
	ds := queuedDeliveries(20)
	many := addAlert(t, l, "normal", ds, never)
	var reports []dispatch.Report
	for _, c := range claim(t, l, ids(ds), 0, 1000) {
		reports = append(reports, failureReport(c, 9))
	}
	report(t, l, reports...)
	last := addCompletedAlert(t, l, 1, 10)

	const limit = 7
	d, err := l.DeleteCompleted(t.Context(), 0, at(100), limit)
	kittest.NoError(t, err)
	kittest.Equal(t, withoutDuration(t, d), alert.Deletion{Alerts: 1, Deliveries: 1, Attempts: 1, Last: few.ID, More: true})
	d, err = l.DeleteCompleted(t.Context(), d.Last, at(100), limit)
	kittest.NoError(t, err)
	kittest.Equal(t, withoutDuration(t, d), alert.Deletion{Alerts: 1, Last: many.ID, More: true})
	requireDeleted(t, l, many)
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{IDs: ids(ds)}, 200, 300), 0)
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{Reason: "channel_not_found"}, 200, 300), 0)
	dry, err := l.Replay(t.Context(), alert.ReplaySelection{Reason: "channel_not_found"}, at(200), at(300), true)
	kittest.NoError(t, err)
	kittest.Equal(t, dry, 0)
	kittest.Error(t, l.RecordReceipt(t.Context(), ds[19].ID, receiptOf("SM1", "undelivered", 5)), fault.ErrNotFound, "")
	_, err = l.CredentialOf(t.Context(), ds[19].ID, "slack")
	kittest.Error(t, err, fault.ErrNotFound, "")
	kittest.Equal(t, len(due(t, l, 1000, 10)), 0)

	for deleted := 0; deleted < 20; {
		d, err = l.DeleteCompleted(t.Context(), d.Last, at(100), limit)
		kittest.NoError(t, err)
		if d.Alerts > 0 || d.Deliveries != d.Attempts || d.Deliveries < 1 || d.Deliveries+d.Attempts > limit || !d.More {
			t.Fatalf("a chunk is %+v", d)
		}
		deleted += d.Deliveries
	}
	kittest.Equal(t, deleteCompleted(t, l, 100, limit).Alerts, 1)
	requireDeleted(t, l, last)
	kittest.Equal(t, len(deliveries(t, l, first.ID)), 1)
	kittest.Error(t, kittest.ErrorOf(l.DeleteCompleted(t.Context(), 0, at(100), 0)), fault.ErrInvalid, "limit")
}

// testDeleteAttempts checks that a delivery with more attempts than limit is deleted nevertheless,
// and that attempts count as rows.
func testDeleteAttempts(t *testing.T, l alert.Ledger) {
	const tries = 9
	ds := queuedDeliveries(2)
	a := addAlert(t, l, "normal", ds, never)
	for i := range tries {
		report(t, l, retryReport(claim(t, l, ids(ds[:1]), 20*i, 20*i+10)[0], 20*i))
	}
	kittest.NoError(t, kittest.ErrorOf(l.Cancel(t.Context(), a.ID, at(500))))
	b := addCompletedAlert(t, l, 1, 10)
	kittest.Equal(t, deleteCompleted(t, l, 1000, 4), alert.Deletion{Alerts: 2, Deliveries: 3, Attempts: tries + 1, Last: b.ID})
}

// testDeleteConcurrent checks that concurrent deletions delete each row once, and that an alert
// that is replayed meanwhile is either kept or deleted with all of its rows.
func testDeleteConcurrent(t *testing.T, l alert.Ledger) {
	const many, each, workers = 60, 5, 8
	var alerts []alert.Alert
	for range many {
		ds := queuedDeliveries(each)
		alerts = append(alerts, addAlert(t, l, "normal", ds, never))
		var reports []dispatch.Report
		for _, c := range claim(t, l, ids(ds), 0, 1000) {
			reports = append(reports, failureReport(c, 9))
		}
		report(t, l, reports...)
	}
	var forgotten, deleted, replayed atomic.Int64
	for _, err := range kittest.Concurrently(2*workers, func(i int) error {
		if i >= workers { // each of these replays different alerts
			for n := i - workers; n < many; n += 2 * workers {
				one, err := l.Replay(t.Context(), alert.ReplaySelection{AlertID: alerts[n].ID}, at(50), at(1000), false)
				if replayed.Add(int64(one)); err != nil {
					return err
				}
			}
			return nil
		}
		limit := []int{3, 12, 100}[i%3] // less than one alert, one, and several
		for more, after := true, int64(0); more; {
			d, err := l.DeleteCompleted(t.Context(), after, at(100), limit)
			if err != nil {
				return err
			}
			after, more = d.Last, d.More
			forgotten.Add(int64(d.Alerts))
			deleted.Add(int64(d.Deliveries))
			if d.Deliveries != d.Attempts {
				t.Errorf("%d deliveries were deleted with %d attempts", d.Deliveries, d.Attempts)
			}
		}
		return nil
	}) {
		kittest.NoError(t, err)
	}
	rest := deleteCompleted(t, l, 100, 12)
	kittest.Equal(t, int(deleted.Load())+rest.Deliveries, each*(int(forgotten.Load())+rest.Alerts))
	kittest.Equal(t, int(replayed.Load()), each*(many-int(forgotten.Load())-rest.Alerts))
	kept, err := l.Alerts(t.Context(), alert.AlertQuery{Limit: many})
	kittest.NoError(t, err)
	for _, a := range kept {
		kittest.Equal(t, a.Counts, counts(each))
	}
	kittest.Equal(t, len(kept), many-int(forgotten.Load())-rest.Alerts)
	kittest.Equal(t, total(due(t, l, 100, 1000)), int(replayed.Load()))
}
