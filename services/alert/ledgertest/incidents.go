package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// policy is the policy of the tests: unchanged alerts are repeats for 100 s, and an incident is
// reopened within 10 s.
func policy(digest string) alert.IncidentPolicy {
	return alert.IncidentPolicy{RepeatAfter: 100 * time.Second, FlapWindow: 10 * time.Second, Digest: digest}
}

// keyedAlert returns an alert of a key at at(now) under the policy of the tests.
func keyedAlert(key, severity, digest string, now int) alert.Alert {
	return alert.Alert{
		Targets: []string{"@all"}, Severity: severity, Message: "node1 down", AlertKey: key, Policy: policy(digest),
		CreateTime: at(now), ExpireTime: expiry,
	}
}

// add records an alert; its deliveries are due at once if it is resolved.
func add(t testing.TB, l alert.Ledger, a alert.Alert, ds []alert.Delivery) alert.Alert {
	t.Helper()
	retry := never
	if a.Resolved {
		retry = a.CreateTime
	}
	added, err := retryAdd(t, l, a, ds, retry)
	return recorded(t, added, err, ds)
}

// allChanges returns all changes of incidents.
func allChanges(t testing.TB, l alert.Ledger) []alert.IncidentChange {
	t.Helper()
	changes, err := l.IncidentChanges(t.Context(), 0, 1000)
	kittest.NoError(t, err)
	return changes
}

// testIncidents checks the effects of alerts on the incident of their key, and that they are recorded
// with it.
func testIncidents(t *testing.T, l alert.Ledger) {
	renotify := keyedAlert("k", "high", "a", 5)
	renotify.Policy.Renotify = true
	acknowledged := keyedAlert("k", "high", "", 6)
	acknowledged.Acknowledged, acknowledged.Source, acknowledged.Escalation = true, "grafana", "night"
	resolved := func(now int) alert.Alert {
		a := keyedAlert("k", "high", "", now)
		a.Resolved = true
		return a
	}
	early := keyedAlert("unknown", "high", "", 0)
	early.Resolved = true
	const opened, updated, repeated = alert.IncidentOpened, alert.IncidentUpdated, alert.IncidentRepeated
	incident, changes := int64(0), 0
	for i, step := range []struct {
		a               alert.Alert
		kind            alert.IncidentChangeKind
		reply, flapping bool
	}{
		{early, 0, false, false},
		{keyedAlert("k", "high", "a", 0), opened, false, false},
		{keyedAlert("k", "high", "a", 1), repeated, false, false},
		{keyedAlert("k", "low", "a", 2), repeated, false, false},
		{keyedAlert("k", "high", "b", 3), updated, false, false},
		{keyedAlert("k", "critical", "b", 4), updated, true, false},
		{keyedAlert("k", "high", "b", 4), repeated, false, false},
		{renotify, updated, true, false},
		{acknowledged, alert.IncidentAcknowledged, false, false},
		{keyedAlert("k", "high", "a", 104), repeated, false, false},
		{keyedAlert("k", "high", "a", 105), updated, true, false},
		{resolved(106), alert.IncidentResolved, false, false},
		{resolved(110), alert.IncidentResolved, false, false},
		{keyedAlert("k", "high", "a", 115), alert.IncidentReopened, true, true},
		{resolved(116), alert.IncidentResolved, false, false},
		{keyedAlert("k", "high", "a", 117), alert.IncidentReopened, true, false},
		{resolved(118), alert.IncidentResolved, false, false},
		{keyedAlert("k", "low", "a", 128), opened, false, false},
		{keyedAlert("k", "normal", "a", 129), updated, true, false},
	} {
		a := add(t, l, step.a, queuedDeliveries(1))
		if step.kind == opened {
			incident = a.ID
		}
		want := incident
		if step.kind == 0 {
			want = 0
		}
		stored, _, err := l.Alert(t.Context(), a.ID)
		kittest.NoError(t, err)
		for _, got := range []alert.Alert{a, stored} {
			kittest.Equal(t, []any{i, got.Incident, got.Repeat, got.Reply, got.Flapping}, []any{i, want, step.kind == repeated, step.reply, step.flapping})
			kittest.Equal(t, []any{got.Acknowledged, got.Source, got.Escalation}, []any{step.a.Acknowledged, step.a.Source, step.a.Escalation})
		}
		all := allChanges(t, l)
		if step.kind == 0 {
			kittest.Equal(t, len(all), 0)
			continue
		}
		changes++
		kittest.Equal(t, len(all), changes)
		last := all[len(all)-1]
		stored.Counts = alert.Counts{}
		kittest.Equal(t, last, alert.IncidentChange{ID: last.ID, Incident: incident, Kind: step.kind, Alert: stored})
	}
}

