package ledger_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// TestIncidentChangesAreOrdered checks that in PostgreSQL no incident change is committed before
// one with a smaller id that another transaction has inserted.
func TestIncidentChangesAreOrdered(t *testing.T) {
	postgrestest.Require(t)
	url := postgrestest.URL(t)
	l := open(t, url)
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
	if _, err := tx.Exec(`SELECT pg_advisory_xact_lock(` + ledger.IncidentChangesLock + `)`); err != nil {
		t.Fatal(err)
	}
	recorded := make(chan error, 1)
	go func() {
		now := time.Now()
		_, err := l.AddAlert(t.Context(), alert.Alert{Severity: "high", Message: "x", AlertKey: "k", CreateTime: now, ExpireTime: now.Add(time.Hour)}, nil, now)
		recorded <- err
	}()
	for waiting := 0; waiting == 0; {
		if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-recorded:
			t.Fatalf("recorded (%v) beside a transaction that inserts changes", err)
		default:
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-recorded; err != nil {
		t.Fatal(err)
	}
	if changes, err := l.IncidentChanges(t.Context(), 0, 10); err != nil || len(changes) != 1 {
		t.Errorf("%d changes, %v", len(changes), err)
	}
}
