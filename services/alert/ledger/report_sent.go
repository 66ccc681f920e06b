package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/database"
)

// Most reports are of sent deliveries, which need no verdict, and most deliveries have no
// callback, are in no chain or thread, and had no failed receipt before their report. These are not read: two statements
// record and complete them, or one in PostgreSQL.

// isPlainSent reports whether writeSent can record a report. The omitted columns of its attempt
// have the right defaults for it.
func (e reportEntry) isPlainSent() bool {
	o := e.Outcome
	return o.Kind == messenger.Sent && o.Scope == 0 && !o.Truncated && o.Destination == ""
}

// whereSimple is the condition for claimed deliveries whose completion has no further effect.
const whereSimple = rowClaimed + ` AND chain = 0 AND thread = '' AND callback = 0 AND NOT receipt_failed`

// splitPlain splits reports into plain ones and the rest.
func splitPlain(all []reportEntry) (plain, rest []reportEntry) {
	for _, e := range all {
		if e.isPlainSent() {
			plain = append(plain, e)
		} else {
			rest = append(rest, e)
		}
	}
	return plain, rest
}

// sentColumns are the columns of v, the rows of plain reports, and sentTypes their types.
const sentColumns = `id, token, start_time, until, status, code, message_id, excerpt`

var sentTypes = []string{"bigint", "bigint", "bigint", "bigint", "bigint", "text", "text", "text"}

// sentRows returns the query for the rows of v, and its parameters.
func sentRows(t *database.Tx, some []reportEntry) (query string, args []any) {
	args = make([]any, 0, len(sentTypes)*len(some))
	for _, e := range some {
		o := e.Outcome
		args = append(args, e.DeliveryID, e.Fence, micros(e.StartTime), micros(e.EndTime), o.Status, o.Code, o.MessageID, o.Excerpt)
	}
	return t.ValueRows(sentTypes, args)
}

// recordSent inserts attempts from v, with the remaining columns from their deliveries.
const recordSent = ` INTO attempts (delivery_id, number, fence, start_time, end_time, kind, scope, status, code, message_id, excerpt, possible_duplicate)
	SELECT v.id, attempt_count, token, start_time, until, ` + sqlSentOutcome + `, ` + sqlNoScope + `, status, code, message_id, excerpt, possible_duplicate`

// writeSent records plain reports, sorted by delivery id, and returns those whose deliveries are
// not simple, or not claimed under their fencing tokens. In PostgreSQL it is one statement and
// locks all claimed deliveries.
func writeSent(ctx context.Context, t *database.Tx, some []reportEntry) (rest []reportEntry, err error) {
	rows, args := sentRows(t, some)
	if t.Postgres() {
		return recordSentAtOnce(ctx, t, some, rows, args)
	}
	// CROSS makes SQLite start with v, and + 0 makes it look up each delivery by its id.
	recorded, err := t.Exec(ctx, `WITH v (`+sentColumns+`) AS (`+rows+`) INSERT`+orRollback(t)+recordSent+`
		FROM v CROSS JOIN deliveries AS d WHERE d.id = v.id + 0 AND d.fence = token + 0 AND `+whereSimple, args...)
	if err != nil {
		return nil, err
	}
	if recorded < len(some) {
		if some, rest, err = splitSimple(ctx, t, some); err != nil {
			return nil, err
		}
	}
	if len(some) != recorded {
		return nil, fmt.Errorf("recorded %d attempts for %d deliveries", recorded, len(some))
	}
	return rest, completeSent(ctx, t, some)
}

// recordSentAtOnce records the attempts and completes the deliveries in one statement.
func recordSentAtOnce(ctx context.Context, t *database.Tx, some []reportEntry, rows string, args []any) (rest []reportEntry, err error) {
	completed, err := selectNumbers(ctx, t, `WITH v (`+sentColumns+`) AS (`+rows+`),
		claimed AS (SELECT v.*, fence, attempt_count, possible_duplicate, `+whereSimple+` AS simple
			FROM v JOIN deliveries ON deliveries.id = v.id WHERE `+rowClaimed+` ORDER BY v.id FOR UPDATE OF deliveries),
		recorded AS (INSERT`+recordSent+` FROM claimed AS v WHERE fence = token AND simple RETURNING delivery_id, end_time)
		UPDATE deliveries SET state = `+sqlSent+`, reason = '', end_time = recorded.end_time
		FROM recorded WHERE deliveries.id = delivery_id RETURNING deliveries.id`, args...)
	if err != nil || len(completed) == len(some) {
		return nil, err
	}
	slices.Sort(completed)
	for _, e := range some {
		if _, ok := slices.BinarySearch(completed, e.DeliveryID); !ok {
			rest = append(rest, e)
		}
	}
	return rest, nil
}

// splitSimple splits reports into those whose attempts writeSent has recorded, whose deliveries
// are still claimed, and the rest.
func splitSimple(ctx context.Context, t *database.Tx, all []reportEntry) (recorded, rest []reportEntry, err error) {
	in, args := database.In(t, idsOf(all))
	found, err := database.Select(ctx, t, func(rows *sql.Rows, c *claimedRow) error { return rows.Scan(&c.id, &c.fence) },
		`SELECT id, fence FROM deliveries WHERE id `+in+` AND `+whereSimple, args...)
	fences := make(map[int64]int64, len(found))
	for _, c := range found {
		fences[c.id] = c.fence
	}
	for _, e := range all {
		if fence, ok := fences[e.DeliveryID]; ok && fence == e.Fence {
			recorded = append(recorded, e)
		} else {
			rest = append(rest, e)
		}
	}
	return recorded, rest, err
}

// completeSent completes deliveries whose attempts are recorded.
func completeSent(ctx context.Context, t *database.Tx, all []reportEntry) error {
	for some := range database.ChunkRows(t, all, maxStatementRows) {
		args := make([]any, 0, 2*len(some))
		for _, e := range some {
			args = append(args, e.DeliveryID, micros(e.EndTime))
		}
		rows, args := t.ValueRows([]string{"bigint", "bigint"}, args)
		if _, err := t.Exec(ctx, `WITH v (id, end_time) AS (`+rows+`)
			UPDATE`+orRollback(t)+` deliveries SET state = `+sqlSent+`, reason = '', end_time = v.end_time `+joinValues, args...); err != nil {
			return err
		}
	}
	return nil
}
