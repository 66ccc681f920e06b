package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// A statusRow is the status of a monitor as it is stored.
type statusRow struct {
	id, revision         int64
	status               monitor.Status // with Last
	lateTime, lastNotice int64
	lastTime             int64 // of the last result, also where the status began anew
	hour                 monitor.Uptime
	block                block // the last results
	tail                 blockReader
}

// statusColumns are the columns that scanStatus reads, and values writes.
var statusColumns = []string{
	"id", "revision", "state", "since", "reason", "recent", "changes", "flapping", "firing", "fire_time", "next_time", "late_time", "start_time",
	"last_notice", "last_time", "hour_start", "passed", "failed", "unknown", "excluded", "latency_sum", "max_latency", "result_count", "results",
}

// statusTypes are their types in PostgreSQL.
var statusTypes = []string{
	"bigint", "bigint", "bigint", "bigint", "text", "text", "text", "boolean", "boolean", "bigint", "bigint", "bigint", "bigint",
	"bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "bytea",
}

// selectStatus are the columns of a status in a query.
var selectStatus = "monitor_statuses." + strings.Join(statusColumns, ", monitor_statuses.")

// updateStatus sets all columns but the id.
var updateStatus = func() string {
	var set []string
	for _, column := range statusColumns[1:] {
		set = append(set, column+" = v."+column)
	}
	return strings.Join(set, ", ")
}()

func scanStatus(rows *sql.Rows, s *statusRow) error {
	r := rawStatus{row: s}
	if err := rows.Scan(r.fields()...); err != nil {
		return err
	}
	return r.decode()
}

// A rawStatus holds what is scanned of a status until it is decoded.
type rawStatus struct {
	row                                         *statusRow
	since, fire, next, start, hour, sum, latest int64
	changes                                     string
}

// fields returns where the columns of a status are scanned to.
func (r *rawStatus) fields() []any {
	s := r.row
	return []any{
		&s.id, &s.revision, &s.status.State, &r.since, &s.status.Reason, &s.status.Recent, &r.changes, &s.status.Flapping, &s.status.Firing,
		&r.fire, &r.next, &s.lateTime, &r.start, &s.lastNotice, &s.lastTime,
		&r.hour, &s.hour.Passed, &s.hour.Failed, &s.hour.Unknown, &s.hour.Excluded, &r.sum, &r.latest, &s.block.count, &s.block.encoded,
	}
}

func (r *rawStatus) decode() (err error) {
	s := r.row
	s.status.Since, s.status.FireTime, s.status.NextTime, s.status.StartTime = moment(r.since), moment(r.fire), moment(r.next), moment(r.start)
	s.hour.Start = moment(r.hour)
	s.hour.LatencySum, s.hour.MaxLatency = time.Duration(r.sum)*time.Microsecond, time.Duration(r.latest)*time.Microsecond
	changes, err := decodeList[int64](r.changes)
	if err != nil {
		return fmt.Errorf("decode the changes of monitor %d: %w", s.id, err)
	}
	for _, at := range changes {
		s.status.Changes = append(s.status.Changes, moment(at))
	}
	if s.tail, err = s.block.last(); err != nil {
		return fmt.Errorf("decode the results of monitor %d: %w", s.id, err)
	}
	if s.block.count > 0 {
		s.status.Last = s.tail.result()
	}
	return nil
}

// values returns the values of the columns of a status.
func (s *statusRow) values() []any {
	changes := make([]int64, len(s.status.Changes))
	for i, at := range s.status.Changes {
		changes[i] = micros(at)
	}
	return []any{
		s.id, s.revision, int64(s.status.State), micros(s.status.Since), storable(s.status.Reason), storable(s.status.Recent), encodeList(changes),
		s.status.Flapping, s.status.Firing, micros(s.status.FireTime), micros(s.status.NextTime), s.lateTime, micros(s.status.StartTime),
		s.lastNotice, s.lastTime, micros(s.hour.Start), s.hour.Passed, s.hour.Failed, s.hour.Unknown, s.hour.Excluded,
		s.hour.LatencySum.Microseconds(), s.hour.MaxLatency.Microseconds(), int64(s.block.count), append([]byte{}, s.block.encoded...),
	}
}

// setLateTime sets when a heartbeat is taken as late. A time until now is not taken again.
func (s *statusRow) setLateTime(kind probe.Kind, now time.Time) {
	s.lateTime = 0
	if kind == probe.KindHeartbeat && s.status.State != monitor.Paused && s.status.NextTime.After(now) {
		s.lateTime = micros(s.status.NextTime)
	}
}

// lockStatuses returns the statuses of monitors by their ids, and locks them until the end of the
// transaction.
func lockStatuses(ctx context.Context, t *database.Tx, ids []int64) (map[int64]*statusRow, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	byID := make(map[int64]*statusRow, len(ids))
	for some := range database.ChunkLists(t, ids, maxStatementRows) {
		condition, args := database.In(t, some)
		found, err := database.Select(ctx, t, scanStatus,
			`SELECT `+selectStatus+` FROM monitor_statuses WHERE id `+condition+` ORDER BY id`+forUpdate(t), args...)
		if err != nil {
			return nil, err
		}
		for i := range found {
			byID[found[i].id] = &found[i]
		}
	}
	return byID, nil
}

