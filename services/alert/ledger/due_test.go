package ledger_test

import (
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestDueWithoutAlert checks that a due delivery whose alert has no row is logged, and is in no
// job: its text would be empty.
func TestDueWithoutAlert(t *testing.T) {
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			l := open(t, url)
			var logged strings.Builder
			l.Log = slog.New(slog.NewTextHandler(&logged, nil))
			lost, kept := addAlert(t, l), addAlert(t, l)
			driver := "sqlite"
			if name == "postgres" {
				driver = "pgx"
			}
			db, err := sql.Open(driver, url)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(fmt.Sprint("DELETE FROM alerts WHERE id = ", lost.ID)); err != nil {
				t.Fatal(err)
			}
			now := time.Now().Add(time.Second)
			jobs, err := l.TakeDue(t.Context(), now, now.Add(time.Minute), 0, 100, 5)
			if err != nil || len(jobs) != 1 || jobs[0].AlertID != kept.ID || jobs[0].Content.Text != "[normal] x" {
				t.Errorf("jobs are %+v, %v; want one of alert %d", jobs, err, kept.ID)
			}
			if !strings.Contains(logged.String(), "alert of due deliveries not found") {
				t.Errorf("log is %q", logged.String())
			}
		})
	}
}
