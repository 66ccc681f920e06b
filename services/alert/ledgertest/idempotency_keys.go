package ledgertest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// keyed returns an alert with an idempotency key and a request, created at a time.
func keyed(key, request string, create time.Time) alert.Alert {
	return alert.Alert{
		Targets: []string{"@all"}, Severity: "normal", Message: request, CreateTime: create, ExpireTime: expiry,
		IdempotencyKey: key, RequestDigest: []byte(request),
	}
}

// testIdempotencyKey checks that a repeated request records nothing, and returns the recorded
// alert in its current state.
func testIdempotencyKey(t *testing.T, l alert.Ledger) {
	ds := queuedDeliveries(2)
	first := keyed("k", "\x00\xff", start)
	first.UnknownTargets, first.Message = []string{"@x"}, "x"
	added, err := l.AddAlert(t.Context(), first, ds, never)
	first = recorded(t, added, err, ds)
	report(t, l, successReport(claim(t, l, ids(ds), 0, 10)[0], 1))

	second, more := keyed("k", "\x00\xff", at(60)), queuedDeliveries(5)
	second.Message, second.Severity = "another", "low"
	added, err = l.AddAlert(t.Context(), second, more, never)
	kittest.NoError(t, err)
	want := first
	want.Counts = counts(0, 1, 1)
	kittest.Equal(t, added, alert.Added{Alert: want, Duplicate: true})

	for _, other := range []alert.Alert{keyed("K", "\x00\xff", start), keyed("k ", "\x00\xff", start), keyed("", "\x00\xff", start), keyed("", "\x00\xff", start)} {
		other.Message = "x"
		added, err := l.AddAlert(t.Context(), other, nil, never)
		kittest.NoError(t, err)
		kittest.Equal(t, added.Duplicate, false)
	}
	all, err := l.Alerts(t.Context(), alert.AlertQuery{Limit: 10})
	kittest.NoError(t, err)
	kittest.Equal(t, len(all), 5)
	kittest.Equal(t, all[4].Counts.Total(), 2)
}

// testIdempotencyKeyClockAhead checks that a key that was taken by a clock a year ahead expires a
// day after its next use.
func testIdempotencyKeyClockAhead(t *testing.T, l alert.Ledger) {
	year := 365 * 24 * time.Hour
	for i, c := range []struct {
		create time.Duration
		again  bool
	}{{year, false}, {0, true}, {alert.IdempotencyKeyTTL - time.Second, true}, {alert.IdempotencyKeyTTL, false}} {
		added, err := l.AddAlert(t.Context(), keyed("k", "one", start.Add(c.create)), queuedDeliveries(1), never)
		kittest.NoError(t, err)
		if added.Duplicate != c.again {
			t.Errorf("request %d is a duplicate: %t", i, added.Duplicate)
		}
	}
}

func testIdempotencyKeyOfAnotherRequest(t *testing.T, l alert.Ledger) {
	kittest.NoError(t, kittest.ErrorOf(l.AddAlert(t.Context(), keyed("k", "one", start), queuedDeliveries(1), never)))
	for _, request := range []string{"two", "", "on", "one "} {
		other := keyed("k", request, start)
		added, err := l.AddAlert(t.Context(), other, queuedDeliveries(1), never)
		kittest.Error(t, err, fault.ErrExists, `"k"`, "another request")
		kittest.Equal(t, added, alert.Added{})
	}
	all, err := l.Alerts(t.Context(), alert.AlertQuery{Limit: 10})
	kittest.NoError(t, err)
	kittest.Equal(t, len(all), 1)
}

// testIdempotencyKeyScopes checks that equal keys of different scopes are different keys, and
// that an error names the key without its scope.
func testIdempotencyKeyScopes(t *testing.T, l alert.Ledger) {
	for _, scope := range []alert.IdempotencyScope{"", "\x1ea\x1e", "\x1eb\x1e", "\x1fa\x1f"} {
		a := keyed("k", string(scope), start)
		a.IdempotencyScope, a.Message = scope, "x"
		for _, duplicate := range []bool{false, true} {
			added, err := l.AddAlert(t.Context(), a, queuedDeliveries(1), never)
			kittest.NoError(t, err)
			kittest.Equal(t, added.Duplicate, duplicate)
			kittest.Equal(t, added.Alert.IdempotencyScope, scope)
		}
		other := keyed("k", "another", start)
		other.IdempotencyScope, other.Message = scope, "x"
		_, err := l.AddAlert(t.Context(), other, queuedDeliveries(1), never)
		kittest.Error(t, err, fault.ErrExists, `the idempotency key "k" was`)
	}
}

