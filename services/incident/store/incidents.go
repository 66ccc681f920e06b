package store

import (
	"context"
	"database/sql"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/incident"
)

// Incident returns an incident.
func (s *Store) Incident(ctx context.Context, id int64) (incident.Incident, error) {
	found, err := s.incidents(ctx, `id = ?`, id)
	if err != nil {
		return incident.Incident{}, err
	}
	if len(found) == 0 {
		return incident.Incident{}, errNoIncident(id)
	}
	return found[0], nil
}

// Page returns incidents, the newest first.
func (s *Store) Page(ctx context.Context, q incident.Query) ([]incident.Incident, error) {
	if q.Limit < 1 {
		return nil, fault.Invalidf("incident query: the limit must be at least 1")
	}
	if q.Before == 0 {
		q.Before = math.MaxInt64
	}
	conditions, args := []string{`id < ?`}, []any{q.Before}
	if q.OpenOnly {
		conditions = append(conditions, `state <> 3`)
	}
	if q.State != 0 {
		conditions, args = append(conditions, `state = ?`), append(args, int64(q.State))
	}
	if q.Key != "" {
		conditions, args = append(conditions, `alert_key IN (?, ?)`), append(args, q.Key, job.SourceKey(job.DisplayKey(q.Key)))
	}
	return s.incidents(ctx, strings.Join(conditions, ` AND `)+` ORDER BY id DESC LIMIT ?`, append(args, q.Limit)...)
}

// Revision returns the last revision.
func (s *Store) Revision(ctx context.Context) (int64, error) {
	revision, _, err := s.db.QueryInt(ctx, `SELECT last FROM revisions WHERE id = 1`)
	return revision, err
}

// ChangedAfter returns incidents by revision.
func (s *Store) ChangedAfter(ctx context.Context, revision int64, limit int) ([]incident.Incident, error) {
	return s.incidents(ctx, `revision > ? ORDER BY revision LIMIT ?`, revision, limit)
}

// incidents returns the incidents that a condition selects.
func (s *Store) incidents(ctx context.Context, condition string, args ...any) (found []incident.Incident, err error) {
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		found, err = database.Select(ctx, t, scanIncident, `SELECT `+incidentColumns+` FROM incidents WHERE `+condition, args...)
		return err
	})
	return found, err
}

// Entries returns the first entries of an incident.
func (s *Store) Entries(ctx context.Context, id int64, limit int) (entries []incident.Entry, err error) {
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		entries, err = database.Select(ctx, t, func(rows *sql.Rows, e *incident.Entry) error {
			var at int64
			err := rows.Scan(&e.Number, &e.Kind, &at, &e.By, &e.Text, &e.AlertID)
			e.Time = moment(at)
			return err
		}, `SELECT number, kind, time, author, text, alert_id FROM incident_entries WHERE incident = ? ORDER BY number LIMIT ?`, id, limit)
		return err
	})
	return entries, err
}

// CountOpen returns the numbers of open incidents.
func (s *Store) CountOpen(ctx context.Context) (firing, acknowledged int64, err error) {
	type count struct {
		state incident.State
		n     int64
	}
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		counts, err := database.Select(ctx, t, func(rows *sql.Rows, c *count) error { return rows.Scan(&c.state, &c.n) },
			`SELECT state, count(*) FROM incidents WHERE state <> 3 GROUP BY state`)
		for _, c := range counts {
			switch c.state { //nolint:exhaustive // the open ones
			case incident.Firing:
				firing = c.n
			case incident.Acknowledged:
				acknowledged = c.n
			}
		}
		return err
	})
	return firing, acknowledged, err
}

// DeleteIncidents deletes incidents at the end of their retention.
func (s *Store) DeleteIncidents(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		lock := ""
		if t.Postgres() {
			lock = ` FOR UPDATE`
		}
		ids, err := database.Select(ctx, t, scanInt, `SELECT id FROM incidents WHERE update_time < ?
			AND NOT EXISTS (SELECT 1 FROM notices WHERE notices.incident = incidents.id)
			ORDER BY update_time, id LIMIT ?`+lock, micros(before), limit)
		if err != nil {
			return err
		}
		n = len(ids)
		for some := range database.ChunkLists(t, ids, maxStatementRows) {
			condition, args := database.In(t, some)
			if _, err := t.Exec(ctx, `DELETE FROM incident_entries WHERE incident `+condition, args...); err != nil {
				return err
			}
			if _, err := t.Exec(ctx, `DELETE FROM incidents WHERE id `+condition, args...); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

func scanInt(rows *sql.Rows, n *int64) error { return rows.Scan(n) }

func errNoIncident(id int64) error {
	text := strconv.FormatInt(id, 10)
	return fault.WithResource(fault.NotFoundf("incident %s not found", text), "incident", text)
}
