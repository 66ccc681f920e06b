package ledger_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// alertsOfKeys are the alert keys of stored alerts and of tombstones.
const alertsOfKeys = `(SELECT json_extract(NULLIF(more, ''), '$.key') AS alert_key FROM alerts UNION ALL SELECT alert_key FROM remnants)`

// inconsistencies are queries for rows that must not exist, by what is wrong.
var inconsistencies = map[string]string{
	"an uncompleted delivery has no thread": `SELECT thread FROM deliveries WHERE thread <> '' AND state <= 2 AND thread NOT IN (SELECT name FROM threads)`,
	"the key of an uncompleted delivery is missing": `SELECT json_extract(more, '$.key') AS name FROM deliveries JOIN alerts ON alerts.id = alert_id
		WHERE thread <> '' AND state <= 2 AND json_extract(more, '$.key') NOT IN (SELECT name FROM alert_keys)`,
	"a thread of a recent alert is missing": `SELECT thread FROM deliveries JOIN alerts ON alerts.id = alert_id
		WHERE thread <> '' AND create_time >= ? AND thread NOT IN (SELECT name FROM threads)`,
	"the key of a recent alert is missing": `SELECT json_extract(more, '$.key') AS name FROM alerts
		WHERE more <> '' AND create_time >= ? AND json_extract(more, '$.key') NOT IN (SELECT name FROM alert_keys)`,
	"a thread has no delivery": `SELECT name FROM threads WHERE name NOT IN (SELECT thread FROM deliveries)`,
	"a key has no alert":       `SELECT name FROM alert_keys WHERE name NOT IN (SELECT alert_key FROM ` + alertsOfKeys + ` AS k WHERE alert_key IS NOT NULL)`,
}

// A retainedWorld is a ledger whose alerts are deleted.
type retainedWorld struct {
	l      *ledger.Store
	db     *sql.DB
	now    int
	last   int64 // see alert.Deletion
	before int   // the greatest time before which alerts were deleted
	alerts []int64
}

// TestThreadRetentionModel records alerts with keys, some of an earlier version, and completes and
// deletes them in random order: threads and keys are deleted with the last alert that used them, and
// not while they are in use.
func TestThreadRetentionModel(t *testing.T) {
	t.Parallel()
	folder, n := t.TempDir(), 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		path := filepath.Join(folder, strconv.Itoa(n)+".db")
		l, err := ledger.Open(t.Context(), path, time.Now)
		if err != nil {
			r.Fatal(err)
		}
		defer l.Close()
		db, err := sql.Open("sqlite", path)
		if err != nil {
			r.Fatal(err)
		}
		defer db.Close()
		w := &retainedWorld{l: l, db: db}
		if _, err := db.ExecContext(t.Context(), `INSERT INTO alert_keys (name, last_order, rank, resolved, use_time) VALUES ('old', 1, 1, false, 0)`); err != nil {
			r.Fatal(err)
		}
		w.addTo(r, "old")
		r.Repeat(map[string]func(*rapid.T){
			"":     w.check,
			"add":  func(r *rapid.T) { w.addTo(r, rapid.SampledFrom([]string{"", "new", "old"}).Draw(r, "key")) },
			"wait": func(r *rapid.T) { w.now += rapid.IntRange(1, 40).Draw(r, "seconds") },
			"cancel": func(r *rapid.T) {
				if _, err := w.l.Cancel(r.Context(), rapid.SampledFrom(w.alerts).Draw(r, "alert"), clock(w.now)); err != nil && !strings.Contains(err.Error(), "not found") {
					r.Fatal(err)
				}
			},
			"expire": func(r *rapid.T) { _, err := w.l.Sweep(r.Context(), clock(w.now), 100, rule); w.must(r, err) },
			"delete": func(r *rapid.T) { w.delete(r, rapid.IntRange(1, 20).Draw(r, "limit")) },
		})
		w.now += 10_000
		_, err = w.l.Sweep(r.Context(), clock(w.now), 1000, rule)
		w.must(r, err)
		w.now += 10_000
		w.last = 0
		for w.delete(r, 7) {
		}
		w.check(r)
		if rows := w.rows(r, `SELECT name FROM threads UNION ALL SELECT name FROM alert_keys UNION ALL SELECT CAST(id AS TEXT) FROM alerts`); len(rows) > 0 {
			r.Fatalf("left are %q", rows)
		}
	})
}

