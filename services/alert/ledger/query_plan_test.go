package ledger_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// plans are the frequent queries of the ledger, each with the index that must serve it without
// sorting.
var plans = map[string]string{
	`SELECT id, destination FROM deliveries WHERE state = 1 AND rank = 1 AND next_time <= 2 AND expire_time > 2 AND next_time < expire_time
		ORDER BY next_time, id LIMIT 3`: "delivery_due",
	`SELECT id, messenger FROM deliveries WHERE state = 2 AND lease_time <= 2 ORDER BY lease_time LIMIT 3`:                                     "delivery_held",
	`SELECT id FROM deliveries WHERE state = 1 AND expire_time <= 2 ORDER BY expire_time LIMIT 3`:                                              "delivery_expiring",
	`SELECT substr(credential, 1, 5) FROM deliveries WHERE state = 1`:                                                                          "delivery_",
	`SELECT substr(credential, 1, 5) FROM deliveries WHERE state = 2`:                                                                          "delivery_",
	`SELECT count(*) FROM deliveries WHERE state = 1 AND NOT deferred AND next_time <= 2`:                                                      "delivery_",
	`SELECT min(next_time) FROM deliveries WHERE state = 1 AND rank = 0`:                                                                       "delivery_due",
	`SELECT min(expire_time) FROM deliveries WHERE state = 1`:                                                                                  "delivery_expiring",
	`SELECT min(lease_time) FROM deliveries WHERE state = 2`:                                                                                   "delivery_held",
	`SELECT alert_id FROM deliveries WHERE state = 4 AND state >= 4`:                                                                           "delivery_unsent",
	`SELECT id, messenger FROM deliveries WHERE id IN (1, 2, 3) AND state + 0 = 2 ORDER BY id`:                                                 "KEY",
	`UPDATE deliveries SET state = 2 WHERE id IN (SELECT id FROM deliveries WHERE id IN (1, 2, 3) AND state + 0 = 1 ORDER BY id) RETURNING id`: "KEY",
	`SELECT id FROM deliveries WHERE state + 0 IN (4, 5) AND id IN (1, 2, 3) ORDER BY id LIMIT 3`:                                              "KEY",
	`SELECT id FROM deliveries WHERE alert_id = 1 AND (state + 0 <= 2 OR state + 0 = 6) ORDER BY id`:                                           "delivery_alert_id",
	strings.ReplaceAll(ledger.SelectBacklogs(false), "?", "2"):                                                                                 "delivery_held",
	strings.ReplaceAll(ledger.SelectBacklogs(true), "?", "2"):                                                                                  "delivery_held",
	`SELECT name FROM keys WHERE expire_time <= 2 ORDER BY expire_time LIMIT 3`:                                                                "key_expire_time",
	`SELECT id, slots FROM deliveries WHERE id IN (1, 2, 3) AND state + 0 = 1 AND expire_time > 2`:                                             "KEY",
	`SELECT id FROM deliveries WHERE chain IN (1, 2)
		AND chain <> 0 AND state + 0 <= 2 ORDER BY chain, id`: "delivery_chain",
	`SELECT id FROM deliveries WHERE chain IN (1, 2)
		AND chain <> 0 AND state + 0 = 1 AND held ORDER BY chain, id`: "delivery_chain",
	`SELECT id, chain, state FROM deliveries WHERE chain IN (1, 2)
		AND chain <> 0 ORDER BY chain, id`: "delivery_chain",
	`SELECT id, thread, thread_order FROM deliveries WHERE thread IN ('a', 'b') AND thread_order <> 0 AND state <= 2
		ORDER BY thread, thread_order, id`: "delivery_thread",
	`SELECT id, rank FROM deliveries WHERE nickname IN ('kim', 'lee') AND (hold <> 0) AND (state <= 1) AND next_time <= 2 AND expire_time > 2 AND next_time < expire_time
		LIMIT 3`: "delivery_held_back",
	`SELECT DISTINCT thread FROM deliveries WHERE thread IN ('a', 'b') AND state <= 2 AND thread_order <> 0`: "delivery_thread",
	`SELECT DISTINCT thread FROM deliveries WHERE id IN (1, 2) AND thread_order <> 0`:                        "KEY",
	`SELECT DISTINCT delivery_id FROM attempts WHERE delivery_id IN (1, 2) AND kind IN (1, 5)`:               "attempt_delivery_id_number",
	`SELECT name FROM threads WHERE name IN ('a', 'b') AND use_time < 2`:                                     "threads",
	`SELECT alert_id FROM deliveries WHERE nickname = 'kim' AND alert_id < 900 AND EXISTS (SELECT 1 FROM alerts WHERE alerts.id = deliveries.alert_id)
		GROUP BY alert_id ORDER BY alert_id DESC LIMIT 3`: "delivery_nickname_alert_id",
	`SELECT id, create_time FROM alerts WHERE id > 2 ORDER BY id LIMIT 3`:                                                  "KEY alerts",
	`SELECT id, alert_id, attempt_count FROM deliveries WHERE alert_id >= 1 AND alert_id <= 100 ORDER BY alert_id LIMIT 3`: "delivery_alert_id",
	`SELECT id FROM deliveries WHERE alert_id = 1 AND (state + 0 NOT BETWEEN 3 AND 6 OR end_time >= 2) LIMIT 1`:            "delivery_alert_id",
	`WITH v (id, end_time) AS (VALUES ` + strings.Repeat("(CAST(1 AS BIGINT), CAST(2 AS BIGINT)), ", 255) + "(3, 4)" + `)
		UPDATE deliveries SET state = 3, end_time = v.end_time ` + ledger.FromV: "KEY",
	`WITH v (id, token) AS (VALUES ` + strings.Repeat("(CAST(1 AS BIGINT), CAST(2 AS BIGINT)), ", 255) + "(3, 4)" + `)
		SELECT v.id, attempt_count FROM v CROSS JOIN deliveries AS d WHERE d.id = v.id + 0 AND d.fence = token + 0 AND ` + ledger.Simple: "KEY",
	`UPDATE deliveries SET state = 2 WHERE id IN (` + strings.Repeat("1, ", 255) + "2" + `) AND state + 0 = 1 AND expire_time > 2 RETURNING id`:               "KEY",
	`SELECT id FROM deliveries WHERE id IN (` + strings.Repeat("1, ", 255) + "2" + `) AND state + 0 = 2 ORDER BY id`:                                          "KEY",
	`UPDATE deliveries SET state = 2 WHERE id IN (SELECT id FROM deliveries WHERE id IN (` + strings.Repeat("1, ", 255) + "2" + `) ORDER BY id) RETURNING id`: "KEY",
	`DELETE FROM alert_keys WHERE name IN ('a', 'b') AND use_time < 2 AND ` + ledger.KeyWithoutThreads("alerts.more"):                                         "alert_keys",
	`DELETE FROM attempts WHERE delivery_id IN (1, 2, 3)`:                                                                                                     "attempt_delivery_id_number",
	`SELECT deliveries.id FROM deliveries JOIN alerts ON alerts.id = deliveries.alert_id
		WHERE deliveries.id IN (1, 2) ORDER BY deliveries.id`: "KEY",
	`SELECT id, alert_id FROM callback_reports WHERE endpoint = 1 ORDER BY endpoint, id LIMIT 3`: "callback_report_endpoint",
	`SELECT id, size FROM callback_batches WHERE endpoint = 1 AND (callback_batches.next_time <= 2 OR callback_batches.next_time > 9)
		ORDER BY endpoint, next_time LIMIT 3`: "callback_batch_endpoint",
	`SELECT id, size FROM callback_batches WHERE endpoint = 1 AND (callback_batches.next_time <= 2 OR callback_batches.next_time > 9) AND tries = 0
		ORDER BY endpoint, next_time LIMIT 1`: "callback_batch_endpoint",
	`SELECT 1 FROM callback_batches WHERE endpoint = 1 AND id <> 'a' LIMIT 1`: "callback_batch_endpoint",
	`SELECT id FROM callback_endpoints WHERE name = 'orders' AND EXISTS (SELECT 1 FROM callback_reports
		WHERE callback_reports.endpoint = callback_endpoints.id)`: "callback_report_endpoint",
	`DELETE FROM callback_reports WHERE endpoint = 1`:    "callback_report_endpoint",
	`DELETE FROM callback_reports WHERE id IN (1, 2, 3)`: "KEY callback_reports",
	`SELECT callback, alert_id, id FROM deliveries WHERE id IN (1, 2) AND state + 0 BETWEEN 3 AND 6 AND callback IN (1, 2) ORDER BY id`: "KEY",
}

