package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

func testRecord(t *testing.T, s monitor.Store) {
	web, db := create(t, s, httpMonitor("web")), create(t, s, httpMonitor("db"))
	statuses := record(t, s, failed(web.ID, at(1)), passed(db.ID, at(2)), passed(99, at(3)), passed(web.ID, at(4)))
	kittest.Equal(t, len(statuses), 4)
	down := failed(web.ID, at(1)).Result
	down.State = monitor.Down
	kittest.Equal(t, statuses[0], monitor.Status{
		State: monitor.Down, Since: at(1), Reason: "status 503", Recent: "f", Changes: []time.Time{at(1)}, Firing: true, FireTime: at(1), Last: down, NextTime: at(11),
	})
	kittest.Equal(t, statuses[2], monitor.Status{})
	up := passed(web.ID, at(4)).Result
	up.State = monitor.Up
	kittest.Equal(t, statuses[3], monitor.Status{
		State: monitor.Up, Since: at(4), Recent: "fp", Changes: []time.Time{at(1), at(4)}, Last: up, NextTime: at(14),
	})
	kittest.Equal(t, get(t, s, "web").Status, statuses[3])
	kittest.Equal(t, get(t, s, "db").Status, statuses[1])
	kittest.Equal(t, list(t, s, monitor.ResultQuery{ID: web.ID}), []monitor.Result{up, down})
	kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: db.ID})), 1)

	notices := claim(t, s, 4)
	kittest.Equal(t, len(notices), 1) // the resolution follows it
	kittest.Equal(t, notices[0], monitor.Notice{
		ID: notices[0].ID, Monitor: "web", Number: notices[0].Number, Targets: web.Settings.Targets, By: web.Settings.By, Severity: "critical",
		Title: "The web", Message: "changed", Link: "https://wiki.example/web", Escalation: "night", Attempt: 1, CreateTime: at(1), DueTime: at(9),
	})
	kittest.Equal(t, len(record(t, s)), 0)
}

func testRecordOld(t *testing.T, s monitor.Store) {
	id := create(t, s, httpMonitor("web")).ID
	statuses := record(t, s, passed(id, at(5)), failed(id, at(5)), failed(id, at(4)))
	kittest.Equal(t, statuses[1:], make([]monitor.Status, 2))
	kittest.Equal(t, record(t, s, failed(id, at(5)))[0], monitor.Status{})
	kittest.Equal(t, get(t, s, "web").Status, statuses[0])
	kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: id})), 1)
}

// testRecordMany records more results than one statement has rows.
func testRecordMany(t *testing.T, s monitor.Store) {
	const monitors, rounds = 300, 3
	var ids []int64
	for n := range monitors {
		ids = append(ids, create(t, s, httpMonitor(fmt.Sprintf("m%03d", n))).ID)
	}
	for round := range rounds {
		var results []monitor.MonitorResult
		for n, id := range ids {
			results = append(results, passed(id, at(round*3000+n)))
		}
		slices.Reverse(results)
		statuses := record(t, s, results...)
		for i, r := range results {
			kittest.Equal(t, statuses[i].Last.Time, r.Result.Time)
		}
	}
	all, err := s.Statuses(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, len(all), monitors)
	for n, m := range all {
		kittest.Equal(t, m.Status.Last.Time, at((rounds-1)*3000+n))
		kittest.Equal(t, m.Status.Recent, "ppp")
	}
	kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: ids[monitors-1]})), rounds)
}

// testRecordAtOnce checks that each of concurrent results of the same monitors is judged by the status
// after the one before.
func testRecordAtOnce(t *testing.T, s monitor.Store) {
	const monitors, writers = 20, 8
	var ids []int64
	for n := range monitors {
		ids = append(ids, create(t, s, httpMonitor(fmt.Sprint("m", n))).ID)
	}
	var mu sync.Mutex
	recorded := map[int64]int{}
	for _, err := range kittest.Concurrently(writers, func(w int) error {
		for round := range 10 {
			var results []monitor.MonitorResult
			for i := range ids {
				results = append(results, failed(ids[(i*(2*w+1))%monitors], at(round*writers+w)))
			}
			statuses, err := s.Record(t.Context(), results, judge)
			if err != nil {
				return err
			}
			mu.Lock()
			for i, r := range results {
				if statuses[i].State != 0 {
					recorded[r.ID]++
				}
			}
			mu.Unlock()
		}
		return nil
	}) {
		kittest.NoError(t, err)
	}
	for _, id := range ids {
		kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: id})), recorded[id])
		up, err := s.ListUptime(t.Context(), id, monitor.Hour, now)
		kittest.NoError(t, err)
		kittest.Equal(t, up[0].Failed, int64(recorded[id]))
	}
	kittest.Equal(t, len(claim(t, s, 1000)), monitors) // one for each: it fired once
}

