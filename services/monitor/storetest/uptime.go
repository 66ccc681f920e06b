package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// midnight is the begin of the day of now.
var midnight = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

// uptime returns the uptime of a monitor.
func uptime(t testing.TB, s monitor.Store, id int64, p monitor.Period, from time.Time) []monitor.Uptime {
	t.Helper()
	found, err := s.ListUptime(t.Context(), id, p, from)
	kittest.NoError(t, err)
	return found
}

func testUptime(t *testing.T, s monitor.Store) {
	id := create(t, s, httpMonitor("web")).ID
	excluded, slow, unknown := failed(id, midnight.Add(30*time.Minute)), passed(id, midnight.Add(40*time.Minute)), passed(id, midnight.Add(50*time.Minute))
	excluded.Excluded, slow.Result.Latency, unknown.Result.Outcome = true, 3*time.Second, probe.Unknown
	record(t, s, passed(id, midnight), passed(id, midnight.Add(10*time.Minute)), failed(id, midnight.Add(20*time.Minute)), excluded, slow, unknown)
	first := monitor.Uptime{Start: midnight, Passed: 3, Failed: 1, Unknown: 1, Excluded: 1, LatencySum: 3024 * time.Millisecond, MaxLatency: 3 * time.Second}
	kittest.Equal(t, uptime(t, s, id, monitor.Hour, midnight), []monitor.Uptime{first})

	record(t, s, passed(id, midnight.Add(2*time.Hour)), failed(id, midnight.Add(25*time.Hour)), passed(id, midnight.Add(50*time.Hour)))
	one := func(hour int) monitor.Uptime {
		return monitor.Uptime{Start: midnight.Add(time.Duration(hour) * time.Hour), Passed: 1, LatencySum: 12 * time.Millisecond, MaxLatency: 12 * time.Millisecond}
	}
	second := monitor.Uptime{Start: midnight.Add(25 * time.Hour), Failed: 1}
	kittest.Equal(t, uptime(t, s, id, monitor.Hour, time.Time{}), []monitor.Uptime{first, one(2), second, one(50)})
	kittest.Equal(t, uptime(t, s, id, monitor.Hour, midnight.Add(2*time.Hour+time.Minute)), []monitor.Uptime{one(2), second, one(50)})
	kittest.Equal(t, len(uptime(t, s, id, monitor.Hour, midnight.Add(51*time.Hour))), 0)
	day := first
	day.Passed, day.LatencySum = 4, day.LatencySum+12*time.Millisecond
	second.Start = midnight.Add(24 * time.Hour)
	last := one(48)
	kittest.Equal(t, uptime(t, s, id, monitor.Day, midnight.Add(time.Hour)), []monitor.Uptime{day, second, last})
	kittest.Equal(t, uptime(t, s, id, monitor.Day, midnight.Add(30*time.Hour)), []monitor.Uptime{second, last})
	kittest.Equal(t, len(uptime(t, s, 99, monitor.Day, time.Time{})), 0)
}

// testUptimeLate checks that a result counts whose hour was summed up before.
func testUptimeLate(t *testing.T, s monitor.Store) {
	id := create(t, s, httpMonitor("web")).ID
	record(t, s, passed(id, midnight), failed(id, midnight.Add(time.Minute)))
	sumUp(t, s, midnight.Add(time.Hour), 10)
	record(t, s, passed(id, midnight.Add(59*time.Minute)))
	want := []monitor.Uptime{{Start: midnight, Passed: 2, Failed: 1, LatencySum: 24 * time.Millisecond, MaxLatency: 12 * time.Millisecond}}
	kittest.Equal(t, uptime(t, s, id, monitor.Hour, midnight), want)
	kittest.Equal(t, sumUp(t, s, midnight.Add(time.Hour), 10), false)
	kittest.Equal(t, uptime(t, s, id, monitor.Hour, midnight), want)
}

func sumUp(t testing.TB, s monitor.Store, before time.Time, limit int) bool {
	t.Helper()
	more, err := s.SumUp(t.Context(), before, limit)
	kittest.NoError(t, err)
	return more
}

// testSumUp checks that sums are the same before and after results are summed up, also when several
// processes do it.
func testSumUp(t *testing.T, s monitor.Store) {
	const monitors = 20
	var want [][]monitor.Uptime
	var ids []int64
	for n := range monitors {
		id := create(t, s, httpMonitor(fmt.Sprint("m", n))).ID
		ids = append(ids, id)
		var results []monitor.MonitorResult
		for minute := range 10 {
			results = append(results, passed(id, midnight.Add(time.Duration(minute*n)*time.Minute)))
		}
		record(t, s, results...)
		want = append(want, uptime(t, s, id, monitor.Hour, midnight))
	}
	for i, err := range kittest.Concurrently(8, func(w int) error {
		for more := true; more; {
			var err error
			if more, err = s.SumUp(t.Context(), midnight.Add(time.Duration(w+1)*time.Hour), 3); err != nil {
				return err
			}
		}
		return nil
	}) {
		kittest.NoError(t, err)
		kittest.Equal(t, sumUp(t, s, midnight.Add(time.Duration(i+1)*time.Hour), 3), false)
	}
	for n, id := range ids {
		kittest.Equal(t, uptime(t, s, id, monitor.Hour, midnight), want[n])
		record(t, s, passed(id, midnight.Add(10*time.Hour)))
		kittest.Equal(t, len(uptime(t, s, id, monitor.Hour, midnight)), len(want[n])+1)
	}
	kittest.Equal(t, sumUp(t, s, midnight.Add(10*time.Hour+59*time.Minute), 100), false)
}

