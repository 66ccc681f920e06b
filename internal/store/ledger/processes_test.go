package ledger_test

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/store/ledger"
	"github.com/bongsu-project/bongsu/internal/store/postgrestest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// TestTwoProcesses lets two stores of one database claim, report and ask what is
// due at once, each in its own order: between them each delivery is granted and
// reported once, and neither fails for the other's sake.
func TestTwoProcesses(t *testing.T) {
	for name, url := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "ledger.db") },
		"postgres": func(t *testing.T) string { return postgrestest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			stores := []*ledger.Store{open(t, url), open(t, url)}
			a := alert.Alert{Severity: "normal", Message: "x", CreateTime: clock(0)}
			ds := queued(2000)
			if err := stores[0].AddAlert(t.Context(), &a, ds, clock(0)); err != nil {
				t.Fatal(err)
			}
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
						claims, err := l.Claim(t.Context(), mine, "sender", clock(0), clock(10))
						if err != nil {
							t.Error(err)
						}
						var reports []alert.Report
						for _, c := range claims {
							if _, twice := granted.LoadOrStore(c.DeliveryID, true); twice {
								t.Errorf("delivery %d was granted twice", c.DeliveryID)
							}
							reports = append(reports, alert.Report{
								DeliveryID: c.DeliveryID, Fence: c.Fence, StartTime: clock(1), EndTime: clock(2),
								State: alert.Sent, Outcome: messenger.Outcome{Kind: messenger.Sent},
							})
						}
						slices.Reverse(reports)
						if fenced, err := l.Report(t.Context(), reports); err != nil || len(fenced) > 0 {
							t.Error(len(fenced), "are fenced,", err)
						}
					})
					all.Go(func() {
						if _, err := l.Due(t.Context(), clock(1), clock(1).Add(time.Microsecond), 100, 5); err != nil {
							t.Error(err)
						}
					})
				}
			}
			all.Wait()
			for i, l := range stores {
				got, _, err := l.Alert(t.Context(), a.ID)
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
