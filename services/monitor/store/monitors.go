package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/monitor"
)

// selectMonitors is the query for monitors with their statuses.
var selectMonitors = `SELECT ` + monitorColumns + `, ` + selectStatus + ` FROM monitors JOIN monitor_statuses ON monitor_statuses.id = monitors.id`

func scanMonitorWithStatus(rows *sql.Rows, m *monitor.Monitor) error {
	var s statusRow
	r := rawStatus{row: &s}
	if err := scanMonitorAnd(rows, m, r.fields()...); err != nil {
		return err
	}
	if err := r.decode(); err != nil {
		return err
	}
	m.Status = s.status
	return nil
}

func errNoMonitor(name string) error {
	return fault.WithResource(fault.NotFoundf("monitor %s not found", name), "monitor", name)
}

// Create stores a new monitor.
func (s *Store) Create(ctx context.Context, m monitor.Monitor) (created monitor.Monitor, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		revision, err := nextRevision(ctx, t)
		if err != nil {
			return err
		}
		ids, err := database.Select(ctx, t, scanInt, `SELECT id FROM monitors WHERE name = ?`, storable(m.Settings.Name))
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			return fault.WithResource(fault.Existsf("monitor %s exists", m.Settings.Name), "monitor", m.Settings.Name)
		}
		created, err = insertMonitor(ctx, t, m, revision)
		return err
	})
	return created, err
}

// nextRevision returns a new revision of the monitors, and locks it until the end of the
// transaction: settings change one after the other, and revisions become visible in their order.
func nextRevision(ctx context.Context, t *database.Tx) (int64, error) {
	last, err := database.Select(ctx, t, scanInt, `UPDATE revisions SET last = last + 1 WHERE id = 1 RETURNING last`)
	if err != nil {
		return 0, err
	}
	return last[0], nil
}

// insertMonitor inserts a monitor with a new status.
func insertMonitor(ctx context.Context, t *database.Tx, m monitor.Monitor, revision int64) (monitor.Monitor, error) {
	count, err := database.Select(ctx, t, scanInt, `SELECT count(*) FROM monitors`)
	if err != nil {
		return m, err
	}
	if count[0] >= monitor.MaxMonitors {
		return m, fault.WithReason(fault.Exhaustedf("there are %d monitors, at most %d: delete some", count[0], monitor.MaxMonitors), "TOO_MANY_MONITORS")
	}
	kind, check, others, err := encodeSettings(m.Settings)
	if err != nil {
		return m, err
	}
	ids, err := database.Select(ctx, t, scanInt,
		`INSERT INTO monitors (id, name, title, group_name, kind, check_settings, settings, built_in, create_time, update_time, revision)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`, newID(m.Settings.Name, revision), storable(m.Settings.Name), storable(m.Settings.Title), storable(m.Settings.Group),
		kind, check, others, m.BuiltIn, micros(m.CreateTime), micros(m.UpdateTime), revision)
	if err != nil {
		return m, err
	}
	m.ID, m.Revision = ids[0], revision
	m.CreateTime, m.UpdateTime = moment(micros(m.CreateTime)), moment(micros(m.UpdateTime))
	m.Status = newStatus(m, m.CreateTime)
	if err := setDependencies(ctx, t, m); err != nil {
		return m, err
	}
	row := &statusRow{id: m.ID, revision: revision, status: m.Status}
	row.setLateTime(m.Settings.Check.Kind(), time.Time{})
	values, args := t.ValueRows(statusTypes, row.values())
	_, err = t.Exec(ctx, `INSERT INTO monitor_statuses (`+strings.Join(statusColumns, ", ")+`) `+values, args...)
	return m, err
}

// idInterval is the interval whose phase is in the ids of monitors: a short one that divides most.
const idInterval = 10 * time.Second

// newID returns the id of a new monitor. Monitors whose checks are due at the same time have
// neighboring ids, so that their statuses, which one transaction writes, are on few pages of a
// SQLite database. The revision makes it unique.
func newID(name string, revision int64) int64 {
	return phaseOf(name).Milliseconds()<<32 | revision
}

