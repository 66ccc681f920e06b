package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// BenchmarkForms compares forms in which results are stored, for checks each 10 s whose results are
// recorded 200 ms at a time: the blocks of this package, a row for each result with an index, and
// rows that are clustered by monitor and time (ADR 35). Run it with -benchtime 1x.
func BenchmarkForms(b *testing.B) {
	for _, dialect := range []string{"sqlite", "postgres"} {
		for _, monitors := range []int{1000, 10000} {
			for _, form := range []string{"blocks", "rows", "clustered"} {
				if form == "clustered" && dialect == "postgres" { // it has no clustered tables
					continue
				}
				b.Run(fmt.Sprintf("%s/monitors=%d/%s", dialect, monitors, form), func(b *testing.B) {
					url := filepath.Join(b.TempDir(), "monitor.db")
					if dialect == "postgres" {
						url = postgrestest.URL(b)
					}
					rounds := 121 // two blocks, and the first result of the next
					if monitors > 1000 {
						rounds = 61
					}
					for b.Loop() {
						benchmarkForm(b, url, monitors, rounds, form)
					}
				})
			}
		}
	}
}

// BenchmarkDay records the results of a thousand checks each 10 s for a day, in blocks (ADR 35). Run it
// with -benchtime 1x; it takes some ten minutes.
func BenchmarkDay(b *testing.B) {
	const monitors, rounds = 1000, 24 * 60 * 6
	for b.Loop() {
		n := benchmarkForm(b, filepath.Join(b.TempDir(), "monitor.db"), monitors, rounds, "blocks")
		b.ReportMetric(n.stored/1e6, "stored-MB/day")
		b.ReportMetric(n.written/1e9, "written-GB/day")
		b.ReportMetric(n.cpu.Minutes(), "cpu-min/day")
	}
}

// benchmarkForm records some rounds of results in a form, reports the cost of each, and returns that of
// all.
func benchmarkForm(b *testing.B, url string, monitors, rounds int, form string) cost {
	ctx := b.Context()
	s, err := Open(ctx, url)
	check(b, err)
	defer func() { check(b, s.Close()) }()
	var ids []int64
	names := map[int64]string{}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		for n := range monitors {
			m, err := insertMonitor(ctx, t, monitor.Monitor{Settings: monitor.Settings{
				Name: fmt.Sprint("m", n), Interval: 10 * time.Second, Check: &probe.HTTP{URL: "https://example.com/"},
			}}, int64(n+1))
			if err != nil {
				return err
			}
			ids = append(ids, m.ID)
			names[m.ID] = m.Settings.Name
		}
		return createRows(ctx, t, form)
	})
	check(b, err)
	slices.SortFunc(ids, func(x, y int64) int { return cmp.Compare(phaseOf(names[x]), phaseOf(names[y])) }) // as they are due
	before := measure(b, s)
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	perBatch := monitors / 50 // of 200 ms
	for round := range rounds {
		for batch := 0; batch < len(ids); batch += perBatch {
			results := make([]monitor.MonitorResult, perBatch)
			for i := range results {
				at := start.Add(time.Duration(round)*10*time.Second + time.Duration(batch+i)*10*time.Second/time.Duration(monitors))
				results[i] = monitor.MonitorResult{ID: ids[batch+i], Result: sample(at.Add(time.Duration(rand.IntN(2000)) * time.Microsecond))}
			}
			check(b, recordForm(ctx, s, results, form))
		}
	}
	after := measure(b, s)
	all := cost{after.stored - before.stored, after.written - before.written, after.cpu - before.cpu}
	n := float64(rounds * monitors)
	b.ReportMetric(all.stored/n, "stored-B/result")
	b.ReportMetric(all.written/n, "written-B/result")
	b.ReportMetric(float64(all.cpu.Nanoseconds())/1000/n, "cpu-µs/result")
	return all
}

// sample returns a result as many checks have: nine of ten pass without a message.
func sample(at time.Time) monitor.Result {
	r := monitor.Result{Time: at, Latency: time.Duration(5000+rand.IntN(20000)) * time.Microsecond, Finding: probe.Finding{Outcome: probe.Passed}}
	if rand.IntN(10) == 0 {
		r.Outcome, r.Message = probe.Failed, "status 503 Service Unavailable"
	}
	return r
}

