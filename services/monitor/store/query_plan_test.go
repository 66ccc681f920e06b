package store

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

// plans are the frequent queries on tables that grow, each with the index that must serve it without
// sorting.
var plans = map[string]string{
	`SELECT id, late_time FROM monitor_statuses WHERE late_time > 0 AND late_time < 2 ORDER BY late_time, id LIMIT 3`:                                        "monitor_late",
	`SELECT late_time FROM monitor_statuses WHERE late_time > 0 ORDER BY late_time LIMIT 1`:                                                                  "monitor_late",
	`SELECT hour_start FROM monitor_statuses WHERE hour_start > 0 ORDER BY hour_start LIMIT 1`:                                                               "monitor_hour",
	`SELECT end_time FROM result_blocks WHERE monitor = 1 AND end_time >= 2 ORDER BY end_time LIMIT 1`:                                                       "block_monitor_end_time",
	`SELECT end_time, results FROM result_blocks WHERE monitor = 1 AND end_time <= 9 AND end_time >= 2 AND outcomes & 2 <> 0 ORDER BY end_time DESC LIMIT 3`: "block_monitor_end_time",
	`SELECT hours FROM uptime_days WHERE monitor = 1 AND day_start >= 2 ORDER BY day_start`:                                                                  "day_monitor_day_start",
	`SELECT hours FROM uptime_days WHERE day_start = 1 AND monitor IN (1, 2)`:                                                                                "day_monitor_day_start",
	`SELECT kind, time FROM pings WHERE monitor = 1 AND time < 2 ORDER BY time DESC LIMIT 3`:                                                                 "ping_monitor_time",
	`DELETE FROM pings WHERE id IN (SELECT id FROM pings WHERE monitor = 1 ORDER BY time DESC, id DESC LIMIT 3 OFFSET 3)`:                                    "ping_monitor_time",
	`SELECT id FROM maintenance_windows WHERE end_time > 2 ORDER BY end_time DESC, id DESC`:                                                                  "window_end_time_id",
	`SELECT id FROM monitors WHERE revision > 2 ORDER BY revision`:                                                                                           "monitor_revision",
	`SELECT id FROM monitors WHERE name > 'a' ORDER BY name LIMIT 3`:                                                                                         "monitor_name",
	`SELECT name FROM monitor_deletions WHERE revision > 2 ORDER BY revision`:                                                                                "deletion_revision",
	strings.NewReplacer("?", "2").Replace(dueNotices):                                                                                                        "notice_due_time",
}

func TestQueryPlans(t *testing.T) {
	t.Parallel()
	for dialect, d := range map[string]struct {
		url     func(*testing.T) string
		explain string
		refused []string
	}{
		"sqlite":   {func(t *testing.T) string { return filepath.Join(t.TempDir(), "monitor.db") }, "EXPLAIN QUERY PLAN ", []string{"SCAN result_blocks", "SCAN uptime_days", "SCAN pings"}},
		"postgres": {func(t *testing.T) string { return postgrestest.URL(t) }, "EXPLAIN ", []string{"Seq Scan"}},
	} {
		t.Run(dialect, func(t *testing.T) {
			s, err := Open(t.Context(), d.url(t))
			kittest.NoError(t, err)
			defer func() { kittest.NoError(t, s.Close()) }()
			for query, index := range plans {
				plan := explain(t, s.db.Writer(), d.explain+query)
				if !strings.Contains(plan, index) {
					t.Errorf("%s\ndoes not use %s:\n%s", query, index, plan)
				}
				for _, part := range d.refused {
					if strings.Contains(plan, part) {
						t.Errorf("%s\nhas %s:\n%s", query, part, plan)
					}
				}
			}
		})
	}
}

// explain returns the plan of a query.
func explain(t *testing.T, db *sql.DB, query string) (plan string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	kittest.NoError(t, err)
	defer func() { kittest.NoError(t, rows.Close()) }()
	columns, err := rows.Columns()
	kittest.NoError(t, err)
	for rows.Next() {
		row := make([]any, len(columns))
		for i := range row {
			row[i] = new(sql.NullString)
		}
		kittest.NoError(t, rows.Scan(row...))
		plan += row[len(row)-1].(*sql.NullString).String + "\n" // the last column is the text
	}
	kittest.NoError(t, rows.Err())
	return plan
}
