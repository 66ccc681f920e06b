package store

import (
	"context"
	"database/sql"
	"math"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// AddPing stores a ping and the results of a rule for it.
func (s *Store) AddPing(ctx context.Context, name string, p monitor.Ping, rule func(monitor.Monitor, monitor.Ping) (monitor.Status, *monitor.Result, []monitor.Notice)) (status monitor.Status, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		row, m, err := s.lockHeartbeat(ctx, t, name)
		if err != nil {
			return err
		}
		m.Status = row.status
		after, result, notices := rule(m, p)
		c := &statusChanges{}
		c.set(row)
		last := row.status.Last
		row.status = storedStatus(after)
		row.status.Last = last
		if result != nil && micros(result.Time) > row.lastTime {
			result.State = after.State
			c.addResult(row, *result, after.State == monitor.Maintenance)
		}
		row.setLateTime(probe.KindHeartbeat, time.Time{})
		c.addNotices(row, name, notices, p.Time)
		status = row.status
		if err := insertPing(ctx, t, m.ID, p); err != nil {
			return err
		}
		return c.write(ctx, t)
	})
	return status, err
}

// lockHeartbeat returns a heartbeat and its status, which it locks until the end of the
// transaction.
func (s *Store) lockHeartbeat(ctx context.Context, t *database.Tx, name string) (*statusRow, monitor.Monitor, error) {
	ids, err := database.Select(ctx, t, scanInt, `SELECT id FROM monitors WHERE name = ?`, storable(name))
	if err != nil {
		return nil, monitor.Monitor{}, err
	}
	rows, err := lockStatuses(ctx, t, ids)
	if err != nil {
		return nil, monitor.Monitor{}, err
	}
	monitors, err := s.settingsOf(ctx, t, rows)
	if err != nil {
		return nil, monitor.Monitor{}, err
	}
	for id, row := range rows {
		if m, ok := monitors[id]; ok && m.Settings.Check.Kind() == probe.KindHeartbeat {
			return row, m, nil
		}
	}
	return nil, monitor.Monitor{}, fault.WithResource(fault.NotFoundf("heartbeat %s not found", name), "heartbeat", name)
}

// insertPing inserts a ping, and deletes those above the maximum.
func insertPing(ctx context.Context, t *database.Tx, id int64, p monitor.Ping) error {
	if _, err := t.Exec(ctx, `INSERT INTO pings (monitor, kind, time, body, content_type, author) VALUES (?, ?, ?, ?, ?, ?)`,
		id, int64(p.Kind), micros(p.Time), append([]byte{}, p.Body...), storable(p.ContentType), storable(p.By)); err != nil {
		return err
	}
	_, err := t.Exec(ctx, `DELETE FROM pings WHERE id IN (SELECT id FROM pings WHERE monitor = ? ORDER BY time DESC, id DESC LIMIT ? OFFSET ?)`,
		id, monitor.MaxPings, monitor.MaxPings)
	return err
}

// ListPings returns pings, the newest first.
func (s *Store) ListPings(ctx context.Context, id int64, before time.Time, limit int) (pings []monitor.Ping, err error) {
	end := int64(math.MaxInt64)
	if !before.IsZero() {
		end = micros(before)
	}
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		pings, err = database.Select(ctx, t, func(rows *sql.Rows, p *monitor.Ping) error {
			var at int64
			err := rows.Scan(&p.Kind, &at, &p.Body, &p.ContentType, &p.By)
			p.Time = moment(at)
			return err
		}, `SELECT kind, time, body, content_type, author FROM pings WHERE monitor = ? AND time < ? ORDER BY time DESC, id DESC LIMIT ?`, id, end, limit)
		return err
	})
	return pings, err
}

// TakeLate takes heartbeats that are late. While none is it only reads.
func (s *Store) TakeLate(ctx context.Context, now time.Time, limit int, rule monitor.Rule) (taken int, next time.Time, err error) {
	const least = `SELECT late_time FROM monitor_statuses WHERE late_time > 0 ORDER BY late_time LIMIT 1`
	first, ok, err := s.db.QueryInt(ctx, least)
	if err != nil || !ok || first >= micros(now) {
		return 0, moment(first), err
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		taken, next = 0, time.Time{}
		late, err := database.Select(ctx, t, scanStatus, `SELECT `+selectStatus+` FROM monitor_statuses
			WHERE late_time > 0 AND late_time < ? ORDER BY late_time, id LIMIT ?`+skipLocked(t), micros(now), limit)
		if err != nil {
			return err
		}
		rows := make(map[int64]*statusRow, len(late))
		for i := range late {
			rows[late[i].id] = &late[i]
		}
		monitors, err := s.settingsOf(ctx, t, rows)
		if err != nil {
			return err
		}
		c := &statusChanges{}
		for i := range late {
			c.takeLate(&late[i], monitors[late[i].id], now, rule)
		}
		taken = len(late)
		if err := c.write(ctx, t); err != nil {
			return err
		}
		due, err := database.Select(ctx, t, scanInt, least)
		if len(due) > 0 {
			next = moment(due[0])
		}
		return err
	})
	return taken, next, err
}

// takeLate applies a rule to a heartbeat that is late. The result is that which rule sets as the last
// one, or a failed one with the reason.
func (c *statusChanges) takeLate(row *statusRow, m monitor.Monitor, now time.Time, rule monitor.Rule) {
	m.Status = row.status
	r := monitor.Result{Time: now, Finding: probe.Finding{Outcome: probe.Failed}}
	after, notices := rule(m, r)
	last := row.status.Last
	row.status = storedStatus(after)
	c.set(row)
	switch {
	case after.Last.Time.Equal(now):
		r = after.Last
	default:
		row.status.Last = last
		r.Message = after.Reason
	}
	r.State = after.State
	if micros(now) > row.lastTime {
		c.addResult(row, r, after.State == monitor.Maintenance)
	}
	row.setLateTime(probe.KindHeartbeat, now)
	c.addNotices(row, m.Settings.Name, notices, now)
}