// phaseOf returns when in idInterval the check of a monitor is due.
func phaseOf(name string) time.Duration {
	return time.Duration(monitor.PhaseOf(name) % uint64(idInterval))
}

// newStatus returns the status with which a monitor begins at a time. The time when it is due next is
// kept.
func newStatus(m monitor.Monitor, at time.Time) monitor.Status {
	if m.Settings.Paused {
		return monitor.Status{State: monitor.Paused, Since: at}
	}
	return monitor.Status{State: monitor.Pending, Since: at, NextTime: moment(micros(m.Status.NextTime))}
}

// Set creates a monitor, or changes its settings by a rule.
func (s *Store) Set(ctx context.Context, name string, rule func(*monitor.Monitor) (monitor.Monitor, error)) (m monitor.Monitor, created bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		revision, err := nextRevision(ctx, t)
		if err != nil {
			return err
		}
		stored, row, err := lockMonitor(ctx, t, name)
		if err != nil {
			return err
		}
		if created = stored == nil; created {
			if m, err = rule(nil); err != nil {
				return err
			}
			m.Settings.Name = name
			m, err = insertMonitor(ctx, t, m, revision)
			return err
		}
		before := *stored
		if m, err = rule(stored); err != nil {
			return err
		}
		m.Settings.Name = name
		return updateMonitor(ctx, t, before, &m, row, revision)
	})
	return m, created, err
}

// lockMonitor returns a monitor and its status, which it locks until the end of the transaction, or
// nil. The revision must be locked.
func lockMonitor(ctx context.Context, t *database.Tx, name string) (*monitor.Monitor, *statusRow, error) {
	found, err := database.Select(ctx, t, scanMonitor, `SELECT `+monitorColumns+` FROM monitors WHERE name = ?`, storable(name))
	if err != nil || len(found) == 0 {
		return nil, nil, err
	}
	m := &found[0]
	statuses, err := lockStatuses(ctx, t, []int64{m.ID})
	if err != nil {
		return nil, nil, err
	}
	row := statuses[m.ID]
	m.Status = row.status
	return m, row, nil
}

// updateMonitor replaces the settings of a monitor, and begins its status anew where they need it.
func updateMonitor(ctx context.Context, t *database.Tx, before monitor.Monitor, m *monitor.Monitor, row *statusRow, revision int64) error {
	kind, check, others, err := encodeSettings(m.Settings)
	if err != nil {
		return err
	}
	m.ID, m.BuiltIn, m.CreateTime, m.Revision = before.ID, before.BuiltIn, before.CreateTime, revision
	m.UpdateTime = moment(micros(m.UpdateTime))
	if _, err := t.Exec(ctx, `UPDATE monitors SET title = ?, group_name = ?, kind = ?, check_settings = ?, settings = ?, update_time = ?, revision = ? WHERE id = ?`,
		storable(m.Settings.Title), storable(m.Settings.Group), kind, check, others, micros(m.UpdateTime), revision, m.ID); err != nil {
		return err
	}
	if err := setDependencies(ctx, t, *m); err != nil {
		return err
	}
	next := moment(micros(m.Status.NextTime))
	c := &statusChanges{}
	c.set(row)
	row.revision = revision
	switch {
	case before.Settings.Check.Kind() != m.Settings.Check.Kind() || before.Settings.Paused != m.Settings.Paused:
		if next.Equal(before.Status.NextTime) { // that of the status before
			m.Status.NextTime = time.Time{}
		}
		c.endBlock(row)
		row.status = newStatus(*m, m.UpdateTime)
		row.status.Firing, row.status.FireTime = before.Status.Firing, before.Status.FireTime
		row.setLateTime(m.Settings.Check.Kind(), time.Time{})
	case !next.IsZero() && !next.Equal(before.Status.NextTime):
		row.status.NextTime = next
		row.setLateTime(m.Settings.Check.Kind(), time.Time{})
	}
	m.Status = row.status
	return c.write(ctx, t)
}

// Monitor returns a monitor.
func (s *Store) Monitor(ctx context.Context, name string) (monitor.Monitor, error) {
	found, err := s.selectMonitors(ctx, ` WHERE name = ?`, storable(name))
	if err != nil {
		return monitor.Monitor{}, err
	}
	if len(found) == 0 {
		return monitor.Monitor{}, errNoMonitor(name)
	}
	return found[0], nil
}

