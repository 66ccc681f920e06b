package ledger_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatEndedCostsNothing proves that SQLite asks the index of what waits what
// is due, in the index's order, and the index of what went wrong what did.
func TestWhatEndedCostsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	open(t, path)
	for query, index := range map[string]string{
		`SELECT id FROM deliveries WHERE state <= 2 AND rank = 1 AND next_time <= 2 ORDER BY next_time, id LIMIT 3`: "delivery_waiting",
		`UPDATE deliveries SET next_time = 0 WHERE state <= 2 AND state = 1`:                                        "delivery_waiting",
		`SELECT id FROM alerts WHERE id IN (SELECT alert_id FROM deliveries WHERE state = 4 AND state >= 4)
			ORDER BY id DESC LIMIT 50`: "delivery_unsent",
	} {
		if plan := explain(t, path, query); !strings.Contains(plan, index) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s\nis not answered by %s in its order:\n%s", query, index, plan)
		}
	}
}

// explain answers with SQLite's plan for a query.
func explain(t *testing.T, path, query string) (plan string) {
	t.Helper()
	rows, err := raw(t, path).QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan += detail + "\n"
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan
}
