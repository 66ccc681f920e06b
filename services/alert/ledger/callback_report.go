package ledger

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A transaction that completes a delivery with a callback, or records that it was read, inserts
// a report of that. It locks the callback endpoint against deletion, so that no report is left
// behind. Deliveries without a callback cost no statement here.

// A reportedDelivery is a delivery whose change is reported if it has a callback.
type reportedDelivery struct {
	id       int64
	callback int64 // the id of its callback endpoint; 0 for none
}

// reportedOf returns the deliveries of rows.
func reportedOf(rows []threadRow) (ds []reportedDelivery) {
	for _, r := range rows {
		if r.callback != 0 {
			ds = append(ds, reportedDelivery{r.id, r.callback})
		}
	}
	return ds
}

// endedAtOnce returns the inserted deliveries that were completed when they were recorded.
func endedAtOnce(rows []deliveryRow) (ds []reportedDelivery) {
	for _, r := range rows {
		if r.callback != 0 && r.placement().state.IsFinal() {
			ds = append(ds, reportedDelivery{r.ID, r.callback})
		}
	}
	return ds
}

// reportEnds reports the ends of those of ds that are completed and have a callback. All of them
// must have been uncompleted, or in another final state, before this transaction.
func reportEnds(ctx context.Context, t *database.Tx, ds []reportedDelivery, now int64) error {
	return insertReports(ctx, t, ds, `0`, ` AND `+rowCompleted, now)
}

// reportReads reports that those of the deliveries that have a callback were read, at their
// receipt time. Their rows must be locked and have that receipt.
func reportReads(ctx context.Context, t *database.Tx, ids []int64, now int64) error {
	for some := range database.ChunkLists(t, ids, maxStatementRows) {
		in, args := database.In(t, some)
		ds, err := database.Select(ctx, t, func(rows *sql.Rows, d *reportedDelivery) error { return rows.Scan(&d.id, &d.callback) },
			`SELECT id, callback FROM deliveries WHERE id `+in+` AND callback <> 0 ORDER BY id`, args...)
		if err != nil {
			return err
		}
		if err := insertReports(ctx, t, ds, `receipt_time`, ``, now); err != nil {
			return err
		}
	}
	return nil
}

// insertReports inserts a report for each of ds that has a callback and matches a condition.
// readTime is the expression for the time at which they were read.
func insertReports(ctx context.Context, t *database.Tx, ds []reportedDelivery, readTime, condition string, now int64) error {
	var ids []int64
	endpoints := map[int64]bool{}
	for _, d := range ds {
		if d.callback != 0 {
			ids, endpoints[d.callback] = append(ids, d.id), true
		}
	}
	if len(ids) == 0 {
		return nil
	}
	existing, err := lockEndpoints(ctx, t, slices.Sorted(maps.Keys(endpoints)))
	if err != nil || len(existing) == 0 {
		return err
	}
	among, callbacks := database.In(t, existing)
	for some := range database.ChunkRows(t, inOrder(ids), maxStatementRows) {
		in, args := database.In(t, some)
		if _, err := t.Exec(ctx, `INSERT`+orRollback(t)+` INTO callback_reports
			(endpoint, alert_id, delivery_id, nickname, messenger, state, reason, end_time, read_time, create_time)
			SELECT callback, alert_id, id, nickname, messenger, state, reason, end_time, `+readTime+`, CAST(? AS BIGINT)
			FROM deliveries WHERE id `+in+condition+` AND callback `+among+` ORDER BY id`,
			slices.Concat([]any{now}, args, callbacks)...); err != nil {
			return err
		}
	}
	return nil
}

// lockEndpoints returns those of the callback endpoints that exist, locked against deletion.
func lockEndpoints(ctx context.Context, t *database.Tx, ids []int64) (existing []int64, err error) {
	lock := ""
	if t.Postgres() {
		lock = ` FOR KEY SHARE`
	}
	for some := range database.ChunkLists(t, ids, maxStatementRows) {
		in, args := database.In(t, some)
		found, err := selectNumbers(ctx, t, `SELECT id FROM callback_endpoints WHERE id `+in+` ORDER BY id`+lock, args...)
		if err != nil {
			return nil, err
		}
		existing = append(existing, found...)
	}
	return existing, nil
}

// resolveCallbacks sets the callback endpoints of alerts, and returns the alerts without those
// that name an unknown one. Without callbacks it runs no query.
func resolveCallbacks(ctx context.Context, t *database.Tx, adds []*pendingAdd) ([]*pendingAdd, error) {
	var names []string
	for _, a := range adds {
		a.callback, a.unknownCallback = 0, false
		if a.alert.Callback != "" {
			names = append(names, a.alert.Callback)
		}
	}
	if len(names) == 0 {
		return adds, nil
	}
	slices.Sort(names)
	byName, err := selectEndpointIDs(ctx, t, slices.Compact(names))
	if err != nil {
		return nil, err
	}
	known := make([]*pendingAdd, 0, len(adds))
	for _, a := range adds {
		if a.alert.Callback != "" {
			a.callback = byName[a.alert.Callback]
			a.unknownCallback = a.callback == 0
		}
		if !a.unknownCallback {
			known = append(known, a)
		}
	}
	return known, nil
}

// errUnknownCallback returns the error for an alert whose callback endpoint does not exist.
func errUnknownCallback(name string) error {
	err := fault.InvalidField("callback", "unknown callback endpoint %q, use one of ListCallbackEndpoints", name)
	return fault.WithReason(err, alert.UnknownCallback)
}
