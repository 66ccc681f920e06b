package ledger_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// BenchmarkDeleteCompleted deletes completed alerts to one user each, chunk by chunk: add, claim
// and report may have to wait for the duration of a call.
func BenchmarkDeleteCompleted(b *testing.B) {
	for _, limit := range []int{150, 300, 1000} {
		b.Run(fmt.Sprintf("limit=%d", limit), func(b *testing.B) {
			each(b, func(b *testing.B, l *ledger.Store) {
				rows := 0
				for b.Loop() {
					b.StopTimer()
					addCompleted(b, l, limit/3)
					b.StartTimer()
					d, err := l.DeleteCompleted(b.Context(), 0, time.Now().Add(time.Minute), limit)
					if err != nil || d.Alerts != limit/3 {
						b.Fatal(d, err)
					}
					rows += d.Alerts + d.Deliveries + d.Attempts
				}
				b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
			})
		})
	}
}

// BenchmarkDeleteLargeAlert measures the call that finds an alert to 100,000 users completed and
// leaves a tombstone, which should not depend on their number.
func BenchmarkDeleteLargeAlert(b *testing.B) {
	each(b, func(b *testing.B, l *ledger.Store) {
		for b.Loop() {
			b.StopTimer()
			reported(b, l, claimed(b, l, recorded(b, l, 100_000)))
			b.StartTimer()
			d, err := l.DeleteCompleted(b.Context(), 0, time.Now().Add(time.Minute), 500)
			b.StopTimer()
			if err != nil || d.Alerts != 1 {
				b.Fatal(d, err)
			}
			for more := true; more; more = d.More {
				if d, err = l.DeleteCompleted(b.Context(), d.Last, time.Now(), 10_000); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
		}
	})
}

// addCompleted records alerts to one user each, and reports them as sent.
func addCompleted(b *testing.B, l *ledger.Store, alerts int) {
	b.Helper()
	ids := make([]int64, alerts)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() { ids[i] = recorded(b, l, 1)[0] })
	}
	all.Wait()
	reported(b, l, claimed(b, l, ids))
}

// BenchmarkAddDuringDeletion adds alerts sequentially and reports the 99th percentile of the
// duration, with and without a RetentionLoop that deletes a million rows.
func BenchmarkAddDuringDeletion(b *testing.B) {
	for _, deleting := range []string{"none", "deletion"} {
		b.Run(deleting, func(b *testing.B) {
			for name, url := range map[string]string{"sqlite": filepath.Join(b.TempDir(), "ledger.db"), "postgres": postgrestest.URL(b)} {
				b.Run(name, func(b *testing.B) {
					l := open(b, url)
					fill(b, url, 333_333)
					deletion := alert.Deletion{}
					ctx, stop := context.WithCancel(b.Context())
					var loop sync.WaitGroup
					if deleting == "deletion" {
						retention := &alert.RetentionLoop{Deleter: l, Retention: alert.MinRetention, Now: time.Now, Log: slog.New(slog.DiscardHandler), OnDelete: func(d alert.Deletion) {
							deletion.Alerts += d.Alerts
						}}
						loop.Go(func() { _ = retention.Run(ctx) })
					}
					var took []time.Duration
					for b.Loop() {
						begin := time.Now()
						recorded(b, l, 3)
						took = append(took, time.Since(begin))
					}
					stop()
					loop.Wait()
					slices.Sort(took)
					b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
					b.ReportMetric(float64(deletion.Alerts)/b.Elapsed().Seconds(), "deleted/s")
				})
			}
		})
	}
}

// fill inserts alerts to one user each that completed long ago, bypassing the store.
func fill(b *testing.B, url string, alerts int) {
	b.Helper()
	driver := "sqlite"
	if strings.Contains(url, "://") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	count := fmt.Sprintf(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT `, alerts)
	for _, statement := range []string{
		`INSERT INTO alerts (id, targets, "unknown", severity, message, create_time, expire_time) ` + count + `2 * i, '["@user1"]', '[]', 'normal', 'node1 down', i, i + 10 FROM n`,
		`INSERT INTO deliveries (id, alert_id, nickname, messenger, rank, destination, credential, state, next_time, expire_time, fence, attempt_count, end_time) ` +
			count + `2 * i + 1, 2 * i, 'user1', 'slack', 2, 'USER1_CHANNEL_ID', '', 3, i, i + 10, 1, 1, i + 1 FROM n`,
		`INSERT INTO attempts (delivery_id, number, fence, start_time, end_time, kind, scope, status, code, message_id, excerpt, possible_duplicate) ` +
			count + `2 * i + 1, 1, 1, i, i + 1, 1, 0, 200, '', '1503435956.000247', '{"ok":true}', false FROM n`,
		`ANALYZE`,
	} {
		if _, err := db.ExecContext(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
}
