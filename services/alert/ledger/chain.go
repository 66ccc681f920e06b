package ledger

import (
	"context"
	"database/sql"
	"slices"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A failover chain is the deliveries to one user that are used one after the other. Its held
// deliveries are always the last ones. Deliveries outside of chains cost nothing here.
//
// Advancing a chain locks deliveries other than the reported ones, chain by chain, so two
// processes that report deliveries of the same chain may deadlock. The database then aborts
// one transaction, which is retried.

// A chainStep is a change of a delivery that may advance its chain.
type chainStep struct {
	chain int64
	sent  bool // the delivery was sent; otherwise it failed or was deferred
}

// advanceChains advances chains after their deliveries in steps have been written. It returns
// the threads of the deliveries that it completed or locked.
func advanceChains(ctx context.Context, t *database.Tx, steps []chainStep, now int64) (threads []string, err error) {
	var sent, open []int64
	for _, s := range steps {
		if s.sent {
			sent = append(sent, s.chain)
		} else {
			open = append(open, s.chain)
		}
	}
	if threads, err = cancelRestOfChains(ctx, t, inOrder(sent), alert.NotNeeded, now); err != nil {
		return nil, err
	}
	held, err := releaseNextOfChains(ctx, t, inOrder(open), now)
	return append(threads, held...), err
}

// cancelRestOfChains cancels the queued deliveries of chains for a reason, and marks claimed ones
// so that they are not retried. It returns their threads.
func cancelRestOfChains(ctx context.Context, t *database.Tx, chains []int64, reason string, now int64) (threads []string, err error) {
	for some := range database.ChunkRows(t, chains, maxStatementRows) {
		in, args := database.In(t, some)
		found, err := database.Select(ctx, t, func(rows *sql.Rows, d *threadRow) error { return rows.Scan(&d.id, &d.thread, &d.callback) },
			`SELECT id, thread, callback FROM deliveries WHERE chain `+in+`
			AND chain <> 0 AND `+rowOpen+` ORDER BY chain, id`+forUpdate(t), args...)
		if err != nil {
			return nil, err
		}
		open := make([]int64, len(found))
		for i, d := range found {
			open[i] = d.id
			threads = append(threads, d.thread)
		}
		for ids := range database.ChunkRows(t, open, maxStatementRows) {
			in, args := database.In(t, ids)
			// All expressions read the old values of the row.
			if _, err := t.Exec(ctx, `UPDATE deliveries SET reason = '`+reason+`', canceled = (`+isClaimed+`),
				end_time = CASE WHEN `+isQueued+` THEN CAST(? AS BIGINT) ELSE end_time END,
				state = CASE WHEN `+isQueued+` THEN `+sqlCanceled+` ELSE state END WHERE id `+in,
				append([]any{now}, args...)...); err != nil {
				return nil, err
			}
		}
		if err := reportEnds(ctx, t, reportedOf(found), now); err != nil { // of those that were queued
			return nil, err
		}
	}
	return threads, nil
}

// A chainRow is the current state of a delivery of a chain.
type chainRow struct {
	id, chain int64
	state     alert.State
	deferred  bool
	next      int64
	resume    int64 // set if it is blocked by its thread
}

// unblocked returns the delivery in the state that it would have without its thread.
func (r chainRow) unblocked(now int64) chainRow {
	if r.resume == 0 {
		return r
	}
	r.state, r.deferred, r.next = alert.Queued, false, r.resume
	if r.resume > now {
		r.state, r.deferred = alert.Held, true
	}
	return r
}

// releaseNextOfChains releases the next held delivery of each chain whose delivery before it
// failed or waits too long. It returns the threads of the held deliveries.
func releaseNextOfChains(ctx context.Context, t *database.Tx, chains []int64, now int64) (threads []string, err error) {
	for some := range database.ChunkRows(t, chains, maxStatementRows) {
		in, args := database.In(t, some)
		of := `chain ` + in + ` AND chain <> 0`
		held, err := database.Select(ctx, t, func(rows *sql.Rows, thread *string) error { return rows.Scan(thread) },
			`SELECT thread FROM deliveries WHERE `+of+` AND `+rowQueued+` AND held ORDER BY chain, id`+forUpdate(t), args...)
		if err != nil {
			return nil, err
		}
		if len(held) == 0 {
			continue
		}
		threads = append(threads, held...)
		rows, err := database.Select(ctx, t, func(rows *sql.Rows, r *chainRow) error {
			var held bool
			err := rows.Scan(&r.id, &r.chain, &r.state, &held, &r.deferred, &r.next, &r.resume)
			r.state = deliveryState(r.state, held)
			if r.state == alert.Held {
				*r = r.unblocked(now)
			}
			return err
		}, `SELECT id, chain, state, held, deferred, next_time, resume_time FROM deliveries WHERE `+of+` ORDER BY chain, id`, args...)
		if err != nil {
			return nil, err
		}
		var moved []chainRow
		for len(rows) > 0 {
			end := slices.IndexFunc(rows, func(r chainRow) bool { return r.chain != rows[0].chain })
			if end < 0 {
				end = len(rows)
			}
			moved, rows = append(moved, nextOfChain(rows[:end], now)...), rows[end:]
		}
		if err := writeChainRows(ctx, t, moved); err != nil {
			return nil, err
		}
	}
	return threads, nil
}

// nextOfChain returns the deliveries of a chain that change: the first held one becomes Queued
// at now if the one before it failed, or waits longer than the failover delay. The held ones
// behind it move earlier by as much, so that their distances stay.
func nextOfChain(chain []chainRow, now int64) []chainRow {
	first := slices.IndexFunc(chain, func(r chainRow) bool { return r.state == alert.Held })
	if first < 1 {
		return nil
	}
	before, early := chain[first-1], chain[first].next-now
	waits := before.state == alert.Queued && before.deferred && before.next >= chain[first].next
	if before.state != alert.Failed && !waits || early <= 0 {
		return nil
	}
	var moved []chainRow
	for _, r := range chain[first:] {
		if r.state == alert.Held {
			r.next -= early
			moved = append(moved, r)
		}
	}
	moved[0].state = alert.Queued
	return moved
}

// writeChainRows writes the changed deliveries of chains.
func writeChainRows(ctx context.Context, t *database.Tx, moved []chainRow) error {
	for some := range database.ChunkRows(t, moved, maxStatementRows) {
		args := make([]any, 0, 4*len(some))
		for _, r := range some {
			next, resume, held := r.next, int64(0), r.state == alert.Held
			if r.resume != 0 { // still blocked by its thread
				next, resume, held = blockedUntil, r.next, true
			}
			args = append(args, r.id, next, held, resume)
		}
		rows, args := t.ValueRows([]string{"bigint", "bigint", "boolean", "bigint"}, args)
		if _, err := t.Exec(ctx, `WITH v (id, next_time, held, resume_time) AS (`+rows+`)
			UPDATE deliveries SET next_time = v.next_time, held = v.held, deferred = v.held, resume_time = v.resume_time
			`+joinValues, args...); err != nil {
			return err
		}
	}
	return nil
}

// deliveryState returns the state of a delivery. The database stores held deliveries as queued,
// so that expiry, cancellation and dispatch cover them too.
func deliveryState(state alert.State, held bool) alert.State {
	if state == alert.Queued && held {
		return alert.Held
	}
	return state
}