// TestCompletedRowsCostNothing checks that both databases use the partial indexes of queued, claimed
// and failed deliveries for their lookups, so that completed rows cost nothing.
func TestCompletedRowsCostNothing(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "ledger.db")
		open(t, path)
		requirePlans(t, raw(t, path), "EXPLAIN QUERY PLAN ", "ORDER BY", "SCAN keys", "SCAN alert_keys", "SCAN threads", "SCAN alerts", "SCAN callback_", "SCAN deliveries\n", "SCAN deliveries USING INDEX delivery_alert_id", "SCAN deliveries USING COVERING INDEX delivery_alert_id", "SCAN deliveries USING INDEX delivery_nickname")
	})
	t.Run("postgres", func(t *testing.T) {
		url := postgrestest.URL(t)
		open(t, url)
		db, err := sql.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() }) //nolint:errcheck // test cleanup
		requireGenericPlans(t, db, true)
		for _, statement := range []string{ // many completed deliveries of many alerts, few queued, claimed or failed ones
			`INSERT INTO deliveries (id, alert_id, nickname, messenger, rank, destination, credential, state, next_time, expire_time, lease_time)
				SELECT i, i / 3, CASE WHEN i % 50 = 0 THEN 'kim' ELSE 'lee' END, 'slack', i % 4, '', '', CASE WHEN i % 500 < 4 THEN 1 + i % 500 ELSE 3 END, i, i, i
				FROM generate_series(1, 50000) i`,
			`INSERT INTO alerts (id, targets, "unknown", severity, message, create_time) SELECT i, '[]', '[]', '', '', i FROM generate_series(1, 16700) i`,
			`INSERT INTO attempts (delivery_id, number, fence, start_time, end_time, kind, scope, status, code, message_id, excerpt, possible_duplicate)
				SELECT i, 1, 1, i, i, 1, 0, 200, '', '', '', false FROM generate_series(1, 50000) i`,
			`INSERT INTO callback_endpoints (id, name, url, secret, create_time) SELECT i, 'endpoint' || i, '', '', i FROM generate_series(1, 500) i`,
			`INSERT INTO callback_reports (endpoint, alert_id, delivery_id, nickname, messenger, state, reason, end_time, read_time, create_time)
				SELECT i % 500, i, i, '', '', 3, '', i, 0, i FROM generate_series(1, 20000) i`,
			`INSERT INTO callback_batches (id, endpoint, size, body, create_time, next_time) SELECT 'batch' || i, i % 500, 1, '', i, i FROM generate_series(1, 20000) i`,
			`INSERT INTO keys (name, request, alert_id, expire_time) SELECT 'key' || i, '', i, i FROM generate_series(1, 20000) i`,
			`ANALYZE`,
		} {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		requirePlans(t, db, "EXPLAIN ", "Seq Scan on deliveries", "Seq Scan on alerts", "Seq Scan on callback_")
		requireGenericPlans(t, db, false)
	})
}