// Page returns monitors, by name.
func (s *Store) Page(ctx context.Context, q monitor.Query) ([]monitor.Monitor, error) {
	if q.Limit < 1 {
		return nil, fault.Invalidf("monitor query: the limit must be at least 1")
	}
	condition, args := ` WHERE name > ?`, []any{storable(q.After)}
	if q.Prefix != "" {
		prefix := storable(q.Prefix)
		condition += ` AND name >= ? AND substr(name, 1, ?) = ?`
		args = append(args, prefix, len([]rune(prefix)), prefix)
	}
	if q.State != 0 {
		condition += ` AND state = ?`
		args = append(args, int64(q.State))
	}
	return s.selectMonitors(ctx, condition+` ORDER BY name LIMIT ?`, append(args, q.Limit)...)
}

// selectMonitors returns the monitors that a condition selects.
func (s *Store) selectMonitors(ctx context.Context, condition string, args ...any) (found []monitor.Monitor, err error) {
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		found, err = database.Select(ctx, t, scanMonitorWithStatus, selectMonitors+condition, args...)
		return err
	})
	return found, err
}

// Delete deletes a monitor. Its results are deleted by DeleteOld.
func (s *Store) Delete(ctx context.Context, name string, at time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		revision, err := nextRevision(ctx, t)
		if err != nil {
			return err
		}
		m, row, err := lockMonitor(ctx, t, name)
		if err != nil {
			return err
		}
		if m == nil {
			return errNoMonitor(name)
		}
		if err := checkNoDependents(ctx, t, *m); err != nil {
			return err
		}
		c := &statusChanges{}
		if m.Status.Firing {
			c.addNotices(row, name, []monitor.Notice{deletionNotice(m.Settings)}, at)
		}
		if err := c.write(ctx, t); err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM monitor_dependencies WHERE monitor = ?`, `DELETE FROM monitor_statuses WHERE id = ?`, `DELETE FROM monitors WHERE id = ?`,
		} {
			if _, err := t.Exec(ctx, statement, m.ID); err != nil {
				return err
			}
		}
		_, err = t.Exec(ctx, `INSERT INTO monitor_deletions (id, name, delete_time, revision, cleared) VALUES (?, ?, ?, ?, ?)`,
			m.ID, storable(name), micros(at), revision, false)
		return err
	})
}

// deletionNotice returns the notice that resolves the alert of a monitor that is deleted.
func deletionNotice(s monitor.Settings) monitor.Notice {
	title := s.Title
	if title == "" {
		title = s.Name
	}
	return monitor.Notice{
		Resolved: true, Targets: s.Targets, By: s.By, Severity: s.Severity, Title: title, Message: title + " is not monitored any more: the monitor was deleted",
		Link: s.Link, Escalation: s.Escalation,
	}
}

// ChangedAfter returns the monitors that changed.
func (s *Store) ChangedAfter(ctx context.Context, revision int64) (changed []monitor.Monitor, deleted []string, last int64, err error) {
	last, _, err = s.db.QueryInt(ctx, `SELECT last FROM revisions WHERE id = 1`)
	if err != nil || last <= revision {
		return nil, nil, last, err
	}
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		read, err := database.Select(ctx, t, scanInt, `SELECT last FROM revisions WHERE id = 1`)
		if err != nil {
			return err
		}
		last = read[0]
		if changed, err = database.Select(ctx, t, scanMonitorWithStatus, selectMonitors+` WHERE monitors.revision > ? ORDER BY monitors.revision`, revision); err != nil {
			return err
		}
		deleted, err = database.Select(ctx, t, scanText, `SELECT name FROM monitor_deletions WHERE revision > ?
			AND NOT EXISTS (SELECT 1 FROM monitors WHERE monitors.name = monitor_deletions.name) ORDER BY revision`, revision)
		deleted = uniqueTexts(deleted)
		return err
	})
	return changed, deleted, last, err
}

// uniqueTexts returns texts sorted, without duplicates.
func uniqueTexts(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}
