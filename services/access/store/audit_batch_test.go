package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/access"
	"github.com/bongsu-project/bongsu/services/access/store"
)

// batchTime is the time of the first entry of a test.
var batchTime = time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)

// someEntries returns as many entries, a second apart.
func someEntries(count int) (entries []access.AuditEntry) {
	for i := range count {
		entries = append(entries, access.AuditEntry{
			ID: fmt.Sprintf("%03d", i), Time: batchTime.Add(time.Duration(i) * time.Second), Caller: "k1", Procedure: "s/M", Resource: fmt.Sprint("alerts/", i), Outcome: "ok",
		})
	}
	return entries
}

// connect connects to the database of a store, to change what the store does not.
func connect(t *testing.T, url string) *database.Database {
	t.Helper()
	db, err := database.Connect(t.Context(), url, store.Schema)
	kittest.NoError(t, err)
	t.Cleanup(func() { kittest.NoError(t, db.Close()) })
	return db
}

// exec runs a statement.
func exec(t *testing.T, db *database.Database, statement string, args ...any) {
	t.Helper()
	kittest.NoError(t, db.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
		_, err := x.Exec(ctx, statement, args...)
		return err
	}))
}

// each runs a test with the URL of an empty store in both dialects.
func each(t *testing.T, test func(t *testing.T, url string)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "access.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, current.URL(t)) })
}

// TestCorruptBatches checks that a batch that cannot be read is an error of each query that needs
// it, and of no other; and that retention deletes it.
func TestCorruptBatches(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, db := open(t, url), connect(t, url)
		for _, c := range []struct {
			change, want string
			value        any
		}{
			{"data", "invalid checksum", []byte("\x01some other data")},
			{"data", "invalid data", []byte{}},
			{"entry_count", "does not match its row", 21},
			{"first_time", "does not match its row", batchTime.UnixMicro() - 1},
			{"last_time", "does not match its row", batchTime.Add(time.Minute).UnixMicro()},
			{"resources", "", []byte("abc")},
		} {
			kittest.NoError(t, s.AddEntries(t.Context(), someEntries(20)))
			exec(t, db, `UPDATE audit_batches SET `+c.change+` = ?`, c.value)
			for _, q := range []access.AuditQuery{{Limit: 100}, {Limit: 100, Resource: "alerts/7"}} {
				want := c.want
				if want == "" && q.Resource != "" {
					want = "invalid data"
				}
				entries, err := s.Entries(t.Context(), q)
				switch {
				case want == "":
					kittest.NoError(t, err)
					kittest.Equal(t, len(entries), 20)
				case err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "of the audit log cannot be read"):
					t.Errorf("%s: error of %+v is %v", c.change, q, err)
				}
			}
			found, err := s.Entries(t.Context(), access.AuditQuery{Caller: "k2", Limit: 100})
			kittest.NoError(t, err)
			kittest.Equal(t, len(found), 0)
			n, err := s.DeleteEntries(t.Context(), batchTime.Add(time.Hour), 100)
			if err != nil || n < 20 {
				t.Errorf("%s: %d deleted, %v", c.change, n, err)
			}
		}
	})
}

// TestBatchPlans checks that batches are read in the order of an index, from where a query begins.
func TestBatchPlans(t *testing.T) {
	db := connect(t, func() string {
		url := filepath.Join(t.TempDir(), "access.db")
		open(t, url)
		return url
	}())
	for _, c := range []struct{ query, want string }{
		{`first_time < 9 AND last_time < 9`, "SEARCH audit_batches USING INDEX auditbatch_last_time_id (last_time<?)"},
		{`last_time >= 5 AND last_time <= 9 AND (last_time, id) < (9, 3)`, "SEARCH audit_batches USING INDEX auditbatch_last_time_id (last_time>? AND last_time<?)"},
		{`caller = 'k1' AND last_time >= 5 AND first_time < 9 AND last_time < 9`, "SEARCH audit_batches USING INDEX auditbatch_caller_last_time_id (caller=? AND last_time>? AND last_time<?)"},
		{`caller = 'k1' AND last_time <= 9 AND (last_time, id) < (9, 3)`, "SEARCH audit_batches USING INDEX auditbatch_caller_last_time_id (caller=? AND last_time<?)"},
	} {
		var plan []string
		kittest.NoError(t, db.Read(t.Context(), func(ctx context.Context, x *database.Tx) (err error) {
			plan, err = database.Select(ctx, x, func(rows *sql.Rows, step *string) error { return rows.Scan(new(int), new(int), new(int), step) },
				`EXPLAIN QUERY PLAN SELECT id, first_time, last_time, entry_count, caller FROM audit_batches WHERE `+c.query+` ORDER BY last_time DESC, id DESC LIMIT 4`)
			return err
		}))
		kittest.Equal(t, plan, []string{c.want})
	}
}