// testIncidentsTogether checks that alerts of a key in one call change its incident in their order.
func testIncidentsTogether(t *testing.T, l alert.Ledger) {
	add(t, l, keyedAlert("known", "high", "a", 0), queuedDeliveries(1))
	var adds []alert.Addition
	for i, key := range []string{"new", "known", "new", "known", "new"} {
		a := keyedAlert(key, "high", "a", 1+i)
		a.Resolved = i == 2
		adds = append(adds, alert.Addition{Alert: a, Deliveries: queuedDeliveries(1), Retry: never})
	}
	results, err := l.AddAlerts(t.Context(), adds)
	kittest.NoError(t, err)
	first := allChanges(t, l)[0].Incident
	var got []any
	for _, c := range allChanges(t, l)[1:] {
		got = append(got, c.Kind, c.Incident)
	}
	opened := results[0].Alert.ID
	kittest.Equal(t, got, []any{
		alert.IncidentOpened, opened, alert.IncidentRepeated, first, alert.IncidentResolved, opened,
		alert.IncidentRepeated, first, alert.IncidentReopened, opened,
	})
}

// testIncidentChanges checks the pages of changes, and that those that are stored are deleted.
func testIncidentChanges(t *testing.T, l alert.Ledger) {
	addAlert(t, l, "high", queuedDeliveries(1), never)
	var want []int64
	for i := range 5 {
		want = append(want, add(t, l, keyedAlert(fmt.Sprint("k", i), "high", "", i), nil).ID)
	}
	ids := func(after int64, limit int) (ids, alerts []int64) {
		changes, err := l.IncidentChanges(t.Context(), after, limit)
		kittest.NoError(t, err)
		for _, c := range changes {
			ids, alerts = append(ids, c.ID), append(alerts, c.Alert.ID)
		}
		return ids, alerts
	}
	first, alerts := ids(0, 3)
	kittest.Equal(t, alerts, want[:3])
	kittest.Equal(t, slices.IsSorted(first), true)
	_, alerts = ids(first[2], 3)
	kittest.Equal(t, alerts, want[3:])
	kittest.NoError(t, l.DeleteIncidentChanges(t.Context(), first[1]))
	_, alerts = ids(0, 100)
	kittest.Equal(t, alerts, want[2:])
	kittest.NoError(t, l.DeleteIncidentChanges(t.Context(), first[1]+100))
	kittest.Equal(t, len(allChanges(t, l)), 0)
	_, err := l.IncidentChanges(t.Context(), 0, 0)
	kittest.Error(t, err, fault.ErrInvalid, "limit")
	a := keyedAlert("k", "high", "", 0)
	a.Resolved, a.Acknowledged = true, true
	_, err = l.AddAlert(t.Context(), a, nil, never)
	kittest.Error(t, err, fault.ErrInvalid, "acknowledged")
}

// testIncidentChangesDeleted checks that changes are deleted after their alerts, if no follower has
// read them.
func testIncidentChangesDeleted(t *testing.T, l alert.Ledger) {
	for i := range 3 {
		ds := queuedDeliveries(1)
		add(t, l, keyedAlert(fmt.Sprint("k", i), "high", "", i), ds)
		if i != 1 {
			sendFirst(t, l, ds, 5)
		}
	}
	kept := allChanges(t, l)[1]
	kittest.Equal(t, deleteCompleted(t, l, 100, 10).Alerts, 2)
	kittest.Equal(t, allChanges(t, l), []alert.IncidentChange{kept})
	kittest.NoError(t, l.DeleteIncidentChanges(t.Context(), kept.ID))
}

func testIncidentChangesConcurrent(t *testing.T, l alert.Ledger) {
	RunConcurrentIncidentChanges(t, l)
}

// RunConcurrentIncidentChanges records alerts from concurrent callers, while a follower reads the
// changes of their incidents and deletes those that it has read: it misses none, and reads those
// of a key in the order of their alerts. The ledgers share one database.
func RunConcurrentIncidentChanges(t *testing.T, ledgers ...alert.Ledger) {
	const callers, rounds = 6, 10
	errs := make(chan error, 1)
	go func() {
		errs <- errors.Join(kittest.Concurrently(callers, func(i int) error {
			for n := range rounds {
				_, err := retryAdd(t, ledgers[i%len(ledgers)], keyedAlert(fmt.Sprint("k", i), "high", fmt.Sprint(n), n), queuedDeliveries(1), never)
				if err != nil {
					return err
				}
			}
			return nil
		})...)
	}()
	read := map[string][]int64{}
	after, done := int64(0), false
	for n := 0; n < callers*rounds; {
		changes, err := retried(func() ([]alert.IncidentChange, error) { return ledgers[0].IncidentChanges(t.Context(), after, 7) })
		kittest.NoError(t, err)
		if len(changes) == 0 && done {
			t.Fatalf("read %d changes, want %d", n, callers*rounds)
		}
		for _, c := range changes {
			read[c.Alert.AlertKey] = append(read[c.Alert.AlertKey], c.Alert.ID)
			after = c.ID
		}
		n += len(changes)
		_, err = retried(func() (any, error) { return nil, ledgers[0].DeleteIncidentChanges(t.Context(), after) })
		kittest.NoError(t, err)
		select {
		case err := <-errs:
			kittest.NoError(t, err)
			done = true
		default:
		}
	}
	if !done {
		kittest.NoError(t, <-errs)
	}
	for key, alerts := range read {
		kittest.Equal(t, []any{key, len(alerts), slices.IsSorted(alerts)}, []any{key, rounds, true})
	}
}
