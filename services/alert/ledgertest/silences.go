package ledgertest

import (
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// silencedDeliveries returns n deliveries of an alert that was silenced at at(now).
func silencedDeliveries(n, now int) []alert.Delivery {
	ds := queuedDeliveries(n)
	for i := range ds {
		ds[i].State, ds[i].Reason, ds[i].EndTime = alert.Canceled, alert.Silenced, at(now)
	}
	return ds
}

// testSilenced checks that an alert keeps its source and its silence, that silenced deliveries are
// recorded as completed, and by which selections they can be replayed.
func testSilenced(t *testing.T, l alert.Ledger) {
	ds := silencedDeliveries(2, 0)
	added, err := retryAdd(t, l, alert.Alert{Severity: "low", Message: "m", Source: "grafana", Silence: 17, CreateTime: at(0), ExpireTime: expiry}, ds, never)
	a := recorded(t, added, err, ds)
	got, stored, err := l.Alert(t.Context(), a.ID)
	kittest.NoError(t, err)
	kittest.Equal(t, []any{got.Source, got.Silence, got.Counts}, []any{"grafana", int64(17), counts(0, 0, 0, 0, 0, 2)})
	kittest.Equal(t, stored, ds)
	kittest.Equal(t, total(due(t, l, 1000, 10)), 0)

	failed := queuedDeliveries(1)
	failed[0].State, failed[0].Reason, failed[0].EndTime = alert.Failed, "unknown_messenger", at(0)
	b := addAlert(t, l, "normal", failed, never)
	canceled := queuedDeliveries(1)
	c := addAlert(t, l, "normal", canceled, never)
	kittest.Equal(t, cancel(t, l, c.ID, 0), 1)
	everything := append(append(ids(ds), ids(failed)...), ids(canceled)...)
	for name, want := range map[string]struct {
		s     alert.ReplaySelection
		count int
	}{
		"ids":                   {alert.ReplaySelection{IDs: ids(ds)}, 2},
		"ids of others, too":    {alert.ReplaySelection{IDs: everything}, 3},
		"alert":                 {alert.ReplaySelection{AlertID: a.ID}, 0},
		"reason":                {alert.ReplaySelection{Reason: alert.Silenced}, 2},
		"reason and alert":      {alert.ReplaySelection{Reason: alert.Silenced, AlertID: a.ID, Messenger: "slack"}, 2},
		"reason, another alert": {alert.ReplaySelection{Reason: alert.Silenced, AlertID: b.ID}, 0},
		"reason canceled":       {alert.ReplaySelection{Reason: "canceled"}, 0},
		"ids, reason canceled":  {alert.ReplaySelection{Reason: "canceled", IDs: everything}, 0},
		"time":                  {alert.ReplaySelection{Before: at(1)}, 1},
		"time and reason":       {alert.ReplaySelection{Before: at(1), Reason: alert.Silenced}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := l.Replay(t.Context(), want.s, at(100), at(200), true)
			kittest.NoError(t, err)
			kittest.Equal(t, n, want.count)
		})
	}
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{IDs: ids(ds[:1])}, 100, 200), 1)
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{Reason: alert.Silenced}, 100, 200), 1)
	requireStates(t, l, a, "queued -1", "queued -1")
	kittest.Equal(t, len(claim(t, l, ids(ds), 101, 110)), 2)
}

// testThreadSilenced checks that silenced deliveries neither block their thread nor count as
// notified, and that a replayed one has its place: it is followed by the resolved alert, which makes
// others obsolete.
func testThreadSilenced(t *testing.T, l alert.Ledger) {
	silenced := silencedDeliveries(2, 0)
	first := fire(t, l, "k", "low", silenced, 0)
	requireStates(t, l, first, "canceled 0 silenced", "canceled 0 silenced")
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{IDs: ids(silenced[:1])}, 10, 1000), 1)
	requireStates(t, l, first, "queued -1", "canceled 0 silenced")
	report(t, l, successReport(claim(t, l, ids(silenced), 11, 100)[0], 11))

	blocked := fire(t, l, "k", "low", queuedDeliveries(2), 20)
	late := silencedDeliveries(2, 21)
	more := fire(t, l, "k", "low", late, 21) // while the thread is busy
	kittest.Equal(t, late[0].State, alert.Canceled)
	requireStates(t, l, blocked, "queued -1", "queued -1")
	requireStates(t, l, more, "canceled 21 silenced", "canceled 21 silenced")
	for _, c := range claim(t, l, ids(deliveries(t, l, blocked.ID))[:1], 22, 100) {
		report(t, l, successReport(c, 22))
	}

	resolution := resolve(t, l, "k", "low", queuedDeliveries(2), 30)
	requireStates(t, l, resolution, "queued -1", "canceled 30 not_needed")
	requireStates(t, l, blocked, "sent 23", "canceled 30 superseded")
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{IDs: append(ids(silenced), ids(deliveries(t, l, more.ID))...)}, 40, 1000), 0)
	kittest.Equal(t, replay(t, l, alert.ReplaySelection{Reason: alert.Silenced}, 40, 1000), 0)

	fire(t, l, "other", "low", silencedDeliveries(1, 50), 50)
	requireStates(t, l, resolve(t, l, "other", "low", queuedDeliveries(1), 51), "canceled 51 not_needed") // nobody was notified

	addition := func(ds []alert.Delivery) alert.Addition {
		return alert.Addition{Alert: alert.Alert{Severity: "low", Message: "m", AlertKey: "batch", CreateTime: at(60), ExpireTime: expiry}, Deliveries: ds, Retry: never}
	}
	all, err := l.AddAlerts(t.Context(), []alert.Addition{addition(silencedDeliveries(1, 60)), addition(queuedDeliveries(1))})
	kittest.NoError(t, err)
	requireStates(t, l, all[0].Alert, "canceled 60 silenced")
	requireStates(t, l, all[1].Alert, "queued -1")
}
