package ledger

import (
	"slices"

	"github.com/bongsu-project/bongsu/internal/store/database"
)

// Rows are locked in the order of their ids, so that two processes never wait for
// each other; or those that another holds are left to it.

// forUpdate locks the rows of a query where the database lets several write.
func forUpdate(t *database.Tx) string {
	if t.Postgres() {
		return " FOR UPDATE"
	}
	return ""
}

// skipLocked locks the rows of a query that nobody else has locked.
func skipLocked(t *database.Tx) string {
	if t.Postgres() {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// keepAlerts locks the alerts of a query against being forgotten.
func keepAlerts(t *database.Tx) string {
	if t.Postgres() {
		return " FOR KEY SHARE OF alerts"
	}
	return ""
}

// orRollback lets a statement of many rows that fails take back the transaction at once,
// which ends with it anyway. SQLite need not write down then how each page was before the
// statement. It stands behind INSERT or UPDATE.
func orRollback(t *database.Tx) string {
	if t.Postgres() {
		return ""
	}
	return " OR ROLLBACK"
}

// fromV joins the deliveries that a statement changes with its rows v. The + 0 has
// SQLite look up each of v by its id, as Tx.Rows has PostgreSQL: where they are many,
// it would walk through all deliveries there are instead.
const fromV = `FROM v WHERE deliveries.id = v.id + 0`

// inOrder is ids in order, each once.
func inOrder(ids []int64) []int64 { return slices.Compact(slices.Sorted(slices.Values(ids))) }