func testIdempotencyKeyExpiry(t *testing.T, l alert.Ledger) {
	var last int64
	for _, step := range []struct {
		request string
		after   time.Duration
		again   bool
	}{
		{"one", 0, false},
		{"one", alert.IdempotencyKeyTTL - time.Microsecond, true},
		{"one", -alert.IdempotencyKeyTTL, true}, // from a clock that is behind
		{"two", alert.IdempotencyKeyTTL, false},
		{"two", 2*alert.IdempotencyKeyTTL - time.Microsecond, true},
		{"two", 2 * alert.IdempotencyKeyTTL, false},
	} {
		a := keyed("k", step.request, start.Add(step.after))
		added, err := l.AddAlert(t.Context(), a, nil, never)
		kittest.NoError(t, err)
		kittest.Equal(t, added.Duplicate, step.again)
		kittest.Equal(t, added.Alert.ID == last, step.again)
		last = added.Alert.ID
	}
}

// testIdempotencyKeyOfRefusedRequest checks that a refused request does not use its key.
func testIdempotencyKeyOfRefusedRequest(t *testing.T, l alert.Ledger) {
	bad := keyed("k", "one", start)
	kittest.Error(t, kittest.ErrorOf(l.AddAlert(t.Context(), bad, []alert.Delivery{{}}, never)), fault.ErrInvalid)
	added, err := l.AddAlert(t.Context(), keyed("k", "two", start), nil, never)
	kittest.NoError(t, err)
	kittest.Equal(t, added.Duplicate, false)
}

// testIdempotencyKeyConcurrent checks concurrent calls with two requests under one key: one call
// records its alert, calls with the same request return it, and the others fail because the key
// is taken.
func testIdempotencyKeyConcurrent(t *testing.T, l alert.Ledger) {
	const many = 100
	var all [many]alert.Added
	errs := kittest.Concurrently(many, func(i int) (err error) {
		all[i], err = l.AddAlert(t.Context(), keyed("k", fmt.Sprint(i%2), start), queuedDeliveries(3), never)
		return err
	})
	won := -1
	for i, err := range errs {
		if err == nil && !all[i].Duplicate {
			kittest.Equal(t, won, -1)
			won = i
		}
	}
	if won < 0 {
		t.Fatal("no alert was recorded")
	}
	for i, err := range errs {
		if i%2 != won%2 {
			kittest.Error(t, err, fault.ErrExists)
			continue
		}
		kittest.NoError(t, err)
		kittest.Equal(t, all[i].Alert.ID, all[won].Alert.ID)
		kittest.Equal(t, all[i].Alert.Message, all[won].Alert.Message)
	}
	alerts, err := l.Alerts(t.Context(), alert.AlertQuery{Limit: many})
	kittest.NoError(t, err)
	kittest.Equal(t, len(alerts), 1)
	kittest.Equal(t, alerts[0].Counts, counts(3))
	kittest.Equal(t, ids(deliveries(t, l, all[won].Alert.ID)), ids(all[won].Deliveries))
}

// testIdempotencyKeysConcurrent checks that concurrent requests under different keys, without
// keys and refused ones do not affect each other.
func testIdempotencyKeysConcurrent(t *testing.T, l alert.Ledger) {
	const many, keys = 200, 20
	var all [many]alert.Added
	for i, err := range kittest.Concurrently(many, func(i int) (err error) {
		a := keyed(fmt.Sprint(i%keys), fmt.Sprint(i%keys), start)
		switch i % keys {
		case 0:
			a.IdempotencyKey = ""
		case 1:
			a.Message = "\x00"
		}
		all[i], err = l.AddAlert(t.Context(), a, queuedDeliveries(1), never)
		return err
	}) {
		if i%keys == 1 {
			kittest.Error(t, err, fault.ErrInvalid)
		} else {
			kittest.NoError(t, err)
		}
	}
	n, seen := 0, map[int64]bool{}
	for i, added := range all {
		if i%keys != 1 && !added.Duplicate {
			n++
		}
		seen[added.Alert.ID] = true
		if i%keys > 1 {
			kittest.Equal(t, added.Alert.Message, fmt.Sprint(i%keys))
		}
	}
	kittest.Equal(t, n, many/keys+keys-2)
	kittest.Equal(t, len(seen), n+1) // including 0 for the refused ones
	for i, added := range all {
		if _, _, err := l.Alert(t.Context(), added.Alert.ID); (i%keys == 1) != errors.Is(err, fault.ErrNotFound) {
			t.Errorf("alert %d: error is %v", added.Alert.ID, err)
		}
	}
}
