package ledger_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// addAlert records an alert with one delivery.
func addAlert(t testing.TB, l *ledger.Store) alert.Alert {
	t.Helper()
	a := alert.Alert{Severity: "normal", Message: "x", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour)}
	ds := []alert.Delivery{{Nickname: "kim", Messenger: "slack", State: alert.Queued}}
	added, err := l.AddAlert(t.Context(), a, ds, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return added.Alert
}

// raw opens the database file of a SQLite ledger, bypassing the store.
func raw(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // test cleanup
	return db
}

// TestCloseStopsWorkers checks that the workers of the batchers stop with the store.
func TestCloseStopsWorkers(t *testing.T) {
	workers := func() int {
		var stacks strings.Builder
		if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
			t.Fatal(err)
		}
		return strings.Count(stacks.String(), "database.(*Batcher[...]).run(")
	}
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			before := workers()
			l, err := ledger.Open(t.Context(), url(t), time.Now)
			if err != nil {
				t.Fatal(err)
			}
			addAlert(t, l)
			if workers() == before {
				t.Error("no worker runs for an open store")
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if after := workers(); after != before {
				t.Errorf("%d workers run after Close, want %d as before Open", after, before)
			}
		})
	}
}

// TestIDsOfAnEmptiedLedger checks that no id is assigned twice, neither after the ledger was
// emptied, nor while the clock stands still or runs backwards.
func TestIDsOfAnEmptiedLedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	last := int64(0)
	for _, step := range []struct {
		name  string
		empty bool
		by    time.Duration
	}{
		{name: "first"},
		{name: "opened again, by the same clock"},
		{name: "the clock ran backwards", by: -time.Hour},
		{name: "emptied a millisecond later", empty: true, by: time.Hour + time.Millisecond},
		{name: "emptied again", empty: true, by: time.Millisecond},
	} {
		now = now.Add(step.by)
		l, err := ledger.Open(t.Context(), path, clock)
		if err != nil {
			t.Fatal(err)
		}
		if step.empty {
			if _, err := raw(t, path).Exec(`DELETE FROM alerts; DELETE FROM deliveries; DELETE FROM sequences`); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			a := addAlert(t, l)
			if a.ID <= last {
				t.Errorf("%s: id %d after %d", step.name, a.ID, last)
			}
			last = a.ID + 1 // the delivery's
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestIDsOfTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	a, b := open(t, path), open(t, "sqlite:"+path)
	seen := map[int64]bool{}
	for range 10 {
		for _, l := range []*ledger.Store{a, b} {
			if got := addAlert(t, l); seen[got.ID] {
				t.Errorf("id %d was assigned twice", got.ID)
			} else {
				seen[got.ID], seen[got.ID+1] = true, true
			}
		}
	}
}

func TestRecordSurvivesReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(t.Context(), path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	a := addAlert(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	got, ds, err := open(t, path).Alert(t.Context(), a.ID)
	if err != nil || got.Message != "x" || len(ds) != 1 {
		t.Errorf("got %+v, %d deliveries, %v", got, len(ds), err)
	}
}

// TestClosed checks that a closed ledger returns errors, and that calls during Close are either
// recorded or refused.
func TestClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(t.Context(), path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	addAlert(t, l)
	type result struct {
		id  int64
		err error
	}
	const many = 200
	results := make(chan result)
	for range many {
		go func() {
			a := alert.Alert{Severity: "normal", Message: "x", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour)}
			added, err := l.AddAlert(t.Context(), a, nil, time.Now())
			results <- result{added.Alert.ID, err}
		}()
	}
	first := <-results
	if first.err != nil {
		t.Fatal(first.err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, path)
	for range many - 1 {
		r := <-results
		if r.err != nil {
			if !errors.Is(r.err, fault.ErrUnavailable) {
				t.Errorf("error is %v, want %v", r.err, fault.ErrUnavailable)
			}
			continue
		}
		if _, _, err := again.Alert(t.Context(), r.id); err != nil {
			t.Errorf("recorded alert is missing: %v", err)
		}
	}
}