// testRecordAndSet checks that results are judged by the settings that are stored, whatever changes
// at the same time.
func testRecordAndSet(t *testing.T, s monitor.Store) {
	id := create(t, s, httpMonitor("web")).ID
	for _, err := range kittest.Concurrently(2, func(w int) error {
		for n := range 50 {
			if w == 0 {
				if _, _, err := s.Set(t.Context(), "web", func(stored *monitor.Monitor) (monitor.Monitor, error) {
					m := *stored
					m.Settings.Failures++
					m.Settings.Title = fmt.Sprint(stored.Revision + 1)
					return m, nil
				}); err != nil {
					return err
				}
				continue
			}
			if _, err := s.Record(t.Context(), []monitor.MonitorResult{passed(id, at(n+1))}, func(m monitor.Monitor, r monitor.Result) (monitor.Status, []monitor.Notice) {
				if m.Revision > 1 && m.Settings.Title != fmt.Sprint(m.Revision) {
					t.Errorf("title %s, revision %d", m.Settings.Title, m.Revision)
				}
				return judge(m, r)
			}); err != nil {
				return err
			}
		}
		return nil
	}) {
		kittest.NoError(t, err)
	}
	kittest.Equal(t, get(t, s, "web").Settings.Failures, 52)
	kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: id})), 50)
}

// testRecordAndDelete checks that results, and heartbeats that are late, while their monitors are deleted
// and created again leave no status behind.
func testRecordAndDelete(t *testing.T, s monitor.Store) {
	names := []string{"backup1", "backup2", "backup3"}
	for _, err := range kittest.Concurrently(2*len(names), func(w int) error {
		name := names[w%len(names)]
		for n := range 20 {
			if w < len(names) {
				m, err := s.Create(t.Context(), heartbeat(name, 1+n))
				if err != nil {
					return err
				}
				if _, err := s.Record(t.Context(), []monitor.MonitorResult{failed(m.ID, at(n+1))}, judge); err != nil {
					return err
				}
				if err := s.Delete(t.Context(), name, at(n+2)); err != nil {
					return err
				}
				continue
			}
			all, err := s.Statuses(t.Context())
			if err != nil {
				return err
			}
			var results []monitor.MonitorResult
			for _, m := range all {
				results = append(results, passed(m.ID, at(100+n)))
			}
			if _, err := s.Record(t.Context(), results, judge); err != nil {
				return err
			}
			if _, _, err := s.TakeLate(t.Context(), at(1000), 10, judgeLate); err != nil {
				return err
			}
			if _, err := s.DeleteOld(t.Context(), at(1000), at(1000), 10); err != nil {
				return err
			}
		}
		return nil
	}) {
		kittest.NoError(t, err)
	}
	all, err := s.Statuses(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, len(all), 0)
	_, _, last, err := s.ChangedAfter(t.Context(), 0)
	kittest.NoError(t, err)
	kittest.Equal(t, last, int64(2*20*len(names)))
	taken, next, err := s.TakeLate(t.Context(), at(5000), 10, judgeLate)
	kittest.NoError(t, err)
	kittest.Equal(t, [2]any{taken, next.IsZero()}, [2]any{0, true})
}

func testUnstorable(t *testing.T, s monitor.Store) {
	id := create(t, s, httpMonitor("web")).ID
	r := failed(id, at(1))
	r.Result.Message = "a\x00b\xff"
	status := record(t, s, r)[0]
	kittest.Equal(t, [2]string{status.Reason, status.Last.Message}, [2]string{"a\uFFFDb\uFFFD", "a\uFFFDb\uFFFD"})
	kittest.Equal(t, get(t, s, "web").Status, status)
	kittest.Equal(t, list(t, s, monitor.ResultQuery{ID: id})[0].Message, "a\uFFFDb\uFFFD")
}

