package ledger

import (
	"context"
	"slices"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A settlement is the set of changes to the deliveries of some threads.
type settlement struct {
	superseded []threadRow // to be canceled
	notRetried []int64     // claimed, and superseded if they are not sent
	notNeeded  []threadRow // to be canceled
	repeated   []threadRow // to be canceled, with the others of their chains
	unblocked  []threadRow // to be unblocked
	blocked    []threadRow // to be blocked
}

// settle adds the changes of a thread. rows are all of its queued and claimed deliveries, in
// order; possiblySent are those that may have been received.
func (s *settlement) settle(th thread, rows []threadRow, possiblySent map[int64]bool) {
	rest := make([]threadRow, 0, len(rows))
	busy := false
	update := lastUpdate(rows)
	for _, r := range rows {
		superseded := !r.resolves && r.order < th.resolved
		if (superseded || r.isReplacedBy(update)) && r.state == alert.Queued && !possiblySent[r.id] {
			s.superseded = append(s.superseded, r)
			continue
		}
		if superseded && r.state == alert.Claimed && !r.canceled {
			s.notRetried = append(s.notRetried, r.id)
		}
		busy = busy || r.state == alert.Claimed
		rest = append(rest, r)
	}
	for _, r := range rest {
		switch {
		case r.state == alert.Claimed:
		case r.repeats(th) && !possiblySent[r.id]:
			s.repeated = append(s.repeated, r)
		case busy:
			if r.resume == 0 {
				s.blocked = append(s.blocked, r)
			}
		case (r.resolves || r.kind == acknowledgmentKind) && !th.notified:
			s.notNeeded = append(s.notNeeded, r)
		default:
			busy = true
			if r.resume != 0 {
				s.unblocked = append(s.unblocked, r)
			}
		}
	}
}

// repeats reports whether a delivery repeats a state that its address was notified of, or that a
// later update has changed.
func (r *threadRow) repeats(th thread) bool {
	return r.kind == repeatKind && (r.order < th.update || th.isNotifiedOf(th.update))
}

// lastUpdate returns the last of rows that is an update of a firing alert and can be sent; its
// order is 0 if there is none.
func lastUpdate(rows []threadRow) (last threadRow) {
	for _, r := range rows {
		if !r.resolves && r.kind == updateKind && !r.canceled {
			last = r
		}
	}
	return last
}

// isReplacedBy reports whether a held-back delivery need not be sent, because a later update of
// its thread says more: one that is sent at once, or one that is held back for the same reason, or
// by a digest in quiet hours.
func (r *threadRow) isReplacedBy(update threadRow) bool {
	if r.resolves || r.hold == alert.HoldNone || r.order >= update.order {
		return false
	}
	return update.hold == alert.HoldNone || r.hold == update.hold || r.hold == alert.HoldQuietHours
}

// write applies the changes.
func (s *settlement) write(ctx context.Context, t *database.Tx, now int64) error {
	if err := cancelThreadRows(ctx, t, s.superseded, alert.Superseded, now); err != nil {
		return err
	}
	if err := cancelThreadRows(ctx, t, s.notNeeded, alert.NotNeeded, now); err != nil {
		return err
	}
	if err := cancelThreadRows(ctx, t, s.repeated, alert.Repeated, now); err != nil {
		return err
	}
	for some := range database.ChunkRows(t, s.notRetried, maxStatementRows) {
		in, args := database.In(t, some)
		if _, err := t.Exec(ctx, `UPDATE deliveries SET canceled = true, reason = '`+alert.Superseded+`' WHERE id `+in, args...); err != nil {
			return err
		}
	}
	if err := unblock(ctx, t, s.unblocked, now); err != nil {
		return err
	}
	return block(ctx, t, s.blocked, now)
}

// cancelThreadRows makes queued deliveries Canceled.
func cancelThreadRows(ctx context.Context, t *database.Tx, rows []threadRow, reason string, now int64) error {
	for some := range database.ChunkLists(t, rows, maxStatementRows) {
		in, args := database.In(t, rowIDs(some))
		if _, err := t.Exec(ctx, `UPDATE`+orRollback(t)+` deliveries SET state = `+sqlCanceled+`, reason = ?, end_time = ?, resume_time = 0 WHERE id `+in,
			append([]any{reason, now}, args...)...); err != nil {
			return err
		}
	}
	return reportEnds(ctx, t, reportedOf(rows), now)
}

// rowIDs returns the ids of rows.
func rowIDs(rows []threadRow) []int64 {
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.id
	}
	return ids
}

// unblock unblocks deliveries, each due at its resume time; those of a chain but the first are
// held until then.
func unblock(ctx context.Context, t *database.Tx, rows []threadRow, now int64) error {
	for some := range database.ChunkRows(t, rows, maxStatementRows) {
		args := make([]any, 0, 4*len(some))
		for _, r := range some {
			later := r.resume > now
			args = append(args, r.id, max(r.resume, now), later && r.chain != 0 && r.chain != r.id, later)
		}
		rows, args := t.ValueRows([]string{"bigint", "bigint", "boolean", "boolean"}, args)
		if _, err := t.Exec(ctx, `WITH v (id, next_time, held, deferred) AS (`+rows+`)
			UPDATE deliveries SET next_time = v.next_time, held = v.held, deferred = v.deferred, resume_time = 0
			`+joinValues, args...); err != nil {
			return err
		}
	}
	return nil
}

// block blocks queued deliveries until those before them in the thread are completed.
func block(ctx context.Context, t *database.Tx, rows []threadRow, now int64) error {
	for some := range database.ChunkRows(t, rows, maxStatementRows) {
		args := make([]any, 0, 2*len(some))
		for _, r := range some {
			resume := now
			if r.deferred {
				resume = max(now, r.next)
			}
			args = append(args, r.id, resume)
		}
		rows, args := t.ValueRows([]string{"bigint", "bigint"}, args)
		if _, err := t.Exec(ctx, `WITH v (id, resume_time) AS (`+rows+`)
			UPDATE deliveries SET next_time = CAST(? AS BIGINT), held = true, deferred = true, slots = '', resume_time = v.resume_time
			`+joinValues, append(args, int64(blockedUntil))...); err != nil {
			return err
		}
	}
	return nil
}

// apply moves the changes of deliveries that are not inserted yet to their places.
func (s *settlement) apply(pending []pendingRow, now int64) {
	for _, p := range pending {
		row := p.placement()
		take := func(rows *[]threadRow) bool {
			n := len(*rows)
			*rows = slices.DeleteFunc(*rows, func(r threadRow) bool { return r.id == p.ID })
			return len(*rows) < n
		}
		switch {
		case take(&s.superseded):
			row.cancel(alert.Superseded, now)
		case take(&s.notNeeded):
			row.cancel(alert.NotNeeded, now)
		case take(&s.repeated):
			row.cancel(alert.Repeated, now)
		case take(&s.unblocked):
			row.unblock(now)
		case take(&s.blocked):
			row.block(now)
		default:
			continue
		}
		p.place.settled = &row
	}
}

// add adds the changes of other threads.
func (s *settlement) add(other settlement) {
	s.superseded = append(s.superseded, other.superseded...)
	s.notRetried = append(s.notRetried, other.notRetried...)
	s.notNeeded = append(s.notNeeded, other.notNeeded...)
	s.repeated = append(s.repeated, other.repeated...)
	s.unblocked = append(s.unblocked, other.unblocked...)
	s.blocked = append(s.blocked, other.blocked...)
}
