package ledger_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledgertest"
)

// TestDelays checks since when a delivery is due, however often it is enqueued again, and that a claim
// without a report is stuck.
func TestDelays(t *testing.T) {
	for name, url := range map[string]func(*testing.T) string{
		"SQLite": func(t *testing.T) string { return filepath.Join(t.TempDir(), "ledger.db") },
		"PostgreSQL": func(t *testing.T) string {
			postgrestest.Require(t)
			return current.URL(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, url(t))
			start := time.Now().UTC().Truncate(time.Microsecond)
			due := func(now time.Time) time.Time {
				t.Helper()
				oldest, err := l.OldestDue(t.Context(), now)
				kittest.NoError(t, err)
				return oldest
			}
			kittest.Equal(t, due(start.Add(time.Hour)), time.Time{})
			kittest.NoError(t, l.Touch(t.Context(), start))
			kittest.NoError(t, l.Touch(t.Context(), start.Add(time.Second)))

			var ids []int64
			for i := range 2 {
				at := start.Add(time.Duration(i) * time.Minute)
				a := alert.Alert{Severity: "normal", Message: "node1 down", CreateTime: at, ExpireTime: at.Add(time.Hour)}
				added, err := l.AddAlert(t.Context(), a, queued(1), at.Add(time.Minute))
				kittest.NoError(t, err)
				ids = append(ids, added.Deliveries[0].ID)
			}
			kittest.Equal(t, due(start), start)
			for i := range 3 { // it is enqueued again, and is due for as long
				now := start.Add(time.Duration(10+i) * time.Minute)
				_, err := l.TakeDue(t.Context(), now, now.Add(time.Minute), 0, 10, 5)
				kittest.NoError(t, err)
				kittest.Equal(t, due(now), start)
			}
			_, err := l.Claim(t.Context(), ids[:1], ledgertest.Claimant(), start, start.Add(time.Minute))
			kittest.NoError(t, err)
			kittest.Equal(t, due(start.Add(time.Hour)), start.Add(time.Minute))
			for before, want := range map[time.Duration]int64{time.Minute: 0, time.Minute + time.Microsecond: 1} {
				n, err := l.CountStuck(t.Context(), start.Add(before))
				kittest.NoError(t, err)
				kittest.Equal(t, n, want)
			}
		})
	}
}
