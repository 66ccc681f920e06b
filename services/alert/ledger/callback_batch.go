package ledger

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// maxNextTime is how far in the future the next time of an endpoint or a batch may be, in
// microseconds. A later one was written by a clock that was ahead.
const maxNextTime = int64(2 * time.Hour / time.Microsecond)

// endpointIsDue and batchIsDue are the conditions for endpoints and batches that may be called
// at a time, which is their first parameter. The second is the time plus maxNextTime.
const (
	endpointIsDue = `(callback_endpoints.next_time <= ? OR callback_endpoints.next_time > ?)`
	batchIsDue    = `(callback_batches.next_time <= ? OR callback_batches.next_time > ?)`
)

// hasWork is the condition for endpoints with a report, or with a batch that is due.
const hasWork = `(EXISTS (SELECT 1 FROM callback_reports WHERE callback_reports.endpoint = callback_endpoints.id)
	OR EXISTS (SELECT 1 FROM callback_batches WHERE callback_batches.endpoint = callback_endpoints.id AND ` + batchIsDue + `))`

// TakeCallbacks takes a turn of one endpoint. If none is due, which a process finds out every
// second, it only reads.
func (s *Store) TakeCallbacks(ctx context.Context, now, lease time.Time, encode alert.CallbackEncoder) (turn alert.CallbackTurn, ok bool, err error) {
	at, far := micros(now), micros(now)+maxNextTime
	due := `SELECT id FROM callback_endpoints WHERE ` + endpointIsDue + ` AND ` + hasWork + ` ORDER BY next_time, id LIMIT 1`
	var found []int64
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) (err error) {
		found, err = selectNumbers(ctx, t, due, at, far, at, far)
		return err
	})
	if err != nil || len(found) == 0 {
		return turn, false, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		turn, ok = alert.CallbackTurn{}, false
		lock := ""
		if t.Postgres() {
			lock = ` FOR NO KEY UPDATE OF callback_endpoints SKIP LOCKED` // FOR UPDATE would block transactions that report
		}
		found, err := selectNumbers(ctx, t, due+lock, at, far, at, far)
		if err != nil || len(found) == 0 {
			return err
		}
		ok = true
		turn, err = takeTurn(ctx, t, found[0], at, micros(lease), encode)
		return err
	})
	return turn, ok, err
}

// takeTurn takes a turn of a locked endpoint. A turn that drops reports has no batches, and does
// not lease the endpoint.
func takeTurn(ctx context.Context, t *database.Tx, id, now, lease int64, encode alert.CallbackEncoder) (alert.CallbackTurn, error) {
	turn, err := selectTurn(ctx, t, id)
	if err != nil {
		return turn, err
	}
	before := now - alert.CallbackTTL.Microseconds()
	if turn.Dropped, err = dropReports(ctx, t, id, before); err != nil || turn.Dropped > 0 {
		return turn, err
	}
	take, limit := takeBatches, alert.MaxTurnBatches
	if turn.Tries > 0 {
		take, limit = takeProbe, 1
	}
	if turn.Batches, err = take(ctx, t, id, now, encode); err != nil {
		return turn, err
	}
	if turn.Repeated, err = isRepeated(ctx, t, turn); err != nil {
		return turn, err
	}
	turn.Full = len(turn.Batches) == limit && turn.Batches[limit-1].Size == alert.MaxBatchReports
	turn.Fence++
	_, err = t.Exec(ctx, `UPDATE callback_endpoints SET next_time = ?, fence = ? WHERE id = ?`, lease, turn.Fence, id)
	return turn, err
}

// takeBatches returns the batches of an endpoint that are due, and then new ones.
func takeBatches(ctx context.Context, t *database.Tx, endpoint, now int64, encode alert.CallbackEncoder) ([]alert.CallbackBatch, error) {
	batches, err := selectDueBatches(ctx, t, endpoint, now, ``, alert.MaxTurnBatches)
	if err != nil {
		return nil, err
	}
	for len(batches) < alert.MaxTurnBatches {
		b, err := formBatch(ctx, t, endpoint, now, encode)
		if err != nil {
			return nil, err
		}
		if b.Size == 0 {
			break
		}
		batches = append(batches, b)
	}
	return batches, nil
}