func (w *retainedWorld) must(r *rapid.T, err error) {
	if err != nil {
		r.Fatal(err)
	}
}

// addTo records an alert of a key, or one without; each delivery is queued, completed or silenced.
func (w *retainedWorld) addTo(r *rapid.T, key string) {
	ds := make([]alert.Delivery, rapid.IntRange(0, 4).Draw(r, "deliveries"))
	for i := range ds {
		ds[i] = alert.Delivery{Nickname: "kim", Messenger: fmt.Sprint("m", rapid.IntRange(0, 5).Draw(r, "messenger")), State: alert.Queued}
		switch rapid.IntRange(0, 5).Draw(r, "state") {
		case 0:
			ds[i].State, ds[i].Reason, ds[i].EndTime = alert.Failed, "no_credential", clock(w.now)
		case 1:
			ds[i].State, ds[i].Reason, ds[i].EndTime = alert.Canceled, alert.Silenced, clock(w.now)
		}
	}
	added, err := w.l.AddAlert(r.Context(), alert.Alert{
		Severity: "high", Message: "x", AlertKey: key, Resolved: key != "" && rapid.Bool().Draw(r, "resolved"), CreateTime: clock(w.now),
		ExpireTime: clock(w.now + rapid.SampledFrom([]int{5, 100, 1000}).Draw(r, "ttl")),
	}, ds, clock(w.now))
	w.must(r, err)
	w.alerts = append(w.alerts, added.Alert.ID)
}

// delete deletes up to limit rows, and reports whether there are more.
func (w *retainedWorld) delete(r *rapid.T, limit int) bool {
	w.before = w.now - 30
	d, err := w.l.DeleteCompleted(r.Context(), w.last, clock(w.before), limit)
	w.must(r, err)
	if w.last = d.Last; !d.More {
		w.last = 0
	}
	return d.More
}

// check fails the test if a row is missing or left over.
func (w *retainedWorld) check(r *rapid.T) {
	for wrong, query := range inconsistencies {
		var args []any
		if strings.Contains(query, "?") {
			args = append(args, clock(w.before).UnixMicro())
		}
		if rows := w.rows(r, query, args...); len(rows) > 0 {
			r.Fatalf("%s: %q", wrong, rows)
		}
	}
}

// rows returns the first column of the rows of a query.
func (w *retainedWorld) rows(r *rapid.T, query string, args ...any) (all []string) {
	rows, err := w.db.QueryContext(r.Context(), query, args...)
	w.must(r, err)
	defer rows.Close()
	for rows.Next() {
		var text string
		w.must(r, rows.Scan(&text))
		all = append(all, text)
	}
	w.must(r, rows.Err())
	return all
}

// TestConcurrentThreadRetention lets two processes delete the last two alerts of a key at the same
// time, each with a thread: in PostgreSQL, where each sees the other's thread, the key is deleted too.
func TestConcurrentThreadRetention(t *testing.T) {
	postgrestest.Require(t)
	url := postgrestest.URL(t)
	l := open(t, url)
	var ids []int64
	for i, key := range []string{"k", "z", "k"} {
		a := alert.Alert{Severity: "low", Message: "x", AlertKey: key, CreateTime: clock(0), ExpireTime: clock(1)}
		ds := []alert.Delivery{{Nickname: fmt.Sprint("user", i), Messenger: "slack", State: alert.Canceled, Reason: alert.Silenced, EndTime: clock(0)}}
		added, err := l.AddAlert(t.Context(), a, ds, clock(0))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, added.Alert.ID)
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), `SELECT name FROM alert_keys WHERE name = 'z' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	deleted := make(chan error, 2)
	for i, after := range []int64{0, ids[1]} { // the first deletion is of two alerts, and waits for z
		go func() {
			_, err := l.DeleteCompleted(t.Context(), after, clock(10), 6)
			deleted <- err
		}()
		for waits := 0; waits <= i && len(deleted) == 0; {
			if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waits); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-deleted; err != nil {
			t.Fatal(err)
		}
	}
	var alerts, threads, keys int
	if err := db.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM alerts), (SELECT count(*) FROM threads), (SELECT count(*) FROM alert_keys)`).
		Scan(&alerts, &threads, &keys); err != nil || alerts+threads+keys > 0 {
		t.Errorf("%d alerts, %d threads and %d keys are left, %v", alerts, threads, keys, err)
	}
}