// testListResults checks pages over results of several hours.
func testListResults(t *testing.T, s monitor.Store) {
	id, other := create(t, s, httpMonitor("web")).ID, create(t, s, httpMonitor("db")).ID
	var want []monitor.Result
	var batch []monitor.MonitorResult
	const many = 1000
	for n := range many {
		r := passed(id, at(10*n))
		if n%100 == 50 {
			r = failed(id, at(10*n))
		}
		if batch = append(batch, r, passed(other, at(10*n))); n%13 == 0 || n == many-1 {
			record(t, s, batch...)
			batch = nil
		}
		r.Result.State = monitor.Up
		if r.Result.Outcome == probe.Failed {
			r.Result.State = monitor.Down
		}
		want = append(want, r.Result)
	}
	slices.Reverse(want)
	kittest.Equal(t, list(t, s, monitor.ResultQuery{ID: id}), want)
	for _, limit := range []int{1, 7, 61, 400} {
		var all []monitor.Result
		q := monitor.ResultQuery{ID: id, Limit: limit}
		for {
			page := list(t, s, q)
			all = append(all, page...)
			if len(page) < limit || len(all) > many {
				break
			}
			q.Before = page[limit-1].Time
		}
		kittest.Equal(t, all, want)
	}
	kittest.Equal(t, list(t, s, monitor.ResultQuery{ID: id, From: at(5000)}), want[:many-500])
	kittest.Equal(t, list(t, s, monitor.ResultQuery{ID: id, From: at(4995), Before: at(5015)}), want[many-502:many-500])
	kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: id, From: at(4995), Before: at(5000)})), 0)
	found := list(t, s, monitor.ResultQuery{ID: id, Outcome: probe.Failed})
	kittest.Equal(t, len(found), 10)
	kittest.Equal(t, found[9], want[many-1-50])
	found = list(t, s, monitor.ResultQuery{ID: id, Outcome: probe.Failed, Before: found[3].Time, Limit: 2})
	kittest.Equal(t, found, []monitor.Result{want[many-1-550], want[many-1-450]})
	kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: id, Outcome: probe.Unknown})), 0)
	kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: 99})), 0)
	_, err := s.ListResults(t.Context(), monitor.ResultQuery{ID: id})
	kittest.Error(t, err, fault.ErrInvalid)
}

// testResultKinds checks that results are returned as they were stored, whatever they found.
func testResultKinds(t *testing.T, s monitor.Store) {
	id := create(t, s, httpMonitor("web")).ID
	var want []monitor.Result
	for n := range 150 {
		r := monitor.Result{Time: at(n * 30).Add(time.Duration(n) * time.Microsecond), Latency: time.Duration(n*n) * time.Microsecond}
		r.Outcome = probe.Outcome(1 + n%3)
		r.Message = [...]string{"", "connection refused", "connection refused", fmt.Sprint(n, " days"), "한글"}[n%5]
		if n%4 > 0 {
			r.Value, r.HasValue = [...]float64{0, 14, -0.125, 1e300}[n%4], true
		}
		if n%50 == 49 {
			r.Value, r.HasValue = 0, true
		}
		statuses, err := s.Record(t.Context(), []monitor.MonitorResult{{ID: id, Result: r}}, func(m monitor.Monitor, _ monitor.Result) (monitor.Status, []monitor.Notice) {
			m.Status.State = monitor.State(1 + n%6)
			return m.Status, nil
		})
		kittest.NoError(t, err)
		r.State = monitor.State(1 + n%6)
		kittest.Equal(t, statuses[0].Last, r)
		kittest.Equal(t, get(t, s, "web").Status.Last, r)
		want = append(want, r)
	}
	slices.Reverse(want)
	kittest.Equal(t, list(t, s, monitor.ResultQuery{ID: id}), want)
}

func testStatuses(t *testing.T, s monitor.Store) {
	web, db := create(t, s, httpMonitor("web")), create(t, s, httpMonitor("db"))
	record(t, s, failed(web.ID, at(1)))
	all, err := s.Statuses(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, all, []monitor.Monitor{
		{ID: db.ID, Revision: db.Revision, Settings: monitor.Settings{Name: "db", Title: "The db", Group: "Shop"}, Status: db.Status},
		{ID: web.ID, Revision: web.Revision, Settings: monitor.Settings{Name: "web", Title: "The web", Group: "Shop"}, Status: get(t, s, "web").Status},
	})
}