// createRows creates the table of a form with a row for each result.
func createRows(ctx context.Context, t *database.Tx, form string) error {
	columns := `monitor bigint NOT NULL, time bigint NOT NULL, outcome smallint NOT NULL, state smallint NOT NULL, latency bigint NOT NULL, message text NOT NULL, value double precision`
	var statements []string
	switch form {
	case "rows":
		statements = []string{`CREATE TABLE result_rows (` + columns + `)`, `CREATE INDEX result_rows_time ON result_rows (monitor, time)`}
	case "clustered":
		statements = []string{`CREATE TABLE result_rows (` + columns + `, PRIMARY KEY (monitor, time)) WITHOUT ROWID`}
	}
	for _, statement := range statements {
		if _, err := t.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// benchRule is a rule that changes what most results change.
func benchRule(m monitor.Monitor, r monitor.Result) (monitor.Status, []monitor.Notice) {
	s := m.Status
	s.State, s.NextTime = monitor.Up, r.Time.Add(10*time.Second)
	s.Recent += string("pf"[min(1, r.Outcome-1)])
	s.Recent = s.Recent[max(0, len(s.Recent)-20):]
	return s, nil
}

// recordForm records results in a form. The status of each monitor is updated in all of them.
func recordForm(ctx context.Context, s *Store, results []monitor.MonitorResult, form string) error {
	if form == "blocks" {
		_, err := s.Record(ctx, results, benchRule)
		return err
	}
	ids := make([]int64, len(results))
	for i, r := range results {
		ids[i] = r.ID
	}
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, err := lockStatuses(ctx, t, ids)
		if err != nil {
			return err
		}
		monitors, err := s.settingsOf(ctx, t, rows)
		if err != nil {
			return err
		}
		c := &statusChanges{}
		all := make([]any, 0, 6*len(results))
		for _, r := range results {
			row := rows[r.ID]
			c.record(row, monitors[r.ID], r, benchRule)
			row.block = block{1, block{}.append(blockReader{}, r.Result).encoded} // the last result
			all = append(all, r.ID, micros(r.Result.Time), int64(r.Result.Outcome), int64(monitor.Up), r.Result.Latency.Microseconds(), r.Result.Message)
		}
		c.blocks = nil
		if err := c.write(ctx, t); err != nil {
			return err
		}
		values, args := t.ValueRows([]string{"bigint", "bigint", "bigint", "bigint", "bigint", "text"}, all)
		_, err = t.Exec(ctx, `INSERT INTO result_rows (monitor, time, outcome, state, latency, message) `+values, args...)
		return err
	})
}

// A cost is what a database has used.
type cost struct {
	stored, written float64 // bytes of the results, and of all that was written: of PostgreSQL to its log only
	cpu             time.Duration
}

// measure returns what a database has used.
func measure(b *testing.B, s *Store) (c cost) {
	b.Helper()
	db := s.db.Writer()
	if !s.IsShared() {
		check(b, db.QueryRow(`SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN ('result_blocks', 'block_monitor_end_time', 'result_rows', 'result_rows_time')`).Scan(&c.stored))
		io, err := os.ReadFile("/proc/self/io")
		check(b, err)
		_, after, _ := strings.Cut(string(io), "wchar: ")
		written, _, _ := strings.Cut(after, "\n")
		c.written, err = strconv.ParseFloat(written, 64)
		check(b, err)
	} else {
		check(b, db.QueryRow(`SELECT sum(pg_total_relation_size(oid)), pg_current_wal_lsn() - '0/0' FROM pg_class
			WHERE relname IN ('result_blocks', 'result_rows')`).Scan(&c.stored, &c.written))
		c.cpu = serverTime(b, db)
	}
	var own syscall.Rusage
	check(b, syscall.Getrusage(syscall.RUSAGE_SELF, &own))
	c.cpu += time.Duration(own.Utime.Nano() + own.Stime.Nano())
	return c
}

// serverTime returns the processor time of the processes of a PostgreSQL server that now run.
func serverTime(b *testing.B, db *sql.DB) (sum time.Duration) {
	b.Helper()
	rows, err := db.Query(`SELECT pid FROM pg_stat_activity`)
	check(b, err)
	defer func() { check(b, rows.Close()) }()
	for rows.Next() {
		var pid int
		check(b, rows.Scan(&pid))
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		check(b, err)
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		for _, field := range fields[11:13] { // in hundredths of a second
			ticks, err := strconv.Atoi(field)
			check(b, err)
			sum += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	check(b, rows.Err())
	return sum
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
