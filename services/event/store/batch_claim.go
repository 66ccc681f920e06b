package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/event"
)

// ClaimBatches returns due batches. It reads before it writes: most of the time none is due.
func (s *Store) ClaimBatches(ctx context.Context, now time.Time, lease time.Duration, limit int) (batches []event.ClaimedBatch, err error) {
	at := now.UnixMicro()
	var due []int64
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		due, err = database.Select(ctx, t, scanInt, `SELECT id FROM batches WHERE due_time <= ? AND lease_time <= ? ORDER BY due_time, id LIMIT ?`, at, at, limit)
		return err
	})
	if err != nil || len(due) == 0 {
		return nil, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		batches, err = claim(ctx, t, at, now.Add(lease).UnixMicro(), limit)
		if err != nil || len(batches) == 0 {
			return err
		}
		return readItems(ctx, t, batches)
	})
	return batches, err
}

// claim leases due batches. Batches that another process claims now are left to it.
func claim(ctx context.Context, t *database.Tx, now, until int64, limit int) ([]event.ClaimedBatch, error) {
	type row struct {
		batch event.ClaimedBatch
		due   int64
	}
	lock := ""
	if t.Postgres() {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	rows, err := database.Select(ctx, t, func(rows *sql.Rows, r *row) error {
		var common []byte
		r.batch.LeaseTime = moment(until)
		if err := rows.Scan(&r.batch.ID, &r.batch.Key, &common, &r.due, &r.batch.Failures); err != nil {
			return err
		}
		var err error
		r.batch.Alert, err = alertOf(common)
		return err
	}, `UPDATE batches SET open_key = NULL, lease_time = ? WHERE id IN
		(SELECT id FROM batches WHERE due_time <= ? AND lease_time <= ? ORDER BY due_time, id LIMIT ?`+lock+`)
		RETURNING id, idempotency_key, alert, due_time, failures`, until, now, now, limit)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b row) int {
		if a.due != b.due {
			return int(a.due - b.due)
		}
		return int(a.batch.ID - b.batch.ID)
	})
	batches := make([]event.ClaimedBatch, len(rows))
	for i, r := range rows {
		batches[i] = r.batch
	}
	return batches, nil
}

// readItems adds the items of batches.
func readItems(ctx context.Context, t *database.Tx, batches []event.ClaimedBatch) error {
	for i := range batches {
		items, err := database.Select(ctx, t, func(rows *sql.Rows, item *event.BatchItem) error {
			return rows.Scan(&item.Severity, &item.Title, &item.Message, &item.Link)
		}, `SELECT severity, title, message, link FROM batch_items WHERE batch_id = ? ORDER BY id`, batches[i].ID)
		if err != nil {
			return err
		}
		batches[i].Items = items
	}
	return nil
}

// ReleaseBatches ends leases.
func (s *Store) ReleaseBatches(ctx context.Context, batches []event.ClaimedBatch) error {
	if len(batches) == 0 {
		return nil
	}
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		for _, b := range batches {
			if _, err := t.Exec(ctx, `UPDATE batches SET lease_time = 0 WHERE id = ? AND lease_time = ?`, b.ID, b.LeaseTime.UnixMicro()); err != nil {
				return err
			}
		}
		return nil
	})
}

// FailBatch counts a failure of a batch.
func (s *Store) FailBatch(ctx context.Context, b event.ClaimedBatch) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, `UPDATE batches SET failures = failures + 1 WHERE id = ? AND lease_time = ?`, b.ID, b.LeaseTime.UnixMicro())
		return err
	})
}

// BatchedAlerts returns the alerts of a batch.
func (s *Store) BatchedAlerts(ctx context.Context, id int64) (alerts []event.BatchedAlert, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		alerts, err = database.Select(ctx, t, func(rows *sql.Rows, a *event.BatchedAlert) error {
			var common, data []byte
			var item event.BatchItem
			if err := rows.Scan(&common, &a.Key, &item.Severity, &item.Title, &item.Message, &item.Link, &data); err != nil {
				return err
			}
			if err := json.Unmarshal(data, &a.Event); err != nil {
				return fmt.Errorf("stored event of batch %d: %w", id, err)
			}
			var err error
			a.Alert, err = alertOf(common)
			a.Alert.Severity, a.Alert.Title, a.Alert.Message, a.Alert.Link = item.Severity, item.Title, item.Message, item.Link
			return err
		}, `SELECT b.alert, i.key, i.severity, i.title, i.message, i.link, i.event
			FROM batch_items i JOIN batches b ON b.id = i.batch_id WHERE i.batch_id = ? ORDER BY i.id`, id)
		return err
	})
	return alerts, err
}

// alertOf returns an alert with the parts that all alerts of a batch have in common.
func alertOf(common []byte) (event.PlannedAlert, error) {
	var c commonAlert
	if err := json.Unmarshal(common, &c); err != nil {
		return event.PlannedAlert{}, fmt.Errorf("stored batch: %w", err)
	}
	return event.PlannedAlert{
		Rule: c.Rule, Index: c.Index, Targets: c.Targets, By: c.By, TTL: c.TTL,
		Batch: &event.BatchSpec{Count: c.Count, Within: c.Within, Message: c.Message},
	}, nil
}
