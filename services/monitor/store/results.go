package store

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// Record stores results. The settings that rule is called with are shared: it must not change them.
func (s *Store) Record(ctx context.Context, results []monitor.MonitorResult, rule monitor.Rule) (statuses []monitor.Status, err error) {
	if len(results) == 0 {
		return nil, nil
	}
	ids := make([]int64, len(results))
	for i, r := range results {
		ids[i] = r.ID
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, err := lockStatuses(ctx, t, ids)
		if err != nil {
			return err
		}
		monitors, err := s.settingsOf(ctx, t, rows)
		if err != nil {
			return err
		}
		statuses = make([]monitor.Status, len(results))
		c := &statusChanges{}
		for i, r := range results {
			row, m := rows[r.ID], monitors[r.ID]
			if row == nil || micros(r.Result.Time) <= row.lastTime {
				continue
			}
			statuses[i] = c.record(row, m, r, rule)
		}
		return c.write(ctx, t)
	})
	if err != nil {
		return nil, err
	}
	return statuses, nil
}

// record adds a result to the status of a monitor, which changes by a rule.
func (c *statusChanges) record(row *statusRow, m monitor.Monitor, r monitor.MonitorResult, rule monitor.Rule) monitor.Status {
	m.Status = row.status
	status, notices := rule(m, r.Result)
	c.set(row)
	row.status = storedStatus(status)
	r.Result.State = status.State
	c.addResult(row, r.Result, r.Excluded)
	row.setLateTime(m.Settings.Check.Kind(), r.Result.Time)
	c.addNotices(row, m.Settings.Name, notices, r.Result.Time)
	return row.status
}

// storedStatus returns a status as the store returns it.
func storedStatus(s monitor.Status) monitor.Status {
	s.Since, s.FireTime, s.NextTime, s.StartTime = moment(micros(s.Since)), moment(micros(s.FireTime)), moment(micros(s.NextTime)), moment(micros(s.StartTime))
	s.Reason, s.Recent = storable(s.Reason), storable(s.Recent)
	changes := s.Changes
	s.Changes = nil
	for _, at := range changes {
		s.Changes = append(s.Changes, moment(micros(at)))
	}
	return s
}

// settingsOf returns the monitors of locked statuses, by their ids, without the statuses. Those that
// have not changed since they were last read are cached.
func (s *Store) settingsOf(ctx context.Context, t *database.Tx, rows map[int64]*statusRow) (map[int64]monitor.Monitor, error) {
	all := make(map[int64]monitor.Monitor, len(rows))
	var unknown []int64
	s.mu.Lock()
	for id, row := range rows {
		if m, ok := s.monitors[id]; ok && m.Revision == row.revision {
			all[id] = m
		} else {
			unknown = append(unknown, id)
		}
	}
	s.mu.Unlock()
	if len(unknown) == 0 {
		return all, nil
	}
	slices.Sort(unknown)
	for some := range database.ChunkLists(t, unknown, maxStatementRows) {
		condition, args := database.In(t, some)
		found, err := database.Select(ctx, t, scanMonitor, `SELECT `+monitorColumns+` FROM monitors WHERE id `+condition, args...)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		if len(s.monitors) > monitor.MaxMonitors { // of deleted ones
			clear(s.monitors)
		}
		for _, m := range found {
			all[m.ID], s.monitors[m.ID] = m, m
		}
		s.mu.Unlock()
	}
	return all, nil
}

// ListResults returns results, the newest first: those of the status, and then those of blocks.
func (s *Store) ListResults(ctx context.Context, q monitor.ResultQuery) (results []monitor.Result, err error) {
	if q.Limit < 1 {
		return nil, fault.Invalidf("result query: the limit must be at least 1")
	}
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		l := &resultList{query: q, before: int64(math.MaxInt64), from: micros(q.From)}
		if !q.Before.IsZero() {
			l.before = micros(q.Before)
		}
		newest, err := database.Select(ctx, t, func(rows *sql.Rows, b *storedBlock) error { return rows.Scan(&b.end, &b.encoded) },
			`SELECT last_time, results FROM monitor_statuses WHERE id = ? AND result_count > 0`, q.ID)
		if err != nil {
			return err
		}
		if err := l.add(newest); err != nil {
			return err
		}
		if err := l.addBlocks(ctx, t); err != nil {
			return err
		}
		results = l.results
		return nil
	})
	return results, err
}

