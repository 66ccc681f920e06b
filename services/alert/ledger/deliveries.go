package ledger

import (
	"context"
	"database/sql"

	entsql "entgo.io/ent/dialect/sql"

	ent "github.com/bongsu-project/bongsu/gen/ent/ledger"
	entalert "github.com/bongsu-project/bongsu/gen/ent/ledger/alert"
	entdelivery "github.com/bongsu-project/bongsu/gen/ent/ledger/delivery"
	"github.com/bongsu-project/bongsu/gen/ent/ledger/predicate"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// Summary returns an alert with the number of its deliveries in each state.
func (s *Store) Summary(ctx context.Context, id int64) (alert.Alert, error) {
	found, err := s.readAlerts(ctx, []int64{id})
	return found[id], err
}

// Deliveries returns deliveries of an alert with their attempts, from one snapshot of the
// database.
func (s *Store) Deliveries(ctx context.Context, q alert.DeliveryQuery) (ds []alert.Delivery, err error) {
	if q.Limit < 1 {
		return nil, fault.Invalidf("limit must be at least 1")
	}
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		client := ent.NewClient(ent.Driver(t.Driver()))
		if exists, err := client.Alert.Query().Where(entalert.ID(q.AlertID)).Exist(ctx); err != nil || !exists {
			if err == nil {
				err = errNoAlert(q.AlertID)
			}
			return err
		}
		rows, err := deliveryRows(ctx, t, client, q)
		if err != nil {
			return err
		}
		var attempts []attemptRow
		for some := range database.ChunkRows(t, rows, maxStatementRows) {
			ids := make([]int64, len(some))
			for i, row := range some {
				ids[i] = row.ID
			}
			in, args := database.In(t, ids)
			found, err := selectAttempts(ctx, t, `delivery_id `+in, args...)
			if err != nil {
				return err
			}
			attempts = append(attempts, found...)
		}
		ds = toDeliveries(rows, attempts)
		return nil
	})
	return ds, err
}

// deliveryRows returns the deliveries that match q. SQLite reads them in order from the index by
// alert. PostgreSQL would sort all deliveries of the alert for each page, so a later page is
// first searched in a range of ids: the ids of an alert are consecutive.
func deliveryRows(ctx context.Context, t *database.Tx, client *ent.Client, q alert.DeliveryQuery) ([]*ent.Delivery, error) {
	where := []predicate.Delivery{entdelivery.AlertID(q.AlertID), entdelivery.IDGT(q.After)}
	if q.State != 0 {
		where = append(where, func(s *entsql.Selector) { s.Where(inState(q.State)) })
	}
	if q.Nickname != "" {
		where = append(where, entdelivery.Nickname(q.Nickname))
	}
	if q.Messenger != "" {
		where = append(where, entdelivery.Messenger(q.Messenger))
	}
	if len(q.IDs) > 0 {
		where = append(where, entdelivery.IDIn(q.IDs...))
	}
	if t.Postgres() && q.After > 0 && len(where) == 2 {
		near := client.Delivery.Query().Where(append(where, entdelivery.IDLTE(q.After+int64(q.Limit)))...)
		if rows, err := near.Order(entdelivery.ByID()).All(ctx); err != nil || len(rows) == q.Limit {
			return rows, err
		}
	}
	order := "id"
	if t.Postgres() {
		order = "id + 0" // avoids a scan of the primary key to the end of the table when few rows match
	}
	return client.Delivery.Query().Where(where...).Limit(q.Limit).Order(func(s *entsql.Selector) { s.OrderExpr(entsql.Expr(order)) }).All(ctx)
}

// Versions returns the versions of the deliveries of an alert.
func (s *Store) Versions(ctx context.Context, alertID int64) (all []alert.DeliveryVersion, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err = database.Select(ctx, t, func(rows *sql.Rows, v *alert.DeliveryVersion) error {
			var held, deferred bool
			var attempts, next, fence, end, receipt int64
			if err := rows.Scan(&v.DeliveryID, &v.State, &held, &deferred, &attempts, &next, &fence, &end, &receipt); err != nil {
				return err
			}
			if !deferred && !held {
				next = 0
			}
			v.State = deliveryState(v.State, held)
			v.Checksum = checksum(int64(v.State), attempts, next, fence, end, receipt)
			return nil
		}, `SELECT id, state, held, deferred, attempt_count, next_time, fence, end_time, receipt_time
			FROM deliveries WHERE alert_id = ? ORDER BY id`, alertID)
		return err
	})
	return all, err
}

// Checksums returns a checksum for each alert. Times are reduced by a modulus before they are
// summed, because their sum would overflow.
func (s *Store) Checksums(ctx context.Context, alertIDs []int64) (all map[int64]uint64, err error) {
	type row struct {
		id  int64
		sum uint64
	}
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		all = make(map[int64]uint64, len(alertIDs))
		for some := range database.ChunkRows(t, alertIDs, maxStatementRows) {
			in, args := database.In(t, some)
			found, err := database.Select(ctx, t, func(rows *sql.Rows, r *row) error {
				var n, states, held, fences, attempts, next, end, receipt int64
				err := rows.Scan(&r.id, &n, &states, &held, &fences, &attempts, &next, &end, &receipt)
				r.sum = checksum(n, states, held, fences, attempts, next, end, receipt)
				return err
			}, `SELECT alert_id, COUNT(*), CAST(SUM(state) AS bigint), CAST(SUM(CASE WHEN held THEN 1 ELSE 0 END) AS bigint),
				CAST(SUM(fence) AS bigint), CAST(SUM(attempt_count) AS bigint), CAST(SUM(next_time % 1000003) AS bigint),
				CAST(SUM(end_time % 1000003) AS bigint), CAST(SUM(receipt_time % 1000003) AS bigint)
				FROM deliveries WHERE alert_id `+in+` GROUP BY alert_id`, args...)
			if err != nil {
				return err
			}
			for _, r := range found {
				all[r.id] = r.sum
			}
		}
		return nil
	})
	return all, err
}

// checksum returns a hash of ns.
func checksum(ns ...int64) uint64 {
	sum := uint64(14695981039346656037)
	for _, n := range ns {
		sum ^= uint64(n) // keeps all bits
		sum *= 1099511628211
		sum ^= sum >> 29
	}
	return sum
}
