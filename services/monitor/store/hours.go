package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/monitor"
)

// The sums of the hours of a day are one row, in 15 bytes each: the hour from 0 to 23, and then as
// uvarints the numbers of results that passed, failed, are unknown and are excluded, and the sum
// and the maximum of the latency in microseconds.

// day is the length of a day in microseconds.
const day = 24 * int64(time.Hour/time.Microsecond)

// dayOf returns the start of the day of a time.
func dayOf(micros int64) int64 { return micros - micros%day }

// encodeHours returns the hours of a day.
func encodeHours(hours []monitor.Uptime) (encoded []byte) {
	for _, h := range hours {
		encoded = append(encoded, byte(h.Start.UTC().Hour()))
		for _, n := range []int64{h.Passed, h.Failed, h.Unknown, h.Excluded, h.LatencySum.Microseconds(), h.MaxLatency.Microseconds()} {
			encoded = binary.AppendUvarint(encoded, uint64(n))
		}
	}
	return encoded
}

var errHours = errors.New("invalid hours")

// decodeHours returns the hours of the day that begins at a time.
func decodeHours(start int64, encoded []byte) (hours []monitor.Uptime, err error) {
	for len(encoded) > 0 {
		hour := encoded[0]
		encoded = encoded[1:]
		var sums [6]int64
		for i := range sums {
			sum, n := binary.Uvarint(encoded)
			if n <= 0 {
				return nil, errHours
			}
			sums[i], encoded = int64(sum), encoded[n:]
		}
		hours = append(hours, monitor.Uptime{
			Start: moment(start).Add(time.Duration(hour) * time.Hour), Passed: sums[0], Failed: sums[1], Unknown: sums[2], Excluded: sums[3],
			LatencySum: time.Duration(sums[4]) * time.Microsecond, MaxLatency: time.Duration(sums[5]) * time.Microsecond,
		})
	}
	return hours, nil
}

// A monitorDay is the sums of the hours of a day of a monitor.
type monitorDay struct {
	monitor, start int64
	hours          []monitor.Uptime
}

func scanDay(rows *sql.Rows, d *monitorDay) (err error) {
	var encoded []byte
	if err := rows.Scan(&d.monitor, &d.start, &encoded); err != nil {
		return err
	}
	if d.hours, err = decodeHours(d.start, encoded); err != nil {
		return fmt.Errorf("decode the uptime of monitor %d: %w", d.monitor, err)
	}
	return nil
}

var dayTypes = []string{"bigint", "bigint", "bytea"}

// writeHours adds hours to the stored ones. The statuses of their monitors must be locked.
func writeHours(ctx context.Context, t *database.Tx, hours []monitorHour) error {
	days, err := daysOf(ctx, t, hours)
	if err != nil {
		return err
	}
	for some := range database.ChunkRows(t, days, maxStatementRows) {
		all := make([]any, 0, len(dayTypes)*len(some))
		for _, d := range some {
			all = append(all, d.monitor, d.start, encodeHours(d.hours))
		}
		values, args := t.ValueRows(dayTypes, all)
		// WHERE true separates ON CONFLICT from a join in SQLite.
		if _, err := t.Exec(ctx, `WITH v (monitor, day_start, hours) AS (`+values+`)
			INSERT INTO uptime_days (monitor, day_start, hours) SELECT monitor, day_start, hours FROM v WHERE true
			ON CONFLICT (monitor, day_start) DO UPDATE SET hours = excluded.hours`, args...); err != nil {
			return err
		}
	}
	return nil
}

// daysOf returns the days of hours, with the hours that are stored and those to be added.
func daysOf(ctx context.Context, t *database.Tx, hours []monitorHour) ([]*monitorDay, error) {
	type key struct{ monitor, start int64 }
	var days []*monitorDay
	byKey, monitors := map[key]*monitorDay{}, map[int64][]int64{}
	for _, h := range hours {
		k := key{h.monitor, dayOf(micros(h.Start))}
		if byKey[k] == nil {
			byKey[k] = &monitorDay{monitor: k.monitor, start: k.start}
			days, monitors[k.start] = append(days, byKey[k]), append(monitors[k.start], k.monitor)
		}
	}
	for start, ids := range monitors { // a day, or two
		for some := range database.ChunkLists(t, ids, maxStatementRows) {
			condition, args := database.In(t, some)
			found, err := database.Select(ctx, t, scanDay, `SELECT monitor, day_start, hours FROM uptime_days WHERE day_start = ? AND monitor `+condition,
				append([]any{start}, args...)...)
			if err != nil {
				return nil, err
			}
			for _, d := range found {
				byKey[key{d.monitor, d.start}].hours = d.hours
			}
		}
	}
	for _, h := range hours {
		d := byKey[key{h.monitor, dayOf(micros(h.Start))}]
		d.hours = sumUptimes(append(d.hours, h.Uptime), time.Hour)
	}
	return days, nil
}