// A storedBlock is a block with the time of its last result.
type storedBlock struct {
	end     int64
	encoded []byte
}

// A resultList collects the results of a query.
type resultList struct {
	query        monitor.ResultQuery
	before, from int64
	results      []monitor.Result
}

// full reports whether there are as many results as the query wants.
func (l *resultList) full() bool { return len(l.results) >= l.query.Limit }

// add adds the results of blocks, the newest block first.
func (l *resultList) add(blocks []storedBlock) error {
	for _, b := range blocks {
		var found []monitor.Result
		r := blockReader{rest: b.encoded}
		for {
			more, err := r.next()
			if err != nil {
				return err
			}
			if !more {
				break
			}
			if r.time >= l.from && r.time < l.before && (l.query.Outcome == 0 || r.outcome() == l.query.Outcome) {
				found = append(found, r.result())
			}
		}
		slices.Reverse(found)
		l.results = append(l.results, found[:min(len(found), l.query.Limit-len(l.results))]...)
	}
	return nil
}

// blocksPerQuery is the number of blocks that one statement reads.
const blocksPerQuery = 16

// addBlocks adds results of blocks until there are enough.
func (l *resultList) addBlocks(ctx context.Context, t *database.Tx) error {
	end := int64(math.MaxInt64)
	if l.before < math.MaxInt64 { // the first block that ends later may begin earlier
		first, err := database.Select(ctx, t, scanInt,
			`SELECT end_time FROM result_blocks WHERE monitor = ? AND end_time >= ? ORDER BY end_time LIMIT 1`, l.query.ID, l.before)
		if err != nil {
			return err
		}
		if len(first) > 0 {
			end = first[0]
		}
	}
	outcomes := int64(1<<probe.Passed | 1<<probe.Failed | 1<<probe.Unknown)
	if l.query.Outcome != 0 {
		outcomes = 1 << l.query.Outcome
	}
	for !l.full() {
		blocks, err := database.Select(ctx, t, func(rows *sql.Rows, b *storedBlock) error { return rows.Scan(&b.end, &b.encoded) },
			`SELECT end_time, results FROM result_blocks WHERE monitor = ? AND end_time <= ? AND end_time >= ? AND outcomes & ? <> 0
			ORDER BY end_time DESC LIMIT ?`, l.query.ID, end, l.from, outcomes, blocksPerQuery)
		if err != nil {
			return err
		}
		if err := l.add(blocks); err != nil {
			return err
		}
		if len(blocks) < blocksPerQuery {
			return nil
		}
		end = blocks[len(blocks)-1].end - 1
	}
	return nil
}

// Statuses returns the statuses of all monitors, by name.
func (s *Store) Statuses(ctx context.Context) (all []monitor.Monitor, err error) {
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err = database.Select(ctx, t, func(rows *sql.Rows, m *monitor.Monitor) error {
			var row statusRow
			r := rawStatus{row: &row}
			if err := rows.Scan(append([]any{&m.Settings.Name, &m.Settings.Title, &m.Settings.Group}, r.fields()...)...); err != nil {
				return err
			}
			if err := r.decode(); err != nil {
				return err
			}
			m.ID, m.Revision, m.Status = row.id, row.revision, row.status
			return nil
		}, `SELECT name, title, group_name, `+selectStatus+` FROM monitor_statuses JOIN monitors ON monitors.id = monitor_statuses.id`)
		return err
	})
	slices.SortFunc(all, func(a, b monitor.Monitor) int { return cmp.Compare(a.Settings.Name, b.Settings.Name) })
	return all, err
}
