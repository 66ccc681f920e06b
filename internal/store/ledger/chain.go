package ledger

import (
	"context"
	"database/sql"
	"slices"

	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A chain is the deliveries of one user that are used one after the other. Those
// that are held are the last of it. Where nothing came of a delivery in a chain,
// none of this is paid for.
//
// What a chain does locks deliveries beside those that are reported, chain by chain,
// so two processes that report two of one chain at once may wait for each other. The
// database then gives up one, which is tried again.

// A step is what came of a delivery in a chain.
type step struct {
	chain int64
	sent  bool
}

// advance lets chains go on as steps say, whose deliveries have been written.
// It returns the threads of those that it ended or locked.
func advance(ctx context.Context, t *database.Tx, steps []step, now int64) (threads []string, err error) {
	var sent, open []int64
	for _, s := range steps {
		if s.sent {
			sent = append(sent, s.chain)
		} else {
			open = append(open, s.chain)
		}
	}
	if threads, err = dismiss(ctx, t, inOrder(sent), now); err != nil {
		return nil, err
	}
	held, err := release(ctx, t, inOrder(open), now)
	return append(threads, held...), err
}

// dismiss ends what of chains waits, and marks what a sender holds, which is not to
// be tried again. It returns the threads of these. For state + 0 see claim.write.
func dismiss(ctx context.Context, t *database.Tx, chains []int64, now int64) (threads []string, err error) {
	for some := range database.Chunks(t, chains, chunk) {
		in, args := database.In(t, some)
		found, err := database.Select(ctx, t, func(rows *sql.Rows, d *threadRow) error { return rows.Scan(&d.id, &d.thread) },
			`SELECT id, thread FROM deliveries WHERE chain `+in+`
			AND chain <> 0 AND state + 0 <= 2 ORDER BY chain, id`+forUpdate(t), args...)
		if err != nil {
			return nil, err
		}
		open := make([]int64, len(found))
		for i, d := range found {
			open[i] = d.id
			threads = append(threads, d.thread)
		}
		for ids := range database.Chunks(t, open, chunk) {
			in, args := database.In(t, ids)
			// What each expression sees is the row as it was.
			if _, err := t.Exec(ctx, `UPDATE deliveries SET reason = '`+alert.NotNeeded+`', canceled = (state = 2),
				end_time = CASE WHEN state = 1 THEN CAST(? AS BIGINT) ELSE end_time END,
				state = CASE WHEN state = 1 THEN 6 ELSE state END WHERE id `+in,
				append([]any{now}, args...)...); err != nil {
				return nil, err
			}
		}
	}
	return threads, nil
}

// A link is a delivery of a chain as it stands.
type link struct {
	id, chain int64
	state     alert.State
	deferred  bool
	next      int64
	resume    int64 // set where it is blocked in its thread
}

// unblocked returns the link as it would be if its thread did not block it.
func (l link) unblocked(now int64) link {
	if l.resume == 0 {
		return l
	}
	l.state, l.deferred, l.next = alert.Queued, false, l.resume
	if l.resume > now {
		l.state, l.deferred = alert.Held, true
	}
	return l
}

// release lets the next of each chain go whose turn has come. It returns the threads of
// those that are held.
func release(ctx context.Context, t *database.Tx, chains []int64, now int64) (threads []string, err error) {
	for some := range database.Chunks(t, chains, chunk) {
		in, args := database.In(t, some)
		of := `chain ` + in + ` AND chain <> 0`
		held, err := database.Select(ctx, t, func(rows *sql.Rows, thread *string) error { return rows.Scan(thread) },
			`SELECT thread FROM deliveries WHERE `+of+` AND state + 0 = 1 AND held ORDER BY chain, id`+forUpdate(t), args...)
		if err != nil {
			return nil, err
		}
		if len(held) == 0 {
			continue
		}
		threads = append(threads, held...)
		links, err := database.Select(ctx, t, func(rows *sql.Rows, l *link) error {
			var held bool
			err := rows.Scan(&l.id, &l.chain, &l.state, &held, &l.deferred, &l.next, &l.resume)
			l.state = stateOf(l.state, held)
			if l.state == alert.Held {
				*l = l.unblocked(now)
			}
			return err
		}, `SELECT id, chain, state, held, deferred, next_time, resume_time FROM deliveries WHERE `+of+` ORDER BY chain, id`, args...)
		if err != nil {
			return nil, err
		}
		var moved []link
		for len(links) > 0 {
			end := slices.IndexFunc(links, func(l link) bool { return l.chain != links[0].chain })
			if end < 0 {
				end = len(links)
			}
			moved, links = append(moved, next(links[:end], now)...), links[end:]
		}
		if err := hasten(ctx, t, moved); err != nil {
			return nil, err
		}
	}
	return threads, nil
}

// next gives those of a chain that change: the first that is held becomes Queued at
// now, where the one before it failed or waits so long that it would be used
// anyway; those behind it come sooner by as much, so that each keeps its distance.
func next(chain []link, now int64) []link {
	first := slices.IndexFunc(chain, func(l link) bool { return l.state == alert.Held })
	if first < 1 {
		return nil
	}
	before, early := chain[first-1], chain[first].next-now
	waits := before.state == alert.Queued && before.deferred && before.next >= chain[first].next
	if before.state != alert.Failed && !waits || early <= 0 {
		return nil
	}
	var moved []link
	for _, l := range chain[first:] {
		if l.state == alert.Held {
			l.next -= early
			moved = append(moved, l)
		}
	}
	moved[0].state = alert.Queued
	return moved
}

// hasten writes what next gave.
func hasten(ctx context.Context, t *database.Tx, moved []link) error {
	for some := range database.Chunks(t, moved, chunk) {
		args := make([]any, 0, 4*len(some))
		for _, l := range some {
			next, resume, held := l.next, int64(0), l.state == alert.Held
			if l.resume != 0 { // its thread still blocks it
				next, resume, held = farAway, l.next, true
			}
			args = append(args, l.id, next, held, resume)
		}
		rows, args := t.Rows([]string{"bigint", "bigint", "boolean", "bigint"}, args)
		if _, err := t.Exec(ctx, `WITH v (id, next_time, held, resume_time) AS (`+rows+`)
			UPDATE deliveries SET next_time = v.next_time, held = v.held, deferred = v.held, resume_time = v.resume_time
			`+fromV, args...); err != nil {
			return err
		}
	}
	return nil
}

// stateOf is a delivery's state, of which the database keeps what is held as
// queued: all that ends, cancels or puts what is queued is right for it too.
func stateOf(state alert.State, held bool) alert.State {
	if state == alert.Queued && held {
		return alert.Held
	}
	return state
}
