package ledger

import (
	"context"
	"database/sql"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// An attempt is a row of the table attempts. Rows of the same report are equal.
type attempt struct {
	delivery   int64
	number     int
	fence      int64
	start, end int64
	outcome    messenger.Outcome // without After
	possible   bool
}

// columns are the columns of an attempt, in the order of scan and append.
const columns = `delivery_id, number, fence, start_time, end_time, kind, scope, status, code, message_id, excerpt, possible_duplicate, cut, moved`

// types are the types of columns.
var types = []string{"bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "text", "text", "text", "boolean", "boolean", "text"}

func (a *attempt) scan(rows *sql.Rows) error {
	return rows.Scan(&a.delivery, &a.number, &a.fence, &a.start, &a.end, &a.outcome.Kind, &a.outcome.Scope,
		&a.outcome.Status, &a.outcome.Code, &a.outcome.MessageID, &a.outcome.Excerpt, &a.possible, &a.outcome.Cut, &a.outcome.Destination)
}

func (a *attempt) append(args []any) []any {
	return append(args, a.delivery, a.number, a.fence, a.start, a.end, int(a.outcome.Kind), int(a.outcome.Scope),
		a.outcome.Status, a.outcome.Code, a.outcome.MessageID, a.outcome.Excerpt, a.possible, a.outcome.Cut, a.outcome.Destination)
}

// attemptOf returns the row for a report.
func attemptOf(r alert.Report, number int, possible bool) attempt {
	r.Outcome.After, r.Outcome.Gone = 0, false
	return attempt{
		delivery: r.DeliveryID, number: number, fence: r.Fence, start: micros(r.StartTime), end: micros(r.EndTime),
		outcome: r.Outcome, possible: possible,
	}
}

func (a *attempt) toAttempt() alert.Attempt {
	return alert.Attempt{
		Number:            a.number,
		Fence:             a.fence,
		StartTime:         timeOf(a.start),
		EndTime:           timeOf(a.end),
		Outcome:           a.outcome,
		PossibleDuplicate: a.possible,
	}
}

func insertAttempts(ctx context.Context, t *database.Tx, all []attempt) error {
	for some := range database.Chunks(t, all, chunk) {
		args := make([]any, 0, len(types)*len(some))
		for i := range some {
			args = some[i].append(args)
		}
		rows, args := t.Rows(types, args)
		if _, err := t.Exec(ctx, `INSERT`+orRollback(t)+` INTO attempts (`+columns+`) `+rows, args...); err != nil {
			return err
		}
	}
	return nil
}

// selectAttempts returns the attempts that match a condition, in order.
func selectAttempts(ctx context.Context, t *database.Tx, condition string, args ...any) ([]attempt, error) {
	return database.Select(ctx, t, func(rows *sql.Rows, a *attempt) error { return a.scan(rows) },
		`SELECT `+columns+` FROM attempts WHERE `+condition+` ORDER BY delivery_id, number`, args...)
}