// statusChanges are the statuses that a transaction changes, and the rows that come with them.
type statusChanges struct {
	statuses map[int64]*statusRow
	blocks   []monitorBlock
	hours    []monitorHour
	notices  []monitor.Notice
}

// A monitorBlock is a block that is full.
type monitorBlock struct {
	monitor, end int64
	block        block
}

// A monitorHour is the uptime of a monitor in an hour that is over.
type monitorHour struct {
	monitor int64
	monitor.Uptime
}

// set marks a status as changed.
func (c *statusChanges) set(s *statusRow) {
	if c.statuses == nil {
		c.statuses = map[int64]*statusRow{}
	}
	c.statuses[s.id] = s
}

// addResult adds a result to a status.
func (c *statusChanges) addResult(s *statusRow, r monitor.Result, excluded bool) {
	if s.block.count > 0 && !s.block.fits(s.lastTime, r) {
		c.endBlock(s)
	}
	at := micros(r.Time)
	r.Time, r.Latency, r.Message = moment(at), max(0, r.Latency.Truncate(time.Microsecond)), storable(r.Message)
	if hour := moment(hourOf(at)); !s.hour.Start.Equal(hour) {
		c.endHour(s)
		s.hour.Start = hour
	}
	s.hour = addToUptime(s.hour, r, excluded)
	s.block = s.block.append(s.tail, r)
	s.tail.time, s.lastTime, s.status.Last = at, at, r
	if r.Message != "" {
		s.tail.message = []byte(r.Message)
	}
}

// addToUptime returns an uptime with a result.
func addToUptime(u monitor.Uptime, r monitor.Result, excluded bool) monitor.Uptime {
	switch {
	case r.Outcome == probe.Unknown:
		u.Unknown++
	case excluded:
		u.Excluded++
	case r.Outcome == probe.Failed:
		u.Failed++
	default:
		u.Passed++
		u.LatencySum += r.Latency
		u.MaxLatency = max(u.MaxLatency, r.Latency)
	}
	return u
}

// endBlock ends the block of a status.
func (c *statusChanges) endBlock(s *statusRow) {
	if s.block.count > 0 {
		c.blocks = append(c.blocks, monitorBlock{s.id, s.tail.time, s.block})
	}
	s.block, s.tail = block{}, blockReader{}
}

// endHour ends the hour of a status.
func (c *statusChanges) endHour(s *statusRow) {
	if !s.hour.Start.IsZero() {
		c.hours = append(c.hours, monitorHour{s.id, s.hour})
	}
	s.hour = monitor.Uptime{}
}

// addNotices adds the notices of a change of a status at a time.
func (c *statusChanges) addNotices(s *statusRow, name string, notices []monitor.Notice, at time.Time) {
	for _, n := range notices {
		n.Monitor = name
		if n.CreateTime.IsZero() {
			n.CreateTime = at
		}
		if n.DueTime.IsZero() {
			n.DueTime = n.CreateTime
		}
		s.lastNotice = max(s.lastNotice+1, micros(n.CreateTime))
		n.Number = s.lastNotice
		c.notices = append(c.notices, n)
	}
}

// write writes all.
func (c *statusChanges) write(ctx context.Context, t *database.Tx) error {
	rows := make([]*statusRow, 0, len(c.statuses))
	for _, s := range c.statuses {
		rows = append(rows, s)
	}
	slices.SortFunc(rows, func(a, b *statusRow) int { return cmp.Compare(a.id, b.id) })
	for some := range database.ChunkRows(t, rows, maxStatementRows) {
		all := make([]any, 0, len(statusTypes)*len(some))
		for _, s := range some {
			all = append(all, s.values()...)
		}
		values, args := t.ValueRows(statusTypes, all)
		if _, err := t.Exec(ctx, `WITH v (`+strings.Join(statusColumns, ", ")+`) AS (`+values+`)
			UPDATE monitor_statuses SET `+updateStatus+` FROM v WHERE monitor_statuses.id = v.id + 0`, args...); err != nil {
			return err
		}
	}
	if err := writeBlocks(ctx, t, c.blocks); err != nil {
		return err
	}
	if err := writeHours(ctx, t, c.hours); err != nil {
		return err
	}
	return writeNotices(ctx, t, c.notices)
}

var blockTypes = []string{"bigint", "bigint", "bigint", "bytea"}

// writeBlocks inserts blocks.
func writeBlocks(ctx context.Context, t *database.Tx, blocks []monitorBlock) error {
	for some := range database.ChunkRows(t, blocks, maxStatementRows) {
		all := make([]any, 0, len(blockTypes)*len(some))
		for _, b := range some {
			outcomes, err := b.block.outcomes()
			if err != nil {
				return err
			}
			all = append(all, b.monitor, b.end, outcomes, b.block.encoded)
		}
		values, args := t.ValueRows(blockTypes, all)
		if _, err := t.Exec(ctx, `INSERT INTO result_blocks (monitor, end_time, outcomes, results) `+values, args...); err != nil {
			return err
		}
	}
	return nil
}
