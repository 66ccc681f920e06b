package ledger

import (
	"context"
	"database/sql"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// reasonCanceled is the reason of deliveries whose alert was canceled.
const reasonCanceled = "canceled"

// Cancel cancels the queued deliveries of an alert, and marks the claimed ones and those that a
// receipt must not resume.
func (s *Store) Cancel(ctx context.Context, id int64, now time.Time) (n int, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		found, err := selectNumbers(ctx, t, `SELECT id FROM alerts WHERE id = ?`, id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return errNoAlert(id)
		}
		ds, err := database.Select(ctx, t, func(rows *sql.Rows, d *threadRow) error { return rows.Scan(&d.id, &d.state, &d.thread, &d.callback) },
			`SELECT id, state, thread, callback FROM deliveries WHERE alert_id = ? AND (`+rowOpen+` OR `+rowCanceled+`) ORDER BY id`+forUpdate(t), id)
		if err != nil {
			return err
		}
		n, err = t.Exec(ctx, `UPDATE deliveries SET state = `+sqlCanceled+`, reason = ?, end_time = ? WHERE alert_id = ? AND `+rowQueued,
			reasonCanceled, micros(now), id)
		if err != nil {
			return err
		}
		if _, err = t.Exec(ctx, `UPDATE deliveries SET canceled = true WHERE alert_id = ?
			AND (`+rowClaimed+` OR `+rowCanceled+` AND reason = '`+alert.NotNeeded+`')`, id); err != nil {
			return err
		}
		open, threads := make([]threadRow, 0, len(ds)), make([]string, len(ds))
		for i, d := range ds {
			threads[i] = d.thread
			if !d.state.IsFinal() {
				open = append(open, d)
			}
		}
		if err := reportEnds(ctx, t, reportedOf(open), micros(now)); err != nil {
			return err
		}
		return settleThreads(ctx, t, threads, nil, micros(now))
	})
	return n, err
}

// selectNumbers returns the rows of a query with a single numeric column.
func selectNumbers(ctx context.Context, t *database.Tx, text string, args ...any) ([]int64, error) {
	return database.Select(ctx, t, func(rows *sql.Rows, n *int64) error { return rows.Scan(n) }, text, args...)
}
