package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/monitor"
)

// ListUptime returns the uptime of a monitor: the stored hours, and that of the status.
func (s *Store) ListUptime(ctx context.Context, id int64, period monitor.Period, from time.Time) (uptimes []monitor.Uptime, err error) {
	length := time.Hour
	if period == monitor.Day {
		length = 24 * time.Hour
	}
	first := micros(from.UTC().Truncate(length))
	if from.IsZero() {
		first = 0
	}
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		days, err := database.Select(ctx, t, scanDay, `SELECT monitor, day_start, hours FROM uptime_days WHERE monitor = ? AND day_start >= ? ORDER BY day_start`, id, dayOf(first))
		if err != nil {
			return err
		}
		var hours []monitor.Uptime
		for _, d := range days {
			for _, h := range d.hours {
				if micros(h.Start) >= first {
					hours = append(hours, h)
				}
			}
		}
		present, err := database.Select(ctx, t, scanUptime, `SELECT hour_start, passed, failed, unknown, excluded, latency_sum, max_latency
			FROM monitor_statuses WHERE id = ? AND hour_start > 0 AND hour_start >= ?`, id, first)
		if err != nil {
			return err
		}
		uptimes = sumUptimes(append(hours, present...), length)
		return nil
	})
	return uptimes, err
}

func scanUptime(rows *sql.Rows, u *monitor.Uptime) error {
	var start, sum, latest int64
	if err := rows.Scan(&start, &u.Passed, &u.Failed, &u.Unknown, &u.Excluded, &sum, &latest); err != nil {
		return err
	}
	u.Start, u.LatencySum, u.MaxLatency = moment(start), time.Duration(sum)*time.Microsecond, time.Duration(latest)*time.Microsecond
	return nil
}

// sumUptimes returns the sums of hours, the oldest first, over periods.
func sumUptimes(hours []monitor.Uptime, length time.Duration) (sums []monitor.Uptime) {
	for _, h := range hours {
		h.Start = h.Start.Truncate(length)
		if n := len(sums); n > 0 && sums[n-1].Start.Equal(h.Start) {
			last := &sums[n-1]
			last.Passed, last.Failed, last.Unknown, last.Excluded = last.Passed+h.Passed, last.Failed+h.Failed, last.Unknown+h.Unknown, last.Excluded+h.Excluded
			last.LatencySum, last.MaxLatency = last.LatencySum+h.LatencySum, max(last.MaxLatency, h.MaxLatency)
			continue
		}
		sums = append(sums, h)
	}
	return sums
}

// SumUp ends the hours of statuses to which no later result was added.
func (s *Store) SumUp(ctx context.Context, before time.Time, limit int) (more bool, err error) {
	last := micros(before.Add(-time.Hour)) // the start of the last hour that has ended
	first, ok, err := s.db.QueryInt(ctx, `SELECT hour_start FROM monitor_statuses WHERE hour_start > 0 ORDER BY hour_start LIMIT 1`)
	if err != nil || !ok || first > last {
		return false, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		ids, err := database.Select(ctx, t, scanInt, `SELECT id FROM monitor_statuses WHERE hour_start > 0 AND hour_start <= ? ORDER BY hour_start, id LIMIT ?`, last, limit)
		if err != nil {
			return err
		}
		more = len(ids) == limit
		rows, err := lockStatuses(ctx, t, ids)
		if err != nil {
			return err
		}
		c := &statusChanges{}
		for _, row := range rows {
			if start := micros(row.hour.Start); start > 0 && start <= last {
				c.endHour(row)
				c.set(row)
			}
		}
		return c.write(ctx, t)
	})
	return more, err
}
