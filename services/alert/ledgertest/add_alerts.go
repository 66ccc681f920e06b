package ledgertest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// addition returns an addition of an alert with n deliveries.
func addition(a alert.Alert, n int) alert.Addition {
	return alert.Addition{Alert: a, Deliveries: queuedDeliveries(n), Retry: never}
}

// addLines adds alerts, and returns the kind of each result with the number of deliveries.
func addLines(t *testing.T, l alert.Ledger, adds ...alert.Addition) ([]string, []alert.AddResult) {
	t.Helper()
	results, err := l.AddAlerts(t.Context(), adds)
	kittest.NoError(t, err)
	kittest.Equal(t, len(results), len(adds))
	lines := make([]string, len(results))
	for i, r := range results {
		kind := "recorded"
		switch {
		case r.Err != nil:
			lines[i] = "refused"
			kittest.Equal(t, r.Added, alert.Added{})
			continue
		case r.Duplicate:
			kind = "duplicate"
		case r.Changed:
			kind = "changed"
		}
		lines[i] = fmt.Sprint(kind, " ", r.DeliveryCount())
	}
	return lines, results
}

// testAddAlerts checks that alerts are recorded together as each would be alone, in their order,
// and that refused ones do not affect the others.
func testAddAlerts(t *testing.T, l alert.Ledger) {
	plain := keyed("", "plain", start)
	plain.By = []string{"slack", "sms"}
	invalid := keyed("i", "\x00", start)
	invalid.Message = "\x00"
	chained := queuedDeliveries(3)
	for i := range chained {
		chained[i].Chain = 7
		if i > 0 {
			chained[i].State, chained[i].NextTime = alert.Held, at(60*i)
		}
	}
	adds := []alert.Addition{
		addition(plain, 2), addition(invalid, 1), addition(keyed("k", "one", start), 3), addition(keyed("k", "one", start), 5),
		addition(keyed("k", "two", start), 1), addition(keyed("", "none", start), 0),
		{Alert: keyed("c", "chain", start), Deliveries: chained, Retry: never},
	}
	lines, results := addLines(t, l, adds...)
	kittest.Equal(t, lines, []string{"recorded 2", "refused", "recorded 3", "duplicate 3", "refused", "recorded 0", "recorded 3"})
	kittest.Error(t, results[1].Err, fault.ErrInvalid, "NUL")
	kittest.Error(t, results[4].Err, fault.ErrExists, `"k"`)
	kittest.Equal(t, results[3].Alert.ID, results[2].Alert.ID)
	last := int64(0)
	for _, i := range []int{0, 2, 5, 6} {
		r := results[i]
		got, ds, err := l.Alert(t.Context(), r.Alert.ID)
		kittest.NoError(t, err)
		kittest.Equal(t, got.Message, adds[i].Alert.Message)
		kittest.Equal(t, got.By, adds[i].Alert.By)
		kittest.Equal(t, ids(ds), ids(r.Deliveries))
		for _, id := range append([]int64{r.Alert.ID}, ids(ds)...) {
			if id <= last {
				t.Errorf("id %d of alert %d after %d", id, i, last)
			}
			last = id
		}
	}
	kittest.Equal(t, results[6].Deliveries[2].Chain, results[6].Deliveries[0].ID)
	kittest.Equal(t, len(claim(t, l, ids(results[0].Deliveries), 0, 10)), 2)

	none, err := l.AddAlerts(t.Context(), nil)
	kittest.NoError(t, err)
	kittest.Equal(t, len(none), 0)
	lines, _ = addLines(t, l, addition(invalid, 1))
	kittest.Equal(t, lines, []string{"refused"})
}

// testAddAlertsChanged checks that a changed request under an idempotency key is recorded once
// under its changed key, in its place among the others.
func testAddAlertsChanged(t *testing.T, l alert.Ledger) {
	changed := func(request string, n int) alert.Addition {
		a := addition(keyed("k", request, start), n)
		a.Alert.AlertKey, a.KeepChanged = "disk of db1", true
		return a
	}
	_, err := l.AddAlert(t.Context(), keyed("k", "zero", start), nil, never)
	kittest.NoError(t, err)
	other := addition(keyed("other", "o", start), 1)
	other.Alert.AlertKey = "disk of db1"
	lines, results := addLines(t, l, changed("one", 1), other, changed("two", 1), changed("one", 1), changed("zero", 1))
	kittest.Equal(t, lines, []string{"changed 1", "recorded 1", "changed 1", "duplicate 1", "duplicate 0"})
	kittest.Equal(t, results[3].Alert.ID, results[0].Alert.ID)
	// The deliveries are of one thread: only the first of them does not wait.
	states := make([]alert.State, 0, 3)
	for _, r := range results[:3] {
		states = append(states, r.Deliveries[0].State)
	}
	kittest.Equal(t, states, []alert.State{alert.Queued, alert.Held, alert.Held})
	lines, _ = addLines(t, l, changed("two", 9), changed("three", 2))
	kittest.Equal(t, lines, []string{"duplicate 1", "changed 2"})
}

// testAddAlertsConcurrent checks that concurrent calls with the same keys record each alert once,
// and that a thread has the order of its call.
func testAddAlertsConcurrent(t *testing.T, l alert.Ledger) {
	const calls, many = 8, 50
	var all [calls][]alert.AddResult
	for _, err := range kittest.Concurrently(calls, func(i int) (err error) {
		var adds []alert.Addition
		for n := range many {
			a := addition(keyed(fmt.Sprint(n), fmt.Sprint(n), start), 2)
			a.Alert.AlertKey = fmt.Sprint("key", n%5)
			adds = append(adds, a)
		}
		all[i], err = l.AddAlerts(t.Context(), adds)
		return err
	}) {
		kittest.NoError(t, err)
	}
	recorded := map[int64]bool{}
	for n := range many {
		for i := range calls {
			r := all[i][n]
			kittest.NoError(t, r.Err)
			kittest.Equal(t, r.Alert.ID, all[0][n].Alert.ID)
			kittest.Equal(t, r.DeliveryCount(), 2)
			if !r.Duplicate {
				kittest.Equal(t, recorded[r.Alert.ID], false)
				recorded[r.Alert.ID] = true
			}
		}
	}
	kittest.Equal(t, len(recorded), many)
	for i := range calls {
		order := make([]int64, many)
		for n, r := range all[i] {
			order[n] = r.Alert.ID
		}
		if !slices.IsSorted(order) {
			t.Errorf("call %d: alerts are not in order", i)
		}
	}
}
