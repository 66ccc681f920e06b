package ledger

import (
	"context"
	"database/sql"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// An attemptRow is a row of the table attempts. Rows of the same report are equal.
type attemptRow struct {
	delivery          int64
	number            int
	fence             int64
	start, end        int64
	outcome           messenger.Outcome // without RetryAfter, Gone, Reference and PreviousGone
	possibleDuplicate bool
}

// attemptColumns are the columns of an attempt, in the order of scan and append.
const attemptColumns = `delivery_id, number, fence, start_time, end_time, kind, scope, status, code, message_id, excerpt, possible_duplicate, cut, moved`

// attemptColumnTypes are the types of attemptColumns.
var attemptColumnTypes = []string{"bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "text", "text", "text", "boolean", "boolean", "text"}

func (a *attemptRow) scan(rows *sql.Rows) error {
	return rows.Scan(&a.delivery, &a.number, &a.fence, &a.start, &a.end, &a.outcome.Kind, &a.outcome.Scope,
		&a.outcome.Status, &a.outcome.Code, &a.outcome.MessageID, &a.outcome.Excerpt, &a.possibleDuplicate, &a.outcome.Truncated, &a.outcome.Destination)
}

func (a *attemptRow) append(args []any) []any {
	return append(args, a.delivery, a.number, a.fence, a.start, a.end, int(a.outcome.Kind), int(a.outcome.Scope),
		a.outcome.Status, a.outcome.Code, a.outcome.MessageID, a.outcome.Excerpt, a.possibleDuplicate, a.outcome.Truncated, a.outcome.Destination)
}

// attemptOf returns the row for a report.
func attemptOf(r dispatch.Report, number int, possible bool) attemptRow {
	r.Outcome.RetryAfter, r.Outcome.Gone = 0, false
	r.Outcome.Reference, r.Outcome.PreviousGone = "", false
	return attemptRow{
		delivery: r.DeliveryID, number: number, fence: r.Fence, start: micros(r.StartTime), end: micros(r.EndTime),
		outcome: r.Outcome, possibleDuplicate: possible,
	}
}

func (a *attemptRow) toAttempt() alert.Attempt {
	return alert.Attempt{
		Number:            a.number,
		Fence:             a.fence,
		StartTime:         fromMicros(a.start),
		EndTime:           fromMicros(a.end),
		Outcome:           a.outcome,
		PossibleDuplicate: a.possibleDuplicate,
	}
}

// insertAttempts inserts the rows of attempts.
func insertAttempts(ctx context.Context, t *database.Tx, all []attemptRow) error {
	for some := range database.ChunkRows(t, all, maxStatementRows) {
		args := make([]any, 0, len(attemptColumnTypes)*len(some))
		for i := range some {
			args = some[i].append(args)
		}
		rows, args := t.ValueRows(attemptColumnTypes, args)
		if _, err := t.Exec(ctx, `INSERT`+orRollback(t)+` INTO attempts (`+attemptColumns+`) `+rows, args...); err != nil {
			return err
		}
	}
	return nil
}

// selectAttempts returns the attempts that match a condition, in order.
func selectAttempts(ctx context.Context, t *database.Tx, condition string, args ...any) ([]attemptRow, error) {
	return database.Select(ctx, t, func(rows *sql.Rows, a *attemptRow) error { return a.scan(rows) },
		`SELECT `+attemptColumns+` FROM attempts WHERE `+condition+` ORDER BY delivery_id, number`, args...)
}
