package ledger

import (
	"context"
	"database/sql"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// LeaseExpired is the code of an attempt whose lease expired without a report.
const LeaseExpired = "lease_expired"

// reasonExpired is the reason of deliveries whose time to live ended.
const reasonExpired = "expired"

// Sweep records attempts whose lease expired, and then completes expired deliveries, each in
// order of time. Several processes may call it concurrently: each delivery is swept by one of
// them.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int, rule alert.VerdictRule) (n int, err error) {
	if limit < 1 {
		return 0, fault.Invalidf("limit must be at least 1")
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		lost, err := endLeases(ctx, t, now, limit, rule)
		if err != nil {
			return err
		}
		expired, err := expire(ctx, t, micros(now), limit-lost)
		n = lost + expired
		return err
	})
	return n, err
}

// endLeases records the attempts of deliveries whose leases expired, and applies the verdicts.
// A delivery whose time to live ended meanwhile expires at once.
func endLeases(ctx context.Context, t *database.Tx, now time.Time, limit int, rule alert.VerdictRule) (int, error) {
	lost, err := selectClaimed(ctx, t, isClaimed+` AND lease_time <= ? ORDER BY lease_time LIMIT ?`+skipLocked(t), micros(now), limit)
	if err != nil {
		return 0, err
	}
	transitions := make([]transition, len(lost))
	for i, c := range lost {
		if transitions[i], err = decide(c, c.leaseExpiredReport(), now, rule); err != nil {
			return 0, err
		}
		if transitions[i].verdict.State == alert.Queued && c.expire <= micros(now) {
			transitions[i].verdict.State, transitions[i].reason, transitions[i].end = alert.Expired, reasonExpired, micros(now)
		}
	}
	return len(lost), writeTransitions(ctx, t, transitions, micros(now))
}

// leaseExpiredReport returns the report for a lease that expired without one.
func (c *claimedRow) leaseExpiredReport() dispatch.Report {
	return dispatch.Report{
		DeliveryID: c.id, Fence: c.fence, StartTime: fromMicros(c.begin), EndTime: fromMicros(c.end),
		Outcome: messenger.Outcome{Kind: messenger.Unknown, Code: LeaseExpired},
	}
}

// expire completes queued deliveries whose time to live ended.
func expire(ctx context.Context, t *database.Tx, now int64, limit int) (int, error) {
	found, err := database.Select(ctx, t, func(rows *sql.Rows, d *threadRow) error { return rows.Scan(&d.id, &d.thread, &d.callback) },
		`SELECT id, thread, callback FROM deliveries WHERE `+isQueued+` AND expire_time <= ? ORDER BY expire_time LIMIT ?`+skipLocked(t), now, limit)
	if err != nil {
		return 0, err
	}
	ids, threads := make([]int64, len(found)), make([]string, len(found))
	for i, d := range found {
		ids[i], threads[i] = d.id, d.thread
	}
	for some := range database.ChunkRows(t, ids, maxStatementRows) {
		in, args := database.In(t, some)
		if _, err := t.Exec(ctx, `UPDATE deliveries SET state = `+sqlExpired+`, reason = ?, end_time = ? WHERE id `+in, append([]any{reasonExpired, now}, args...)...); err != nil {
			return 0, err
		}
	}
	if err := reportEnds(ctx, t, reportedOf(found), now); err != nil {
		return 0, err
	}
	return len(ids), settleThreads(ctx, t, threads, nil, now)
}
