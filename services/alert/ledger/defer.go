package ledger

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// maxSlots is the maximum length of the slots of a delivery, in bytes.
const maxSlots = 255

// Defer defers deliveries that must wait for their provider. It is idempotent.
func (s *Store) Defer(ctx context.Context, ds []dispatch.Deferral, now time.Time) error {
	ds = slices.Clone(ds)
	for _, d := range ds {
		if d.Time.IsZero() || len(d.Slots) > maxSlots || !isStorable(d.Slots) {
			return fault.Invalidf("deferral of delivery %d: requires a time, and slots of at most %d bytes without NUL", d.DeliveryID, maxSlots)
		}
	}
	slices.SortStableFunc(ds, func(a, b dispatch.Deferral) int { return int(a.DeliveryID - b.DeliveryID) })
	ds = slices.CompactFunc(ds, func(a, b dispatch.Deferral) bool { return a.DeliveryID == b.DeliveryID })
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		for some := range database.ChunkRows(t, ds, maxStatementRows/2) {
			if err := writeDeferrals(ctx, t, some, micros(now)); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeDeferrals locks deliveries in the order of their ids, defers those that are queued and
// not deferred, or claimed under the given fencing token, and advances their chains.
func writeDeferrals(ctx context.Context, t *database.Tx, ds []dispatch.Deferral, now int64) error {
	ids, rows := make([]int64, len(ds)), make([]any, 0, 4*len(ds))
	for i, d := range ds {
		ids[i] = d.DeliveryID
		rows = append(rows, d.DeliveryID, d.Fence, micros(d.Time), d.Slots)
	}
	in, args := database.In(t, ids)
	found, err := database.Select(ctx, t, func(rows *sql.Rows, d *threadRow) error {
		return rows.Scan(&d.id, &d.state, &d.chain, &d.thread, &d.callback)
	},
		`SELECT id, state, chain, thread, callback FROM deliveries WHERE id `+in+` ORDER BY id`+forUpdate(t), args...)
	if err != nil {
		return err
	}
	var steps []chainStep
	threads, open := make([]string, 0, len(found)), make([]threadRow, 0, len(found))
	for _, d := range found {
		if !d.state.IsFinal() {
			open = append(open, d)
		}
		if d.chain != 0 {
			steps = append(steps, chainStep{chain: d.chain})
		}
		threads = append(threads, d.thread)
	}
	v, args := t.ValueRows([]string{"bigint", "bigint", "bigint", "text"}, rows)
	// All expressions read the old values of the row.
	if _, err := t.Exec(ctx, `WITH v (id, fence, next_time, slots) AS (`+v+`)
		UPDATE deliveries SET
			state = CASE WHEN canceled THEN `+sqlCanceled+` ELSE `+sqlQueued+` END,
			reason = CASE WHEN canceled AND reason = '' THEN '`+reasonCanceled+`' ELSE reason END,
			end_time = CASE WHEN canceled THEN CAST(? AS BIGINT) ELSE end_time END,
			attempt_count = CASE WHEN `+isClaimed+` THEN attempt_count - 1 ELSE attempt_count END,
			deferred = true,
			next_time = CASE WHEN v.next_time < expire_time THEN v.next_time ELSE expire_time END,
			slots = v.slots
		`+joinValues+` AND (
			v.fence = 0 AND deliveries.`+rowQueued+` AND NOT deliveries.deferred OR
			v.fence > 0 AND deliveries.`+rowClaimed+` AND deliveries.fence = v.fence)`, append(args, now)...); err != nil {
		return err
	}
	if err := reportEnds(ctx, t, reportedOf(open), now); err != nil {
		return err
	}
	canceled, err := advanceChains(ctx, t, steps, now)
	if err != nil {
		return err
	}
	return settleThreads(ctx, t, append(threads, canceled...), nil, now)
}