// deleteOld deletes what is old until nothing is, and returns the number of rows.
func deleteOld(t testing.TB, s monitor.Store, results, hours time.Time, limit int) (n int) {
	t.Helper()
	for {
		deleted, err := s.DeleteOld(t.Context(), results, hours, limit)
		kittest.NoError(t, err)
		if deleted == 0 {
			return n
		}
		n += deleted
	}
}

func testDeleteOld(t *testing.T, s monitor.Store) {
	web, beat := create(t, s, httpMonitor("web")).ID, create(t, s, heartbeat("backup", 0)).ID
	for hour := range 30 {
		var results []monitor.MonitorResult
		for minute := range 60 {
			results = append(results, passed(web, midnight.Add(time.Duration(60*hour+minute)*time.Minute)))
		}
		record(t, s, results...)
		ping(t, s, "backup", monitor.Ping{Kind: monitor.PingStart, Time: midnight.Add(time.Duration(hour) * time.Hour)})
		_, err := s.CreateWindow(t.Context(), monitor.MaintenanceWindow{
			Monitors: []string{"*"}, Start: midnight, End: midnight.Add(time.Duration(hour+1) * time.Hour), CreateTime: midnight,
		}, midnight)
		kittest.NoError(t, err)
	}
	before := midnight.Add(10 * time.Hour)
	hours := uptime(t, s, web, monitor.Hour, midnight)
	kittest.Equal(t, deleteOld(t, s, midnight, midnight, 3), 0)
	kittest.Equal(t, deleteOld(t, s, before, midnight, 3) > 0, true)
	kittest.Equal(t, deleteOld(t, s, before, midnight, 3), 0)

	kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: web, From: before})), 20*60)
	left := list(t, s, monitor.ResultQuery{ID: web, Before: before})
	kittest.Equal(t, len(left), 0)
	kittest.Equal(t, uptime(t, s, web, monitor.Hour, midnight), hours)
	pings, err := s.ListPings(t.Context(), beat, time.Time{}, 100)
	kittest.NoError(t, err)
	kittest.Equal(t, len(pings), 20)
	windows, err := s.ListWindows(t.Context(), time.Time{})
	kittest.NoError(t, err)
	kittest.Equal(t, len(windows), 21)
	kittest.Equal(t, deleteOld(t, s, time.Time{}, time.Time{}, 3), 0) // both are kept forever
}

// testDeleteOldHours checks that hours are deleted with the last one of their day.
func testDeleteOldHours(t *testing.T, s monitor.Store) {
	id := create(t, s, httpMonitor("web")).ID
	for hour := range 80 {
		record(t, s, passed(id, midnight.Add(time.Duration(hour)*time.Hour)))
	}
	sumUp(t, s, midnight.Add(100*time.Hour), 10)
	kittest.Equal(t, deleteOld(t, s, time.Time{}, midnight.Add(24*time.Hour-time.Microsecond), 1), 0)
	for _, hours := range []int{48, 50, 71} {
		deleteOld(t, s, time.Time{}, midnight.Add(time.Duration(hours)*time.Hour), 1)
		left := uptime(t, s, id, monitor.Hour, midnight)
		kittest.Equal(t, len(left), 32)
		kittest.Equal(t, left[0].Start, midnight.Add(48*time.Hour))
	}
	kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: id})), 80)
}

func testDeleteOfDeleted(t *testing.T, s monitor.Store) {
	var ids []int64
	for _, name := range []string{"web", "db"} {
		id := create(t, s, heartbeat(name, 0)).ID
		ids = append(ids, id)
		var results []monitor.MonitorResult
		for n := range 200 {
			results = append(results, passed(id, at(60*n)))
		}
		record(t, s, results...)
		ping(t, s, name, monitor.Ping{Kind: monitor.PingStart, Time: at(1)})
	}
	kittest.NoError(t, s.Delete(t.Context(), "web", at(3)))
	kittest.Equal(t, deleteOld(t, s, midnight, midnight, 2) > 0, true)
	for i, want := range []int{0, 200} {
		kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: ids[i]})), want)
		kittest.Equal(t, len(uptime(t, s, ids[i], monitor.Hour, time.Time{})) > 0, want > 0)
		pings, err := s.ListPings(t.Context(), ids[i], time.Time{}, 100)
		kittest.NoError(t, err)
		kittest.Equal(t, len(pings) > 0, want > 0)
	}
	_, deleted, _, err := s.ChangedAfter(t.Context(), 0)
	kittest.NoError(t, err)
	kittest.Equal(t, deleted, []string{"web"})
	kittest.Equal(t, deleteOld(t, s, at(4), midnight, 2) > 0, true)
	_, deleted, _, err = s.ChangedAfter(t.Context(), 0)
	kittest.NoError(t, err)
	kittest.Equal(t, len(deleted), 0)
}
