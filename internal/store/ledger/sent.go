package ledger

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/store/database"
)

// Most reports are of what was sent, which needs no verdict, and most deliveries are in
// no chain and had no receipt of a failure before their report. What these hold is not
// read: two statements record and end them.

// plain says of a report that writeSent may record it. The columns of an attempt that
// it does not bring have their defaults then.
func (e entry) plain() bool {
	o := e.Outcome
	return o.Kind == messenger.Sent && o.Scope == 0 && !o.Cut && o.Destination == ""
}

// simple says of a claimed delivery that nothing else follows from its being sent.
const simple = `state + 0 = 2 AND chain = 0 AND NOT receipt_failed`

// writeSent records plain reports, in the order of their ids, and gives those that need
// more: whose deliveries are not simple, or not claimed under their fences. It locks
// all that are claimed.
func writeSent(ctx context.Context, t *database.Tx, some []entry) (rest []entry, err error) {
	args := make([]any, 0, 8*len(some))
	for _, e := range some {
		o := e.Outcome
		args = append(args, e.DeliveryID, e.Fence, micros(e.StartTime), micros(e.EndTime), o.Status, o.Code, o.MessageID, o.Excerpt)
	}
	// CROSS has SQLite begin with v, and + 0 look up each by its id.
	claimed, locks := `deliveries`, ``
	if t.Postgres() {
		claimed, locks = `claimed`, `, claimed AS (SELECT id, state, fence, chain, receipt_failed, attempt_count, possible_duplicate
			FROM deliveries WHERE id = `+anyOfV+` AND state + 0 = 2 ORDER BY id FOR UPDATE)`
	}
	recorded, err := t.Exec(ctx, `WITH v (id, token, start_time, until, status, code, message_id, excerpt) AS (VALUES `+
		database.List(`(CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT),
			CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT))`, len(some))+`)`+locks+`
		INSERT`+orRollback(t)+` INTO attempts (delivery_id, number, fence, start_time, end_time, kind, scope, status, code, message_id, excerpt, possible_duplicate)
		SELECT v.id, attempt_count, token, start_time, until, 1, 0, status, code, message_id, excerpt, possible_duplicate
		FROM v CROSS JOIN `+claimed+` AS d WHERE d.id = v.id + 0 AND d.fence = token + 0 AND `+simple, args...)
	if err != nil {
		return nil, err
	}
	if recorded < len(some) {
		if some, rest, err = splitSimple(ctx, t, some); err != nil {
			return nil, err
		}
	}
	if len(some) != recorded {
		return nil, fmt.Errorf("%d attempts are recorded of %d deliveries", recorded, len(some))
	}
	return rest, endSent(ctx, t, some)
}

// splitSimple gives the reports of which writeSent has recorded the attempts, whose
// deliveries are still claimed, and the others.
func splitSimple(ctx context.Context, t *database.Tx, all []entry) (recorded, rest []entry, err error) {
	ids := make([]int64, len(all))
	for i, e := range all {
		ids[i] = e.DeliveryID
	}
	found, err := database.Select(ctx, t, func(rows *sql.Rows, h *held) error { return rows.Scan(&h.id, &h.fence) },
		`SELECT id, fence FROM deliveries WHERE id IN (`+database.List("?", len(ids))+`) AND `+simple, anys(ids)...)
	fences := make(map[int64]int64, len(found))
	for _, h := range found {
		fences[h.id] = h.fence
	}
	for _, e := range all {
		if fence, is := fences[e.DeliveryID]; is && fence == e.Fence {
			recorded = append(recorded, e)
		} else {
			rest = append(rest, e)
		}
	}
	return recorded, rest, err
}

// endSent ends deliveries whose attempts are recorded.
func endSent(ctx context.Context, t *database.Tx, all []entry) error {
	for some := range database.Chunks(all, chunk) {
		args := make([]any, 0, 2*len(some))
		for _, e := range some {
			args = append(args, e.DeliveryID, micros(e.EndTime))
		}
		if _, err := t.Exec(ctx, `WITH v (id, end_time) AS (VALUES `+database.List("(CAST(? AS BIGINT), CAST(? AS BIGINT))", len(some))+`)
			UPDATE`+orRollback(t)+` deliveries SET state = 3, reason = '', end_time = v.end_time `+byV(t), args...); err != nil {
			return err
		}
	}
	return nil
}
