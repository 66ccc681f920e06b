package ledger_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/alert"
)

// cpuTime returns the CPU time of the process.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// reportCPU runs rounds of each kind alternately, and reports the medians of their CPU time for
// each alert.
func reportCPU(b *testing.B, alerts int, kinds []string, round func(kind string)) {
	b.Helper()
	spent := map[string][]float64{}
	for _, kind := range kinds {
		round(kind)
	}
	for b.Loop() {
		for _, kind := range kinds {
			begin := cpuTime(b)
			round(kind)
			spent[kind] = append(spent[kind], float64((cpuTime(b)-begin).Nanoseconds())/1e3/float64(alerts))
		}
	}
	for _, kind := range kinds {
		slices.Sort(spent[kind])
		b.ReportMetric(spent[kind][len(spent[kind])/2], "µs/"+kind)
	}
}

// BenchmarkUpdateCPU measures the CPU time of an alert to one user, held back by a digest as in the
// bench, without an alert key, with a new one, and with one of a thousand whose earlier message
// still waits. 64 callers record them concurrently in SQLite.
func BenchmarkUpdateCPU(b *testing.B) {
	const callers, calls = 64, 100
	l := open(b, filepath.Join(b.TempDir(), "ledger.db"))
	var n atomic.Int64
	add := func(kind string) {
		now, i := time.Now(), n.Add(1)
		a := alert.Alert{Targets: []string{"@user1"}, Severity: "normal", Message: "node1 down", CreateTime: now, ExpireTime: now.Add(time.Hour)}
		switch kind {
		case "opened":
			a.AlertKey = fmt.Sprint("incident ", i)
		case "updated":
			a.AlertKey = fmt.Sprint("known ", i%1000)
		}
		if a.AlertKey != "" {
			a.Policy = alert.IncidentPolicy{Digest: fmt.Sprintf("%020d", i), RepeatAfter: 4 * time.Hour, FlapWindow: 10 * time.Minute}
		}
		ds := queued(1)
		ds[0].Nickname, ds[0].Hold, ds[0].NextTime = fmt.Sprint("user", i%1000), alert.HoldDigest, now.Add(time.Minute)
		if _, err := l.AddAlert(b.Context(), a, ds, now); err != nil {
			b.Error(err)
		}
	}
	reportCPU(b, callers*calls, []string{"alone", "opened", "updated"}, func(kind string) {
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for range calls {
					add(kind)
				}
			})
		}
		wg.Wait()
	})
}

// BenchmarkUpdateWrites measures the CPU time of the row writes alone of BenchmarkUpdateCPU: those
// of an alert without a key, and those of an update. 64 alerts are written by bulk statements in one
// transaction, which reads nothing and computes nothing.
func BenchmarkUpdateWrites(b *testing.B) {
	const batch, batches = 64, 100
	path := filepath.Join(b.TempDir(), "ledger.db")
	if err := open(b, path).Ping(b.Context()); err != nil { // creates the tables
		b.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() }) //nolint:errcheck // test cleanup
	db.SetMaxOpenConns(1)
	prepare := func(text string, columns int) *sql.Stmt {
		row := "(" + strings.Repeat("?, ", columns-1) + "?)"
		s, err := db.PrepareContext(b.Context(), strings.Replace(text, "VALUES", "VALUES "+strings.Repeat(row+", ", batch-1)+row, 1))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() }) //nolint:errcheck // test cleanup
		return s
	}
	const deliveries = `INSERT OR ROLLBACK INTO deliveries (id, alert_id, nickname, messenger, rank, destination, credential, state, next_time, expire_time,
		hold, deferred, thread, thread_order) VALUES`
	alerts, ds := prepare(`INSERT OR ROLLBACK INTO alerts (id, targets, "unknown", severity, message, create_time, expire_time, more) VALUES`, 8), prepare(deliveries, 14)
	ends := prepare(`WITH v (id, end_time) AS (VALUES) UPDATE OR ROLLBACK deliveries SET state = 6, reason = 'superseded', end_time = v.end_time, resume_time = 0 FROM v WHERE deliveries.id = v.id + 0`, 2)
	keys := prepare(`INSERT INTO alert_keys (name, last_order, rank, resolved, use_time, incident, digest) VALUES
		ON CONFLICT (name) DO UPDATE SET use_time = excluded.use_time, last_order = excluded.last_order, digest = excluded.digest, update_order = excluded.last_order, update_time = excluded.use_time`, 7)
	threads := prepare(`INSERT INTO threads (name, resolved_order, last_order, use_time, update_order, notified) VALUES
		ON CONFLICT (name) DO UPDATE SET last_order = excluded.last_order, use_time = excluded.use_time, update_order = excluded.update_order`, 6)
	changes := prepare(`INSERT OR ROLLBACK INTO incident_changes (alert_id, incident, kind) VALUES`, 3)

	id, of := int64(1), map[int64]int64{} // the last delivery of each key
	write := func(kind string) {
		tx, err := db.BeginTx(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		now := time.Now().UnixMicro()
		args := map[*sql.Stmt][]any{}
		add := func(s *sql.Stmt, values ...any) { args[s] = append(args[s], values...) }
		run := []*sql.Stmt{alerts, ds}
		for range batch {
			id += 2
			key := id / 2 % 1000
			thread, order, more := "", int64(0), ""
			if kind == "updated" {
				thread, order, more = fmt.Sprintf("%016x0123456789abcdefghijklmn", key), id, fmt.Sprintf(`{"key":"known %d","incident":1234567890123456}`, key)
				add(ends, of[key], now)
				of[key] = id + 1
				add(keys, fmt.Sprint("known ", key), id, 2, false, now, key, fmt.Sprintf("2%020d", id))
				add(threads, thread, 0, id, now, id, false)
				add(changes, id, key, 2)
				run = []*sql.Stmt{keys, threads, alerts, ds, ends, changes}
			}
			add(alerts, id, `["@user1"]`, "[]", "normal", "node1 down", now, now+3_600_000_000, more)
			add(ds, id+1, id, fmt.Sprint("user", key), "slack", 2, "USER1_CHANNEL_ID", make([]byte, 60), 1, now+60_000_000, now+3_600_000_000, 2, true, thread, order)
		}
		for _, s := range run {
			in := tx.StmtContext(b.Context(), s) //nolint:sqlclosecheck // closed with the transaction
			if _, err := in.ExecContext(b.Context(), args[s]...); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	reportCPU(b, batch*batches, []string{"alone", "updated"}, func(kind string) {
		for range batches {
			write(kind)
		}
	})
}
