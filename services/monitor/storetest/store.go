// Package storetest has the conformance suite for the store of the monitor service, which each
// backend runs in one line.
package storetest

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// RunStore runs the suite against a store. Each call of open returns an empty one, which is
// closed when the test ends.
func RunStore(t *testing.T, open func(t *testing.T) monitor.Store) {
	for name, test := range map[string]func(*testing.T, monitor.Store){
		"create":                  testCreate,
		"set":                     testSet,
		"set anew":                testSetAnew,
		"set at once":             testSetAtOnce,
		"dependencies":            testDependencies,
		"page":                    testPage,
		"delete":                  testDelete,
		"delete and create again": testDeleteAndCreate,
		"changes":                 testChanges,
		"count by seal key":       testCountBySealKey,
		"record":                  testRecord,
		"record old results":      testRecordOld,
		"record many":             testRecordMany,
		"record at once":          testRecordAtOnce,
		"record and set at once":  testRecordAndSet,
		"record and delete":       testRecordAndDelete,
		"unstorable texts":        testUnstorable,
		"list results":            testListResults,
		"results of every kind":   testResultKinds,
		"statuses":                testStatuses,
		"uptime":                  testUptime,
		"uptime of a late result": testUptimeLate,
		"sum up":                  testSumUp,
		"delete old results":      testDeleteOld,
		"delete old hours":        testDeleteOldHours,
		"delete rows of deleted":  testDeleteOfDeleted,
		"pings":                   testPings,
		"pings at once":           testPingsAtOnce,
		"take late":               testTakeLate,
		"take late at once":       testTakeLateAtOnce,
		"windows":                 testWindows,
		"too many windows":        testTooManyWindows,
		"notices":                 testNotices,
		"claim notices at once":   testClaimAtOnce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// now is the time of the tests. Stores keep microseconds.
var now = time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)

// at returns a time n seconds after now.
func at(n int) time.Time { return now.Add(time.Duration(n) * time.Second) }

// httpMonitor returns a new monitor with a check of the kind http.
func httpMonitor(name string) monitor.Monitor {
	return monitor.Monitor{CreateTime: now, UpdateTime: now, Settings: monitor.Settings{
		Name: name, Title: "The " + name, Group: "Shop", Interval: 10 * time.Second, Timeout: 2500 * time.Millisecond,
		Failures: 2, Window: 3, Recoveries: 2, Severity: "critical", Targets: []string{"@kim", "@@ops"}, By: []string{"slack"},
		Escalation: "night", Link: "https://wiki.example/" + name, Public: true, Check: decode(probe.KindHTTP, `{"url":"https://`+name+`.example/"}`),
	}}
}

// heartbeat returns a new monitor that waits for pings, the next until at(n).
func heartbeat(name string, n int) monitor.Monitor {
	m := httpMonitor(name)
	m.Settings.Interval, m.Settings.Check = 0, decode(probe.KindHeartbeat, `{"period":60000000000}`)
	if n > 0 {
		m.Status.NextTime = at(n)
	}
	return m
}

func decode(kind probe.Kind, text string) probe.Check {
	c, err := probe.Decode(kind, []byte(text))
	if err != nil {
		panic(err)
	}
	return c
}

// create stores a new monitor.
func create(t testing.TB, s monitor.Store, m monitor.Monitor) monitor.Monitor {
	t.Helper()
	created, err := s.Create(t.Context(), m)
	kittest.NoError(t, err)
	return created
}

// get returns a monitor.
func get(t testing.TB, s monitor.Store, name string) monitor.Monitor {
	t.Helper()
	m, err := s.Monitor(t.Context(), name)
	kittest.NoError(t, err)
	return m
}

// set changes the settings of a monitor at at(n).
func set(t testing.TB, s monitor.Store, name string, n int, change func(*monitor.Settings)) monitor.Monitor {
	t.Helper()
	m, created, err := s.Set(t.Context(), name, func(stored *monitor.Monitor) (monitor.Monitor, error) {
		m := *stored
		m.UpdateTime = at(n)
		change(&m.Settings)
		return m, nil
	})
	kittest.NoError(t, err)
	kittest.Equal(t, created, false)
	return m
}

// passed returns a result that passed at a time.
func passed(id int64, when time.Time) monitor.MonitorResult {
	return monitor.MonitorResult{ID: id, Result: monitor.Result{Time: when, Latency: 12 * time.Millisecond, Finding: probe.Finding{Outcome: probe.Passed}}}
}

// failed returns a result that failed at a time.
func failed(id int64, when time.Time) monitor.MonitorResult {
	return monitor.MonitorResult{ID: id, Result: monitor.Result{
		Time: when, Latency: time.Second, Finding: probe.Finding{Outcome: probe.Failed, Message: "status 503"},
	}}
}

// judge is a rule: the state is that of the outcome, and each change of it is a notice.
func judge(m monitor.Monitor, r monitor.Result) (monitor.Status, []monitor.Notice) {
	s := m.Status
	state, letter := monitor.Up, "p"
	switch r.Outcome {
	case probe.Failed:
		state, letter = monitor.Down, "f"
	case probe.Unknown:
		return s, nil
	case probe.Passed:
	}
	s.Recent += letter
	s.Recent = s.Recent[max(0, len(s.Recent)-5):]
	s.NextTime = r.Time.Add(m.Settings.Interval)
	if s.State == state {
		return s, nil
	}
	s.State, s.Since, s.Reason, s.Changes = state, r.Time, r.Message, append(s.Changes, r.Time)
	if fires := state == monitor.Down; fires != s.Firing {
		s.Firing, s.FireTime = fires, time.Time{}
		if fires {
			s.FireTime = r.Time
		}
		return s, []monitor.Notice{{
			Resolved: !fires, Targets: m.Settings.Targets, By: m.Settings.By, Severity: m.Settings.Severity, Title: m.Settings.Title,
			Message: "changed", Link: m.Settings.Link, Escalation: m.Settings.Escalation,
		}}
	}
	return s, nil
}

// record records results by the rule judge.
func record(t testing.TB, s monitor.Store, results ...monitor.MonitorResult) []monitor.Status {
	t.Helper()
	statuses, err := s.Record(t.Context(), results, judge)
	kittest.NoError(t, err)
	return statuses
}

// list returns results.
func list(t testing.TB, s monitor.Store, q monitor.ResultQuery) []monitor.Result {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 10000
	}
	found, err := s.ListResults(t.Context(), q)
	kittest.NoError(t, err)
	return found
}

// claim returns the notices that are due at at(n), claimed for 5 seconds.
func claim(t testing.TB, s monitor.Store, n int) []monitor.Notice {
	t.Helper()
	claimed, err := s.ClaimNotices(t.Context(), at(n), at(n+5), 100)
	kittest.NoError(t, err)
	return claimed
}