// genericPlans are the queries with a limit or an array, for which PostgreSQL may use a generic
// plan, each with the index that a generic plan must use.
var genericPlans = map[string]string{
	`SELECT id, create_time FROM alerts WHERE id > $1 ORDER BY id LIMIT $2`:                                                                          "alerts_pkey",
	`SELECT id FROM deliveries WHERE alert_id >= $1 AND alert_id <= $2 ORDER BY alert_id LIMIT 501`:                                                  "delivery_alert_id",
	`SELECT name FROM keys WHERE expire_time <= $1 ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED`:                                             "key_expire_time",
	`UPDATE deliveries SET state = 2 WHERE id IN (SELECT id FROM deliveries WHERE id IN ($1, $2) AND state + 0 = 1 ORDER BY id FOR UPDATE)`:          "deliveries_pkey",
	`DELETE FROM keys WHERE name IN ($1, $2)`:                                                                                                        "keys_pkey",
	`UPDATE deliveries SET state = 2 WHERE id IN (SELECT id FROM deliveries WHERE id = ANY ($1::bigint[]) AND state + 0 = 1 ORDER BY id FOR UPDATE)`: "deliveries_pkey",
	`SELECT id FROM deliveries WHERE id = ANY ($1::bigint[]) AND state + 0 = 2 ORDER BY id FOR UPDATE`:                                               "deliveries_pkey",
	`DELETE FROM keys WHERE name = ANY ($1::text[])`:                                                                                                 "keys_pkey",
	`WITH v (id, end_time) AS (SELECT * FROM unnest($1::bigint[], $2::bigint[]) LIMIT $3)
		UPDATE deliveries SET state = 3, end_time = v.end_time ` + ledger.FromV: "deliveries_pkey",
	`WITH v (id) AS (SELECT * FROM unnest($1::bigint[]) LIMIT $2)
		SELECT v.* FROM v JOIN deliveries ON deliveries.id = v.id WHERE state + 0 = 2 ORDER BY v.id FOR UPDATE OF deliveries`: "deliveries_pkey",
	`SELECT id FROM deliveries WHERE thread = ANY ($1::text[]) AND thread_order <> 0 AND state <= 2
		ORDER BY thread, thread_order, id FOR UPDATE SKIP LOCKED`: "delivery_thread",
	`SELECT id, rank FROM deliveries WHERE nickname = ANY ($1::text[]) AND (hold <> 0) AND (state <= 1) AND next_time <= $2 AND expire_time > $3
		AND next_time < expire_time ORDER BY nickname, messenger, next_time, id LIMIT $4 FOR UPDATE SKIP LOCKED`: "delivery_held_back",
	`SELECT name FROM threads WHERE name = ANY ($1::text[]) ORDER BY name FOR UPDATE`:                                       "threads_pkey",
	`SELECT name FROM threads WHERE name = ANY ($1::text[]) AND use_time < $2 FOR UPDATE SKIP LOCKED`:                       "threads_pkey",
	`DELETE FROM threads WHERE name = ANY ($1::text[])`:                                                                     "threads_pkey",
	`DELETE FROM alert_keys WHERE name = ANY ($1::text[]) AND use_time < $2 AND ` + ledger.KeyWithoutThreads("alerts.more"): "alert_keys_pkey",
	`SELECT 1 FROM alert_keys WHERE name = ANY ($1::text[]) AND use_time < $2 ORDER BY name COLLATE "C" FOR UPDATE`:         "alert_keys_pkey",
	`SELECT id FROM deliveries WHERE state = 2 AND lease_time <= $1 ORDER BY lease_time LIMIT $2 FOR UPDATE SKIP LOCKED`:    "delivery_held",
	`SELECT id FROM deliveries WHERE state = 1 AND expire_time <= $1 ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED`:  "delivery_expiring",
}

