package ledgertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// cancel cancels an alert at at(now), and returns the number of canceled deliveries.
func cancel(t testing.TB, l alert.Ledger, id int64, now int) int {
	t.Helper()
	n, err := l.Cancel(t.Context(), id, at(now))
	kittest.NoError(t, err)
	return n
}

func testCancel(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(6)
	ds[5].State, ds[5].Reason, ds[5].EndTime = alert.Failed, "unknown_messenger", at(0)
	a := addAlert(t, l, "normal", ds, at(10))
	other := addAlert(t, l, "normal", queuedDeliveries(1), at(10))
	claims := claim(t, l, ids(ds[:3]), 0, 100)
	report(t, l, successReport(claims[0], 1), failureReport(claims[1], 1), retryReport(claims[2], 1)) // until 12
	kittest.Equal(t, cancel(t, l, a.ID, 5), 3)
	kittest.Equal(t, cancel(t, l, a.ID, 6), 0)

	got, kept, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, 0, 1, 2, 0, 3))
	for _, d := range kept[2:5] {
		kittest.Equal(t, []any{d.State, d.Reason, d.EndTime, d.NextTime}, []any{alert.Canceled, "canceled", at(5), time.Time{}})
	}
	kittest.Equal(t, len(kept[2].Attempts), 1)
	kittest.Equal(t, kept[5], ds[5])
	kittest.Equal(t, len(claim(t, l, ids(ds), 20, 30)), 0)
	kittest.Equal(t, total(due(t, l, 20, 100)), 1)
	kittest.NoError(t, kittest.ErrorOf(l.Sweep(t.Context(), at(10_000_000), 100, rule)))
	kittest.Equal(t, deliveries(t, l, a.ID), kept)
	kittest.Equal(t, deliveries(t, l, other.ID)[0].State, alert.Expired)

	kittest.Error(t, kittest.ErrorOf(l.Cancel(t.Context(), 99, at(5))), fault.ErrNotFound, "alert 99")
	kittest.Error(t, kittest.ErrorOf(l.Cancel(t.Context(), ds[0].ID, at(5))), fault.ErrNotFound)
	kittest.Equal(t, cancel(t, l, addAlert(t, l, "normal", nil, never).ID, 5), 0)
}

// testCancelClaimed checks that claimed deliveries continue, and that the rule gets Canceled.
func testCancelClaimed(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(5)
	a := addAlert(t, l, "normal", ds, never)
	claims := claim(t, l, ids(ds), 0, 10)
	kittest.Equal(t, cancel(t, l, a.ID, 1), 0)
	got, _, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, 5))
	kittest.Equal(t, len(report(t, l, successReport(claims[0], 2), failureReport(claims[1], 2), retryReport(claims[2], 2), unknownReport(claims[3], 2))), 0)
	kittest.Equal(t, sweep(t, l, 10), 1)
	for i, want := range [][]any{
		{alert.Sent, "", at(3)}, {alert.Failed, "channel_not_found", at(3)},
		{alert.Canceled, "canceled", at(3)}, {alert.Canceled, "canceled", at(3)}, {alert.Canceled, "canceled", at(10)},
	} {
		d := deliveries(t, l, a.ID)[i]
		kittest.Equal(t, []any{d.State, d.Reason, d.EndTime}, want)
		kittest.Equal(t, len(d.Attempts), 1)
	}

	// A delivery that is canceled after its claim was reported is canceled at once.
	more := queuedDeliveries(1)
	b := addAlert(t, l, "normal", more, never)
	report(t, l, retryReport(claim(t, l, ids(more), 0, 10)[0], 1))
	kittest.Equal(t, cancel(t, l, b.ID, 5), 1)
}

// testCancelConcurrent checks that each delivery of an alert is either canceled or claimed, never
// both, under concurrent claims.
func testCancelConcurrent(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(500)
	a := addAlert(t, l, "normal", ds, never)
	const many = 10
	var granted, ended [many]int
	for _, err := range kittest.Concurrently(2*many, func(i int) (err error) {
		if i < many {
			ended[i], err = l.Cancel(t.Context(), a.ID, at(1))
			return err
		}
		i -= many
		claims, err := l.Claim(t.Context(), ids(ds[i*len(ds)/many:][:len(ds)/many]), Claimant(), at(0), at(10))
		granted[i] = len(claims)
		return err
	}) {
		kittest.NoError(t, err)
	}
	claimed, canceled := 0, 0
	for i := range many {
		claimed, canceled = claimed+granted[i], canceled+ended[i]
	}
	got, _, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, claimed, 0, 0, 0, canceled))
	kittest.Equal(t, claimed+canceled, len(ds))
	kittest.Equal(t, cancel(t, l, a.ID, 2), 0)
	kittest.Equal(t, sweep(t, l, 10), claimed)
	got, _, err = l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, got.Counts, counts(0, 0, 0, 0, 0, len(ds)))
}

