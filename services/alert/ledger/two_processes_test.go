package ledger_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/alert/ledgertest"
)

// urls return the URL of an empty database in each dialect.
var urls = map[string]func(*testing.T) string{
	"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "ledger.db") },
	"postgres": func(t *testing.T) string { return postgrestest.URL(t) },
}

// TestTwoProcesses lets two stores of one database concurrently claim, report, sweep, re-enqueue
// and take due deliveries, each in its own order: each delivery is claimed and reported once, and
// no call fails because of the other store.
func TestTwoProcesses(t *testing.T) { // not parallel: SQLite has a timeout for locks
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			stores := []*ledger.Store{open(t, url), open(t, url)}
			a := alert.Alert{Severity: "normal", Message: "x", CreateTime: clock(0), ExpireTime: clock(1000)}
			added, err := stores[0].AddAlert(t.Context(), a, queued(2000), clock(0))
			if err != nil {
				t.Fatal(err)
			}
			ds := added.Deliveries
			ids := make([]int64, len(ds))
			for i, d := range ds {
				ids[i] = d.ID
			}
			var granted sync.Map
			var all sync.WaitGroup
			for i, l := range stores {
				for n := range 5 {
					all.Go(func() {
						mine := slices.Clone(ids[100*n:])
						if i == 0 {
							slices.Reverse(mine)
						}
						claims, err := l.Claim(t.Context(), mine, ledgertest.Claimant(), clock(0), clock(10))
						if err != nil {
							t.Error(err)
						}
						var reports []dispatch.Report
						for _, c := range claims {
							if _, twice := granted.LoadOrStore(c.DeliveryID, true); twice {
								t.Errorf("delivery %d was granted twice", c.DeliveryID)
							}
							reports = append(reports, dispatch.Report{
								DeliveryID: c.DeliveryID, Fence: c.Fence, StartTime: clock(1), EndTime: clock(2),
								Outcome: messenger.Outcome{Kind: messenger.Sent},
							})
						}
						slices.Reverse(reports)
						if fenced, err := l.Report(t.Context(), reports, clock(2), rule); err != nil || len(fenced) > 0 {
							t.Error(len(fenced), "are fenced,", err)
						}
					})
					all.Go(func() {
						if _, err := l.Reenqueue(t.Context(), clock(1), clock(1_000_000)); err != nil {
							t.Error(err)
						}
						if _, err := l.Sweep(t.Context(), clock(1), 100, rule); err != nil {
							t.Error(err)
						}
						if _, err := l.TakeDue(t.Context(), clock(1), clock(1).Add(time.Microsecond), 0, 100, 5); err != nil {
							t.Error(err)
						}
					})
				}
			}
			all.Wait()
			for i, l := range stores {
				got, _, err := l.Alert(t.Context(), added.Alert.ID)
				if err != nil {
					t.Fatal(err)
				}
				if got.Counts[alert.Sent] != len(ds) {
					t.Errorf("store %d counts %v", i, got.Counts)
				}
			}
		})
	}
}

// TestOneKeyInTwoProcesses lets two stores of one database concurrently add alerts under two
// idempotency keys: for each key one alert is recorded, and all calls return it.
func TestOneKeyInTwoProcesses(t *testing.T) { // not parallel: SQLite has a timeout for locks
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			stores := []*ledger.Store{open(t, url), open(t, url)}
			const many = 100
			var recorded [2][]int64
			var told [2]map[int64]int
			var mu sync.Mutex
			var all sync.WaitGroup
			for i := range many {
				all.Go(func() {
					k := i / 2 % 2
					a := alert.Alert{
						Severity: "normal", Message: "x", CreateTime: clock(0), ExpireTime: clock(1000),
						IdempotencyKey: strconv.Itoa(k), RequestDigest: []byte{byte(k)},
					}
					added, err := stores[i%2].AddAlert(t.Context(), a, queued(3), clock(0))
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					if !added.Duplicate {
						recorded[k] = append(recorded[k], added.Alert.ID)
					}
					if told[k] == nil {
						told[k] = map[int64]int{}
					}
					told[k][added.Alert.ID]++
				})
			}
			all.Wait()
			for k := range recorded {
				if len(recorded[k]) != 1 || told[k][recorded[k][0]] != many/2 {
					t.Errorf("key %d: alerts %v are recorded, and returned are %v", k, recorded[k], told[k])
				}
			}
			alerts, err := stores[0].Alerts(t.Context(), alert.AlertQuery{Limit: many})
			if err != nil {
				t.Fatal(err)
			}
			if len(alerts) != 2 {
				t.Errorf("%d alerts are recorded, want 2", len(alerts))
			}
		})
	}
}

