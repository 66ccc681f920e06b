package ledger

import (
	"context"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// maxReplayed is the maximum number of deliveries that one call replays.
const maxReplayed = 100_000

// Replay queues failed or expired deliveries again, oldest first.
func (s *Store) Replay(ctx context.Context, selection alert.ReplaySelection, now, expire time.Time, dry bool) (n int, err error) {
	if !expire.After(now) {
		return 0, fault.Invalidf("expire time must be after now")
	}
	if !isStorable(selection.Messenger, selection.Reason) || !isStorableFilter(selection.Alerts) {
		return 0, nil // no stored delivery can match
	}
	if dry {
		err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
			ids, err := selectReplayable(ctx, t, selection, "", "")
			n = len(ids)
			return err
		})
		return n, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		ids, err := selectReplayable(ctx, t, selection, forUpdate(t), lockAgainstDeletion(t))
		if err != nil {
			return err
		}
		n = len(ids)
		return queueAgain(ctx, t, ids, micros(now), micros(expire))
	})
	return n, err
}

// selectReplayable returns the deliveries that s selects, of alerts that are not deleted, up to
// maxReplayed. lock locks the deliveries, and lockAlerts their alerts against deletion.
func selectReplayable(ctx context.Context, t *database.Tx, s alert.ReplaySelection, lock, lockAlerts string) ([]int64, error) {
	ids, err := selectUnsent(ctx, t, s, lock)
	if err != nil {
		return nil, err
	}
	return withoutDeleted(ctx, t, ids, lockAlerts)
}

// isReplayable is the condition of deliveries that can be replayed: failed, expired and silenced ones.
// state + 0 keeps the databases from the indexes by state where deliveries are found by id.
const isReplayable = `(state + 0 IN (` + sqlFailed + `, ` + sqlExpired + `) OR state + 0 = ` + sqlCanceled + ` AND reason = '` + alert.Silenced + `')`

// selectUnsent returns the deliveries that s selects, without those of tombstones. A selection
// without ids selects silenced deliveries by their reason only.
func selectUnsent(ctx context.Context, t *database.Tx, s alert.ReplaySelection, lock string) ([]int64, error) {
	condition, args := selectionCondition(s)
	of, ofArgs := alertFilterCondition(t, s.Alerts)
	condition, args = condition+of, append(args, ofArgs...)
	if len(s.IDs) == 0 && condition == "" {
		return nil, nil
	}
	condition += ` AND alert_id NOT IN (SELECT id FROM remnants)` // they would count toward the limit
	condition += whereReplayable
	if len(s.Among) > 0 {
		in, names := database.In(t, s.Among)
		condition += ` AND messenger ` + in
		args = append(args, names...)
	}
	if len(s.IDs) == 0 {
		states := `state IN (` + sqlFailed + `, ` + sqlExpired + `)`
		if s.Reason == alert.Silenced {
			states = `state IN (` + sqlFailed + `, ` + sqlExpired + `, ` + sqlCanceled + `)`
		}
		// Repeats the condition of the partial index on failed, expired and canceled deliveries.
		return selectNumbers(ctx, t, `SELECT id FROM deliveries WHERE `+states+` AND `+isUnsent+condition+`
			ORDER BY id LIMIT ?`+lock, append(args, maxReplayed)...)
	}
	var all []int64
	for some := range database.ChunkRows(t, inOrder(s.IDs), maxStatementRows) {
		in, some := database.In(t, some)
		ids, err := selectNumbers(ctx, t, `SELECT id FROM deliveries WHERE `+isReplayable+condition+`
			AND id `+in+` ORDER BY id LIMIT ?`+lock,
			slices.Concat(args, some, []any{maxReplayed - len(all)})...)
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
	}
	return all, nil
}

// whereReplayable excludes firing deliveries for which a later resolved alert of their key
// exists, and resolved ones for which any later alert of their key exists.
const whereReplayable = ` AND (thread = '' OR NOT EXISTS (SELECT 1 FROM threads WHERE threads.name = deliveries.thread
	AND threads.last_order > thread_order AND (resolves OR threads.resolved_order > thread_order)))`

// selectionCondition returns the conditions of a selection except for its ids.
func selectionCondition(s alert.ReplaySelection) (condition string, args []any) {
	and := func(text string, arg any) {
		condition += " AND " + text
		args = append(args, arg)
	}
	if s.AlertID != 0 {
		and("alert_id = ?", s.AlertID)
	}
	if s.Messenger != "" {
		and("messenger = ?", s.Messenger)
	}
	if s.Reason != "" {
		and("reason = ?", s.Reason)
	}
	if !s.From.IsZero() {
		and("end_time >= ?", micros(s.From))
	}
	if !s.Before.IsZero() {
		and("end_time < ?", micros(s.Before))
	}
	return condition, args
}

// queueAgain makes deliveries due again. Their attempts stay on record.
func queueAgain(ctx context.Context, t *database.Tx, ids []int64, now, expire int64) error {
	var threads []string
	for some := range database.ChunkRows(t, ids, maxStatementRows) {
		in, args := database.In(t, some)
		if _, err := t.Exec(ctx, `UPDATE deliveries SET state = `+sqlQueued+`, deferred = false, held = false, next_time = ?, expire_time = ?,
			tries = 0, canceled = false, resume_time = 0, reason = '', end_time = 0 WHERE id `+in,
			append([]any{now, expire}, args...)...); err != nil {
			return err
		}
		found, err := selectThreads(ctx, t, `id `+in, args...)
		if err != nil {
			return err
		}
		threads = append(threads, found...)
	}
	return settleThreads(ctx, t, threads, nil, now)
}
