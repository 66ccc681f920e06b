package ledger

import (
	"context"
	"database/sql"
	"slices"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A threadEntry holds the values that alerts set in the row of a thread.
type threadEntry struct{ resolved, last, use, update int64 }

// enterRows inserts or updates the threads of alerts, whose rows stay locked until the commit, and
// returns them.
func enterRows(ctx context.Context, t *database.Tx, keyed []*pendingAdd) (map[string]thread, error) {
	entries := map[string]threadEntry{}
	var fresh, rest []string // those of new keys, and the others
	for _, a := range keyed {
		for i := range a.deliveries {
			d := &a.deliveries[i]
			if d.State.IsFinal() && d.Reason != alert.Silenced { // a silenced one may be replayed
				continue
			}
			name := threadOf(a.threadPrefix, a.alert.AlertKey, d)
			a.places[i].thread = name
			e, found := entries[name]
			switch {
			case found:
			case a.newKey:
				fresh = append(fresh, name)
			default:
				rest = append(rest, name)
			}
			e.last, e.update, e.use = a.order, a.update, max(e.use, micros(a.alert.CreateTime))
			if a.alert.Resolved {
				e.resolved = a.order
			}
			entries[name] = e
		}
	}
	threads := make(map[string]thread, len(entries))
	for _, name := range fresh {
		e := entries[name]
		threads[name] = thread{name: name, resolved: e.resolved, sent: newThread, update: e.update}
	}
	slices.Sort(rest)
	if err := insertThreads(ctx, t, fresh, entries); err != nil {
		return nil, err
	}
	return threads, upsertThreads(ctx, t, rest, entries, threads)
}

// threadRows returns the query for rows of threads, and its parameters.
func threadRows(t *database.Tx, names []string, entries map[string]threadEntry) (query string, args []any) {
	args = make([]any, 0, 5*len(names))
	for _, name := range names {
		e := entries[name]
		args = append(args, name, e.resolved, e.last, e.use, e.update)
	}
	rows, args := t.ValueRows([]string{"text", "bigint", "bigint", "bigint", "bigint"}, args)
	return `WITH v (name, resolved_order, last_order, use_time, update_order) AS (` + rows + `)
		INSERT INTO threads (name, resolved_order, last_order, use_time, update_order, notified, sent_order)
		SELECT v.*, false, ` + sqlNewThread + ` FROM v`, args
}

// insertThreads inserts the threads of new keys, which do not exist.
func insertThreads(ctx context.Context, t *database.Tx, names []string, entries map[string]threadEntry) error {
	var opened, rest []string
	for _, name := range names {
		if e := entries[name]; e.resolved == 0 && e.update == e.last {
			opened = append(opened, name)
		} else {
			rest = append(rest, name)
		}
	}
	for some := range database.ChunkLists(t, opened, maxStatementRows) {
		args := make([]any, 0, 3*len(some))
		for _, name := range some {
			args = append(args, name, entries[name].last, entries[name].use)
		}
		rows, args := t.ValueRows([]string{"text", "bigint", "bigint"}, args)
		if _, err := t.Exec(ctx, `WITH v (name, last_order, use_time) AS (`+rows+`)
			INSERT`+orRollback(t)+` INTO threads (name, resolved_order, last_order, use_time, update_order, notified, sent_order)
			SELECT name, 0, last_order, use_time, last_order, false, `+sqlNewThread+` FROM v WHERE true`+onKnownName, args...); err != nil {
			return err
		}
	}
	for some := range database.ChunkRows(t, rest, maxStatementRows) {
		insert, args := threadRows(t, some, entries)
		if _, err := t.Exec(ctx, insert, args...); err != nil {
			return err
		}
	}
	return nil
}

// upsertThreads inserts or updates threads and adds them to threads.
func upsertThreads(ctx context.Context, t *database.Tx, names []string, entries map[string]threadEntry, threads map[string]thread) error {
	for some := range database.ChunkRows(t, names, maxStatementRows) {
		insert, args := threadRows(t, some, entries)
		stored, err := database.Select(ctx, t, func(rows *sql.Rows, th *thread) error { return th.scan(rows) },
			insert+` WHERE true`+onConflictName+`
			resolved_order = CASE WHEN excluded.resolved_order > 0 THEN excluded.resolved_order ELSE threads.resolved_order END,
			last_order = excluded.last_order, use_time = excluded.use_time, update_order = excluded.update_order,
			sent_order = CASE WHEN threads.sent_order < 0 THEN 0 ELSE threads.sent_order END
			RETURNING `+threadColumns, args...)
		if err != nil {
			return err
		}
		for _, th := range stored {
			threads[th.name] = th
		}
	}
	return nil
}

// selectOpenRows returns the deliveries of threads that are not completed, in order, by thread, as
// selectThreadRows does.
func selectOpenRows(ctx context.Context, t *database.Tx, names []string) (map[string][]threadRow, error) {
	open := map[string][]threadRow{}
	for some := range database.ChunkLists(t, names, maxStatementRows) {
		rows, err := selectThreadRows(ctx, t, some)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			open[r.thread] = append(open[r.thread], r)
		}
	}
	return open, nil
}

// selectBusyThreads returns which of the threads have deliveries that are not completed. The
// condition repeats that of the partial index on threads.
func selectBusyThreads(ctx context.Context, t *database.Tx, names []string) (map[string]bool, error) {
	busy := map[string]bool{}
	for some := range database.ChunkRows(t, names, maxStatementRows) {
		in, args := database.In(t, some)
		found, err := selectThreads(ctx, t, `thread `+in+` AND `+isOpen, args...)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			busy[name] = true
		}
	}
	return busy, nil
}
