package ledger

import (
	"slices"

	"github.com/bongsu-project/bongsu/kit/database"
)

// Rows are locked in the order of their ids, so that two processes cannot deadlock, or rows
// locked by others are skipped.

// forUpdate returns the clause that locks the rows of a query; SQLite needs none.
func forUpdate(t *database.Tx) string {
	if t.Postgres() {
		return " FOR UPDATE"
	}
	return ""
}

// skipLocked returns the clause that locks the rows of a query and skips locked ones.
func skipLocked(t *database.Tx) string {
	if t.Postgres() {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// lockAgainstDeletion returns the clause that locks the alerts of a query against deletion.
func lockAgainstDeletion(t *database.Tx) string {
	if t.Postgres() {
		return " FOR KEY SHARE OF alerts"
	}
	return ""
}

// orRollback returns the clause, after INSERT or UPDATE, that makes a failed bulk statement roll
// back the transaction at once, which would end anyway. SQLite then writes no journal of each
// page for the statement.
func orRollback(t *database.Tx) string {
	if t.Postgres() {
		return ""
	}
	return " OR ROLLBACK"
}

// joinValues joins the deliveries that a statement changes with its rows v. The + 0 makes SQLite
// look up each delivery by its id, as the limit on value rows does in PostgreSQL: for many rows
// it would scan all deliveries instead.
const joinValues = `FROM v WHERE deliveries.id = v.id + 0`

// inOrder returns ids sorted, without duplicates.
func inOrder(ids []int64) []int64 { return slices.Compact(slices.Sorted(slices.Values(ids))) }