// takeProbe returns a single batch of an endpoint, if any: one that has not failed, which may be
// a new one, before one that failed and is due.
func takeProbe(ctx context.Context, t *database.Tx, endpoint, now int64, encode alert.CallbackEncoder) ([]alert.CallbackBatch, error) {
	batches, err := selectDueBatches(ctx, t, endpoint, now, ` AND tries = 0`, 1)
	if err != nil || len(batches) > 0 {
		return batches, err
	}
	b, err := formBatch(ctx, t, endpoint, now, encode)
	if err != nil {
		return nil, err
	}
	if b.Size > 0 {
		return []alert.CallbackBatch{b}, nil
	}
	return selectDueBatches(ctx, t, endpoint, now, ``, 1)
}

// isRepeated reports whether a turn is a probe of a batch that failed before, and that is the
// only one of its endpoint.
func isRepeated(ctx context.Context, t *database.Tx, turn alert.CallbackTurn) (bool, error) {
	if turn.Tries == 0 || len(turn.Batches) == 0 || turn.Batches[0].Tries == 0 {
		return false, nil
	}
	found, err := selectNumbers(ctx, t, `SELECT 1 FROM callback_batches WHERE endpoint = ? AND id <> ? LIMIT 1`, turn.Endpoint.ID, turn.Batches[0].ID)
	return len(found) == 0, err
}

// selectTurn returns an endpoint with its last fencing token.
func selectTurn(ctx context.Context, t *database.Tx, id int64) (alert.CallbackTurn, error) {
	found, err := database.Select(ctx, t, func(rows *sql.Rows, turn *alert.CallbackTurn) error {
		e := &turn.Endpoint
		return rows.Scan(&e.ID, &e.Name, &e.URL, &e.SealedSecret, &e.LastError, &turn.Fence, &turn.Tries)
	}, `SELECT id, name, url, secret, last_error, fence, tries FROM callback_endpoints WHERE id = ?`, id)
	if err != nil || len(found) == 0 {
		return alert.CallbackTurn{}, err
	}
	return found[0], nil
}

// dropReports deletes the oldest reports of an endpoint that were recorded at or before a time,
// as many as a turn may have, and returns their number.
func dropReports(ctx context.Context, t *database.Tx, endpoint, before int64) (n int, err error) {
	batches, err := selectBatches(ctx, t, `endpoint = ? AND create_time <= ? ORDER BY endpoint, next_time LIMIT ?`, endpoint, before, alert.MaxTurnBatches)
	if err != nil {
		return 0, err
	}
	names := make([]string, len(batches))
	for i, b := range batches {
		names[i], n = b.ID, n+b.Size
	}
	if _, err := deleteIn(ctx, t, `callback_batches WHERE id`, names); err != nil {
		return 0, err
	}
	reports, err := selectReports(ctx, t, endpoint)
	if err != nil {
		return 0, err
	}
	var old []int64
	for _, r := range reports {
		if micros(r.CreateTime) <= before {
			old = append(old, r.ID)
		}
	}
	_, err = deleteIn(ctx, t, `callback_reports WHERE id`, old)
	return n + len(old), err
}

// selectDueBatches returns the batches of an endpoint that are due and match a condition, those
// that are due for longest first.
func selectDueBatches(ctx context.Context, t *database.Tx, endpoint, now int64, condition string, limit int) ([]alert.CallbackBatch, error) {
	return selectBatches(ctx, t, `endpoint = ? AND `+batchIsDue+condition+` ORDER BY endpoint, next_time LIMIT ?`, endpoint, now, now+maxNextTime, limit)
}