// testCancelSelected checks each condition of a selection, and that canceled, claimed and
// completed deliveries end as by Cancel.
func testCancelSelected(t *testing.T, l alert.Ledger) {
	add := func(key string, targets []string, create int, ds []alert.Delivery) alert.Alert {
		a := alert.Alert{Targets: targets, Severity: "normal", Message: "m", CreateTime: at(create), ExpireTime: expiry, AlertKey: key}
		added, err := l.AddAlert(t.Context(), a, ds, never)
		return recorded(t, added, err, ds)
	}
	disk, plain, intake := queuedDeliveries(3), queuedDeliveries(2), queuedDeliveries(1)
	disk[0].Messenger = "sms"
	a := add("disk", []string{"@@ops", "@user1"}, 10, disk)
	b := add("", []string{"@@op", "@ops"}, 20, plain)
	c := add(job.SourceKey("disk"), []string{"@@옵스"}, 30, intake)
	claims := claim(t, l, ids(disk[:2]), 31, 1000)
	report(t, l, successReport(claims[1], 32))

	all := alert.AlertFilter{From: at(0)}
	for name, want := range map[string]struct {
		s     alert.CancelSelection
		count int
	}{
		"nothing":         {alert.CancelSelection{}, 0},
		"all":             {alert.CancelSelection{Alerts: all}, 4},
		"alert":           {alert.CancelSelection{AlertID: b.ID}, 2},
		"another alert":   {alert.CancelSelection{AlertID: 99}, 0},
		"messenger":       {alert.CancelSelection{Messenger: "slack"}, 4},
		"claimed only":    {alert.CancelSelection{Messenger: "sms"}, 0},
		"key":             {alert.CancelSelection{Alerts: alert.AlertFilter{Key: "disk"}}, 2},
		"another key":     {alert.CancelSelection{Alerts: alert.AlertFilter{Key: "dis"}}, 0},
		"key, NUL":        {alert.CancelSelection{Alerts: alert.AlertFilter{Key: "\x00"}}, 0},
		"group":           {alert.CancelSelection{Alerts: alert.AlertFilter{Group: "ops"}}, 1},
		"group, Korean":   {alert.CancelSelection{Alerts: alert.AlertFilter{Group: "옵스"}}, 1},
		"group, a user":   {alert.CancelSelection{Alerts: alert.AlertFilter{Group: "user1"}}, 0},
		"from":            {alert.CancelSelection{Alerts: alert.AlertFilter{From: at(20)}}, 3},
		"from, later":     {alert.CancelSelection{Alerts: alert.AlertFilter{From: at(20).Add(time.Microsecond)}}, 1},
		"before":          {alert.CancelSelection{Alerts: alert.AlertFilter{CreateBefore: at(20)}}, 1},
		"before, later":   {alert.CancelSelection{Alerts: alert.AlertFilter{CreateBefore: at(20).Add(time.Microsecond)}}, 3},
		"all conditions":  {alert.CancelSelection{AlertID: a.ID, Messenger: "slack", Alerts: alert.AlertFilter{Key: "disk", Group: "ops", From: at(10), CreateBefore: at(11)}}, 1},
		"one is not true": {alert.CancelSelection{AlertID: a.ID, Alerts: alert.AlertFilter{Group: "op"}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			n, _, err := l.CancelSelected(t.Context(), want.s, at(40), true)
			kittest.NoError(t, err)
			kittest.Equal(t, n, want.count)
		})
	}

	n, alerts, err := l.CancelSelected(t.Context(), alert.CancelSelection{Alerts: alert.AlertFilter{CreateBefore: at(30)}}, at(40), false)
	kittest.NoError(t, err)
	kittest.Equal(t, n, 3)
	kittest.Equal(t, alerts, []int64{a.ID, b.ID})
	requireStates(t, l, a, "claimed -1", "sent 33", "canceled 40 canceled")
	requireStates(t, l, b, "canceled 40 canceled", "canceled 40 canceled")
	requireStates(t, l, c, "queued -1")
	report(t, l, retryReport(claims[0], 41)) // a claimed one is not retried
	requireStates(t, l, a, "canceled 42 canceled", "sent 33", "canceled 40 canceled")
	n, alerts, err = l.CancelSelected(t.Context(), alert.CancelSelection{AlertID: a.ID}, at(50), false)
	kittest.NoError(t, err)
	kittest.Equal(t, n, 0)
	kittest.Equal(t, len(alerts), 0)
}

// testReplayOfAlerts checks the conditions of a replay on the alerts of deliveries.
func testReplayOfAlerts(t *testing.T, l alert.Ledger) {
	for i, key := range []string{"disk", "", job.SourceKey("disk")} {
		ds := queuedDeliveries(1)
		ds[0].Nickname = fmt.Sprint("user", i)
		a := alert.Alert{Targets: []string{"@@ops", fmt.Sprint("@user", i)}[:1+i%2], Severity: "normal", Message: "m", CreateTime: at(i), ExpireTime: expiry, AlertKey: key}
		added, err := l.AddAlert(t.Context(), a, ds, never)
		recorded(t, added, err, ds)
		report(t, l, failureReport(claim(t, l, ids(ds), 5, 100)[0], 6))
	}
	for name, want := range map[string]struct {
		f     alert.AlertFilter
		count int
	}{
		"key":         {alert.AlertFilter{Key: "disk"}, 2},
		"another key": {alert.AlertFilter{Key: "disk2"}, 0},
		"group":       {alert.AlertFilter{Group: "ops"}, 3},
		"a user":      {alert.AlertFilter{Group: "user1"}, 0},
		"both":        {alert.AlertFilter{Key: "disk", Group: "ops"}, 2},
		"nothing":     {alert.AlertFilter{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := l.Replay(t.Context(), alert.ReplaySelection{Alerts: want.f}, at(100), at(200), true)
			kittest.NoError(t, err)
			kittest.Equal(t, n, want.count)
		})
	}
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{Alerts: alert.AlertFilter{Key: "disk"}}, 100, 200), 2)
}