// requireGenericPlans fails the test unless the generic plans use their indexes. In an empty
// ledger it checks only those with arrays, because such a plan is kept while the table grows.
func requireGenericPlans(t *testing.T, db *sql.DB, empty bool) {
	t.Helper()
	db.SetMaxOpenConns(1) // settings and prepared statements belong to the connection
	if _, err := db.ExecContext(t.Context(), `SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off`); err != nil {
		t.Fatal(err)
	}
	for query, index := range genericPlans {
		if empty && !strings.Contains(query, "[]") {
			continue
		}
		if _, err := db.ExecContext(t.Context(), `PREPARE planned AS `+query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		var values []string
		for n := range strings.Count(query, "$") {
			value := "'1'"
			if strings.Contains(query, fmt.Sprintf("$%d::", n+1)) {
				value = "'{1, 2}'"
			}
			values = append(values, value)
		}
		if plan := explain(t, db, `EXPLAIN EXECUTE planned (`+strings.Join(values, ", ")+`)`); !strings.Contains(plan, index) || strings.Contains(plan, "Seq Scan") || strings.Count(plan, index) > strings.Count(plan, "Index Cond: (") {
			t.Errorf("%s\ndoes not use %s:\n%s", query, index, plan)
		}
		if _, err := db.ExecContext(t.Context(), `DEALLOCATE planned`); err != nil {
			t.Fatal(err)
		}
	}
}

// requirePlans fails the test unless the plan of each query, which prefix explains, uses its
// index and has no bad word.
func requirePlans(t *testing.T, db *sql.DB, prefix string, bad ...string) {
	t.Helper()
	for query, index := range plans {
		plan := explain(t, db, prefix+query)
		if table, ok := strings.CutPrefix(index, "KEY"); ok { // the primary key of deliveries, or of another table
			index = cmp.Or(strings.TrimSpace(table), "deliveries") + "_pkey"
			if strings.Contains(prefix, "QUERY PLAN") {
				index = "INTEGER PRIMARY KEY"
			}
		}
		if !strings.Contains(plan, index) {
			t.Errorf("%s\ndoes not use %s:\n%s", query, index, plan)
		}
		for _, word := range bad {
			if strings.Contains(plan, word) {
				t.Errorf("%s\nuses %s:\n%s", query, word, plan)
			}
		}
	}
}

// explain returns the last column of the rows of an EXPLAIN statement.
func explain(t *testing.T, db *sql.DB, query string) (plan string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(any)
	}
	for rows.Next() {
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		plan += fmt.Sprintln(*values[len(values)-1].(*any))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan
}