// selectBatches returns the batches that match a condition.
func selectBatches(ctx context.Context, t *database.Tx, condition string, args ...any) ([]alert.CallbackBatch, error) {
	return database.Select(ctx, t, func(rows *sql.Rows, b *alert.CallbackBatch) error {
		return rows.Scan(&b.ID, &b.Size, &b.Body, &b.Tries)
	}, `SELECT id, size, body, tries FROM callback_batches WHERE `+condition, args...)
}

// selectReports returns the oldest reports of an endpoint, as many as a batch may have.
func selectReports(ctx context.Context, t *database.Tx, endpoint int64) ([]alert.CallbackReport, error) {
	return database.Select(ctx, t, func(rows *sql.Rows, r *alert.CallbackReport) error {
		var end, read, created int64
		err := rows.Scan(&r.ID, &r.AlertID, &r.DeliveryID, &r.Nickname, &r.Messenger, &r.State, &r.Reason, &end, &read, &created)
		r.EndTime, r.ReadTime, r.CreateTime = fromMicros(end), fromMicros(read), fromMicros(created)
		return err
	}, `SELECT id, alert_id, delivery_id, nickname, messenger, state, reason, end_time, read_time, create_time
		FROM callback_reports WHERE endpoint = ? ORDER BY endpoint, id LIMIT ?`, endpoint, alert.MaxBatchReports)
}

// formBatch replaces the oldest reports of an endpoint by a batch. Without reports it returns
// the zero batch.
func formBatch(ctx context.Context, t *database.Tx, endpoint, now int64, encode alert.CallbackEncoder) (b alert.CallbackBatch, err error) {
	reports, err := selectReports(ctx, t, endpoint)
	if err != nil || len(reports) == 0 {
		return b, err
	}
	ids, first := make([]int64, len(reports)), reports[0].CreateTime
	for i, r := range reports {
		ids[i] = r.ID
		if r.CreateTime.Before(first) {
			first = r.CreateTime
		}
	}
	b.Size = len(reports)
	b.ID, b.Body = encode(reports)
	if _, err := t.Exec(ctx, `INSERT INTO callback_batches (id, endpoint, size, body, create_time, next_time) VALUES (?, ?, ?, ?, ?, ?)`,
		b.ID, endpoint, b.Size, b.Body, micros(first), now); err != nil {
		return b, err
	}
	_, err = deleteIn(ctx, t, `callback_reports WHERE id`, ids)
	return b, err
}

// EndCallbacks ends a turn. What was sent is deleted in any case; the rest is written only under
// the lease of the turn.
func (s *Store) EndCallbacks(ctx context.Context, turn alert.CallbackTurn, end alert.CallbackEnd) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if _, err := deleteIn(ctx, t, `callback_batches WHERE id`, slices.Clone(end.Sent)); err != nil {
			return err
		}
		n, err := t.Exec(ctx, `UPDATE callback_endpoints SET next_time = ?, tries = ?, last_error = ? WHERE id = ? AND fence = ?`,
			micros(end.NextTime), end.Tries, storableText(end.LastError), turn.Endpoint.ID, turn.Fence)
		if err != nil || n == 0 {
			return err
		}
		if end.Recovered {
			if _, err := t.Exec(ctx, `UPDATE callback_batches SET next_time = ? WHERE endpoint = ? AND next_time > ?`,
				micros(end.NextTime), turn.Endpoint.ID, micros(end.NextTime)); err != nil {
				return err
			}
		}
		for _, f := range end.Failed { // at most MaxTurnBatches
			if _, err := t.Exec(ctx, `UPDATE callback_batches SET next_time = ?, tries = tries + 1 WHERE id = ?`, micros(f.NextTime), f.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// CountCallbacks returns the number of reports that wait to be sent to any endpoint.
func (s *Store) CountCallbacks(ctx context.Context) (n int64, err error) {
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		found, err := selectNumbers(ctx, t, `SELECT (SELECT count(*) FROM callback_reports) + (SELECT coalesce(sum(size), 0) FROM callback_batches)`)
		if err == nil {
			n = found[0]
		}
		return err
	})
	return n, err
}
