package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"github.com/bongsu-project/bongsu/kit/database"
)

// Threads and alert keys are deleted with the last alert that uses them, so no index by their use
// time is needed. One that is still in use when an alert is deleted, has an alert that is not
// deleted yet: a thread that of its last alert or of a delivery that is not completed, and a key
// that of its last alert or of one of its threads.

// keyWithoutThreads returns the condition that no thread of an alert key is left, because the
// threads of a key that is recorded anew have other names. One without a thread prefix must have no
// queued or claimed delivery. keyOfAlert is the expression for the key of an alert.
func keyWithoutThreads(keyOfAlert string) string {
	return `CASE WHEN thread_prefix = '' THEN NOT EXISTS (SELECT 1 FROM deliveries JOIN alerts ON alerts.id = deliveries.alert_id
		WHERE (thread_order <> 0) AND (` + isOpen + `) AND ` + keyOfAlert + ` = alert_keys.name)
	ELSE NOT EXISTS (SELECT 1 FROM threads WHERE threads.name > thread_prefix AND threads.name < thread_prefix || '` + afterPrefix + `') END`
}

// deleteUnusedThreads deletes those of threads, of deleted deliveries, and those of keys, of deleted
// alerts, that were last used before a time and are in use no more. A resolved alert that is recorded
// after that is canceled as not needed.
//
// In PostgreSQL the keys are locked first: of two transactions that delete the last threads of a key,
// the later one finds it without threads. A thread that another transaction has locked is in use.
func deleteUnusedThreads(ctx context.Context, t *database.Tx, threads, keys []string, before int64) error {
	threads, keys = distinct(threads), distinct(keys)
	if t.Postgres() {
		if err := lockUnusedKeys(ctx, t, keys, before); err != nil {
			return err
		}
	}
	if err := deleteIdleThreads(ctx, t, threads, before); err != nil {
		return err
	}
	for some := range database.ChunkLists(t, keys, maxStatementRows) {
		in, args := database.In(t, some)
		if _, err := t.Exec(ctx, `DELETE FROM alert_keys WHERE name `+in+` AND use_time < ? AND `+keyWithoutThreads(extraField(t, "key")),
			append(args, before)...); err != nil {
			return err
		}
	}
	return nil
}

// distinct returns names sorted, without duplicates and the empty name.
func distinct(names []string) []string {
	return slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(names))), func(name string) bool { return name == "" })
}

// lockUnusedKeys locks those of the keys that were last used before a time, in the order in which
// alerts lock them.
func lockUnusedKeys(ctx context.Context, t *database.Tx, keys []string, before int64) error {
	for some := range database.ChunkLists(t, keys, maxStatementRows) {
		in, args := database.In(t, some)
		if _, err := t.Exec(ctx, `SELECT 1 FROM alert_keys WHERE name `+in+` AND use_time < ? ORDER BY name COLLATE "C"`+forUpdate(t),
			append(args, before)...); err != nil {
			return err
		}
	}
	return nil
}

// deleteIdleThreads deletes those of the threads that were last used before a time and have no queued
// or claimed delivery.
func deleteIdleThreads(ctx context.Context, t *database.Tx, names []string, before int64) error {
	for some := range database.ChunkLists(t, names, maxStatementRows) {
		in, args := database.In(t, some)
		old, err := database.Select(ctx, t, func(rows *sql.Rows, name *string) error { return rows.Scan(name) },
			`SELECT name FROM threads WHERE name `+in+` AND use_time < ?`+skipLocked(t), append(args, before)...)
		if err != nil {
			return err
		}
		busy, err := selectBusyThreads(ctx, t, old)
		if err != nil {
			return err
		}
		if _, err := deleteIn(ctx, t, `threads WHERE name`, slices.DeleteFunc(old, func(name string) bool { return busy[name] })); err != nil {
			return err
		}
	}
	return nil
}

// deleteAlerts deletes alerts, and returns their alert keys.
func deleteAlerts(ctx context.Context, t *database.Tx, ids []int64) (keys []string, err error) {
	for some := range database.ChunkLists(t, ids, maxStatementRows) {
		in, args := database.In(t, some)
		found, err := database.Select(ctx, t, scanAlertKey, `DELETE FROM alerts WHERE id `+in+` RETURNING more`, args...)
		if err != nil {
			return nil, err
		}
		keys = append(keys, found...)
	}
	return keys, nil
}

// scanAlertKey scans the column more of an alert for its alert key, which is empty if there is
// none.
func scanAlertKey(rows *sql.Rows, key *string) error {
	var more []byte
	if err := rows.Scan(&more); err != nil || len(more) == 0 {
		return err
	}
	var extras struct{ Key string }
	if err := json.Unmarshal(more, &extras); err != nil {
		return err
	}
	*key = extras.Key
	return nil
}
