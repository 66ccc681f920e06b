package store

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/monitor"
)

// CreateWindow stores a maintenance window.
func (s *Store) CreateWindow(ctx context.Context, w monitor.MaintenanceWindow, now time.Time) (monitor.MaintenanceWindow, error) {
	err := s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if _, err := t.Exec(ctx, `UPDATE revisions SET last = last + 1 WHERE id = 2`); err != nil { // one after the other
			return err
		}
		n, err := database.Select(ctx, t, scanInt, `SELECT count(*) FROM maintenance_windows WHERE end_time > ?`, micros(now))
		if err != nil {
			return err
		}
		if n[0] >= monitor.MaxWindows {
			return fault.WithReason(fault.Exhaustedf("there are %d maintenance windows that have not ended, at most %d: end some", n[0], monitor.MaxWindows),
				"TOO_MANY_MAINTENANCE_WINDOWS")
		}
		ids, err := database.Select(ctx, t, scanInt, `INSERT INTO maintenance_windows (monitors, start_time, end_time, reason, author, create_time)
			VALUES (?, ?, ?, ?, ?, ?) RETURNING id`,
			storable(encodeList(w.Monitors)), micros(w.Start), micros(w.End), storable(w.Reason), storable(w.Author), micros(w.CreateTime))
		if err != nil {
			return err
		}
		w.ID = ids[0]
		w.Start, w.End, w.CreateTime = moment(micros(w.Start)), moment(micros(w.End)), moment(micros(w.CreateTime))
		return nil
	})
	return w, err
}

// ListWindows returns maintenance windows by their end.
func (s *Store) ListWindows(ctx context.Context, after time.Time) (found []monitor.MaintenanceWindow, err error) {
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		found, err = database.Select(ctx, t, scanWindow, `SELECT id, monitors, start_time, end_time, reason, author, create_time
			FROM maintenance_windows WHERE end_time > ? ORDER BY end_time DESC, id DESC`, micros(after))
		return err
	})
	return found, err
}

func scanWindow(rows *sql.Rows, w *monitor.MaintenanceWindow) error {
	var monitors string
	var start, end, created int64
	err := rows.Scan(&w.ID, &monitors, &start, &end, &w.Reason, &w.Author, &created)
	if err != nil {
		return err
	}
	w.Start, w.End, w.CreateTime = moment(start), moment(end), moment(created)
	w.Monitors, err = decodeList[string](monitors)
	return err
}

// EndWindow ends a maintenance window.
func (s *Store) EndWindow(ctx context.Context, id int64, at time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		found, err := database.Select(ctx, t, scanWindow, `SELECT id, monitors, start_time, end_time, reason, author, create_time
			FROM maintenance_windows WHERE id = ?`+forUpdate(t), id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			text := strconv.FormatInt(id, 10)
			return fault.WithResource(fault.NotFoundf("maintenance window %s not found", text), "maintenance window", text)
		}
		if !at.Before(found[0].End) {
			return nil
		}
		_, err = t.Exec(ctx, `UPDATE maintenance_windows SET start_time = ?, end_time = ? WHERE id = ?`, min(micros(found[0].Start), micros(at)), micros(at), id)
		return err
	})
}