// TestReportAfterLockWait locks a delivery in PostgreSQL during its report, and changes it: the
// report applies to the changed row.
func TestReportAfterLockWait(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	l := open(t, url)
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // test cleanup
	for _, c := range []struct {
		change string
		state  alert.State
		fenced int
	}{
		{"canceled = true", alert.Sent, 0},
		{"fence = fence + 1", alert.Claimed, 1},
		{"state = 1", alert.Queued, 1},
		{"receipt_failed = true, receipt_final = true, receipt_message = 'm'", alert.Failed, 0},
	} {
		t.Run(c.change, func(t *testing.T) {
			a := alert.Alert{Severity: "normal", Message: "x", CreateTime: clock(0), ExpireTime: clock(1000)}
			added, err := l.AddAlert(t.Context(), a, queued(2), clock(0))
			if err != nil {
				t.Fatal(err)
			}
			ds := added.Deliveries
			claims, err := l.Claim(t.Context(), []int64{ds[0].ID, ds[1].ID}, ledgertest.Claimant(), clock(0), clock(10))
			if err != nil || len(claims) != 2 {
				t.Fatal(claims, err)
			}
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.ExecContext(t.Context(), `UPDATE deliveries SET `+c.change+` WHERE id = $1`, ds[1].ID); err != nil {
				t.Fatal(err)
			}
			type answer struct {
				fenced []int64
				err    error
			}
			answered := make(chan answer)
			go func() {
				var reports []dispatch.Report
				for _, claim := range claims {
					reports = append(reports, dispatch.Report{
						DeliveryID: claim.DeliveryID, Fence: claim.Fence, StartTime: clock(1), EndTime: clock(2), Outcome: messenger.Outcome{Kind: messenger.Sent, MessageID: "m"},
					})
				}
				fenced, err := l.Report(t.Context(), reports, clock(2), rule)
				answered <- answer{fenced, err}
			}()
			for waits := 0; waits == 0; { // polls, because the server has no notification for it
				if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waits); err != nil {
					t.Fatal(err)
				}
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			if got := <-answered; got.err != nil || len(got.fenced) != c.fenced {
				t.Errorf("fenced are %v, want %d, %v", got.fenced, c.fenced, got.err)
			}
			_, got, err := l.Alert(t.Context(), added.Alert.ID)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 2 || got[0].State != alert.Sent || len(got[0].Attempts) != 1 || got[1].State != c.state || len(got[1].Attempts) != 1-c.fenced {
				t.Errorf("deliveries are %+v", got)
			}
		})
	}
}

// TestReportsDoNotDeadlock lets two stores of one database concurrently report the same deliveries,
// each with a different mix of outcomes or only sent ones, while a third cancels them: each is
// recorded once, and PostgreSQL detects no deadlock.
func TestReportsDoNotDeadlock(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	var stores []*ledger.Store
	for range 3 {
		l, err := ledger.Open(t.Context(), url, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		stores = append(stores, l)
	}
	for round := range 30 {
		a := alert.Alert{Severity: "normal", Message: "x", CreateTime: clock(0), ExpireTime: clock(1000)}
		added, err := stores[0].AddAlert(t.Context(), a, queued(300), clock(0))
		if err != nil {
			t.Fatal(err)
		}
		ds := added.Deliveries
		ids := make([]int64, len(ds))
		for i, d := range ds {
			ids[i] = d.ID
		}
		claims, err := stores[0].Claim(t.Context(), ids, ledgertest.Claimant(), clock(0), clock(10))
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for n, l := range stores {
			all.Go(func() {
				if n == 2 {
					if _, err := l.Cancel(t.Context(), added.Alert.ID, clock(1)); err != nil {
						t.Error(err)
					}
					return
				}
				var reports []dispatch.Report
				for i, c := range claims {
					kind := messenger.Sent
					if (i+n+round)%(n+2) == 0 && (n > 0 || round%2 == 0) {
						kind = messenger.Failed
					}
					reports = append(reports, dispatch.Report{
						DeliveryID: c.DeliveryID, Fence: c.Fence, StartTime: clock(1), EndTime: clock(2 + n), Outcome: messenger.Outcome{Kind: kind, Code: "x"},
					})
				}
				if _, err := l.Report(t.Context(), reports, clock(2), rule); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		_, got, err := stores[0].Alert(t.Context(), added.Alert.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range got {
			if len(d.Attempts) != 1 || (d.State == alert.Sent) != (d.Attempts[0].Outcome.Kind == messenger.Sent) || d.EndTime != d.Attempts[0].EndTime {
				t.Fatalf("%+v", d)
			}
		}
	}
	for _, l := range stores { // statistics of a connection count after it is closed
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // test cleanup
	for others := 1; others > 0; {
		if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&others); err != nil {
			t.Fatal(err)
		}
	}
	var deadlocks int
	if err := db.QueryRowContext(t.Context(), `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&deadlocks); err != nil || deadlocks > 0 {
		t.Errorf("%d deadlocks, %v", deadlocks, err)
	}
}

// TestKeysOfTwoProcesses lets two stores of one database concurrently record and send alerts of the
// same alert keys.
func TestKeysOfTwoProcesses(t *testing.T) { // not parallel: SQLite has a timeout for locks
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			ledgertest.RunConcurrentAlertKeys(t, open(t, url), open(t, url))
		})
	}
}

// TestIncidentChangesOfTwoProcesses lets two stores of one database concurrently record alerts,
// while a follower reads the changes of their incidents.
func TestIncidentChangesOfTwoProcesses(t *testing.T) { // not parallel: SQLite has a timeout for locks
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			ledgertest.RunConcurrentIncidentChanges(t, open(t, url), open(t, url))
		})
	}
}
