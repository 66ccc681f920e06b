package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// judgePing is a rule: a ping that is no start is a result, and the next is due a minute later.
func judgePing(m monitor.Monitor, p monitor.Ping) (monitor.Status, *monitor.Result, []monitor.Notice) {
	if p.Kind == monitor.PingStart {
		m.Status.StartTime = p.Time
		return m.Status, nil, nil
	}
	r := &monitor.Result{Time: p.Time, Finding: probe.Finding{Outcome: probe.Passed}}
	if p.Kind == monitor.PingFail {
		r.Outcome = probe.Failed
	}
	if !m.Status.StartTime.IsZero() {
		r.Latency = p.Time.Sub(m.Status.StartTime)
	}
	status, notices := judge(m, *r)
	status.StartTime, status.NextTime = time.Time{}, p.Time.Add(time.Minute)
	return status, r, notices
}

// ping stores a ping by the rule judgePing.
func ping(t testing.TB, s monitor.Store, name string, p monitor.Ping) monitor.Status {
	t.Helper()
	status, err := s.AddPing(t.Context(), name, p, judgePing)
	kittest.NoError(t, err)
	return status
}

func testPings(t *testing.T, s monitor.Store) {
	id := create(t, s, heartbeat("backup", 0)).ID
	create(t, s, httpMonitor("web"))
	start := monitor.Ping{Kind: monitor.PingStart, Time: at(1), Body: []byte("a\x00b\xff"), ContentType: "text/plain", By: "cron"}
	status := ping(t, s, "backup", start)
	kittest.Equal(t, [2]any{status.State, status.StartTime}, [2]any{monitor.Pending, at(1)})
	kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: id})), 0)
	success := monitor.Ping{Kind: monitor.PingSuccess, Time: at(5)}
	status = ping(t, s, "backup", success)
	want := monitor.Result{Time: at(5), Latency: 4 * time.Second, Finding: probe.Finding{Outcome: probe.Passed}, State: monitor.Up}
	kittest.Equal(t, status, monitor.Status{State: monitor.Up, Since: at(5), Recent: "p", Changes: []time.Time{at(5)}, Last: want, NextTime: at(65)})
	kittest.Equal(t, get(t, s, "backup").Status, status)
	kittest.Equal(t, list(t, s, monitor.ResultQuery{ID: id}), []monitor.Result{want})
	ping(t, s, "backup", monitor.Ping{Kind: monitor.PingFail, Time: at(6)})
	kittest.Equal(t, len(claim(t, s, 6)), 1)

	pings, err := s.ListPings(t.Context(), id, at(6), 10)
	kittest.NoError(t, err)
	for i := range pings {
		if len(pings[i].Body) == 0 {
			pings[i].Body = nil
		}
	}
	kittest.Equal(t, pings, []monitor.Ping{success, start})
	for _, name := range []string{"web", "nothing"} {
		_, err = s.AddPing(t.Context(), name, success, judgePing)
		kittest.Error(t, err, fault.ErrNotFound, name)
	}
	for n := range monitor.MaxPings + 20 {
		ping(t, s, "backup", monitor.Ping{Kind: monitor.PingSuccess, Time: at(10 + n)})
	}
	pings, err = s.ListPings(t.Context(), id, time.Time{}, 1000)
	kittest.NoError(t, err)
	kittest.Equal(t, len(pings), monitor.MaxPings)
	kittest.Equal(t, [2]time.Time{pings[0].Time, pings[len(pings)-1].Time}, [2]time.Time{at(10 + monitor.MaxPings + 19), at(30)})
}

// testPingsAtOnce checks that no ping is lost, and that each is judged by the status after the one
// before.
func testPingsAtOnce(t *testing.T, s monitor.Store) {
	const writers, each = 8, 10
	id := create(t, s, heartbeat("backup", 0)).ID
	var count atomic.Int64
	for _, err := range kittest.Concurrently(writers, func(w int) error {
		for n := range each {
			if _, err := s.AddPing(t.Context(), "backup", monitor.Ping{Kind: monitor.PingSuccess, Time: at(n*writers + w), By: fmt.Sprint(w)},
				func(m monitor.Monitor, _ monitor.Ping) (monitor.Status, *monitor.Result, []monitor.Notice) {
					m.Status.Recent += "p"
					return m.Status, nil, nil
				}); err != nil {
				return err
			}
			count.Add(1)
		}
		return nil
	}) {
		kittest.NoError(t, err)
	}
	pings, err := s.ListPings(t.Context(), id, time.Time{}, 1000)
	kittest.NoError(t, err)
	kittest.Equal(t, len(pings), writers*each)
	kittest.Equal(t, int64(len(get(t, s, "backup").Status.Recent)), count.Load())
}

// judgeLate is a rule: a heartbeat that is late is down.
func judgeLate(m monitor.Monitor, r monitor.Result) (monitor.Status, []monitor.Notice) {
	r.Message = "no ping"
	status, notices := judge(m, r)
	status.NextTime = time.Time{}
	return status, notices
}

func testTakeLate(t *testing.T, s monitor.Store) {
	take := func(n, limit int) string {
		t.Helper()
		taken, next, err := s.TakeLate(t.Context(), at(n), limit, judgeLate)
		kittest.NoError(t, err)
		if next.IsZero() {
			return fmt.Sprint(taken, " -")
		}
		return fmt.Sprint(taken, next.Sub(now))
	}
	kittest.Equal(t, take(1000, 10), "0 -")
	for n := range 3 {
		create(t, s, heartbeat(fmt.Sprint("backup", n), 60+n))
	}
	create(t, s, httpMonitor("web"))
	record(t, s, passed(get(t, s, "web").ID, at(1))) // it has a NextTime
	kittest.Equal(t, take(60, 10), "0 1m0s")
	kittest.Equal(t, take(61, 10), "1 1m1s")
	down := get(t, s, "backup0")
	late := monitor.Result{Time: at(61), State: monitor.Down, Finding: probe.Finding{Outcome: probe.Failed, Message: "no ping"}}
	kittest.Equal(t, down.Status, monitor.Status{
		State: monitor.Down, Since: at(61), Reason: "no ping", Recent: "f", Changes: []time.Time{at(61)}, Firing: true, FireTime: at(61), Last: late,
	})
	kittest.Equal(t, list(t, s, monitor.ResultQuery{ID: down.ID}), []monitor.Result{late})
	kittest.Equal(t, len(claim(t, s, 61)), 1)
	ping(t, s, "backup0", monitor.Ping{Kind: monitor.PingSuccess, Time: at(62)})
	kittest.Equal(t, get(t, s, "backup0").Status.State, monitor.Up)
	kittest.Equal(t, take(63, 1), "1 1m2s")
	kittest.Equal(t, take(63, 1), "1 2m2s")
	set(t, s, "backup0", 64, func(s *monitor.Settings) { s.Paused = true })
	_, err := s.AddPing(t.Context(), "backup0", monitor.Ping{Kind: monitor.PingStart, Time: at(65)},
		func(m monitor.Monitor, _ monitor.Ping) (monitor.Status, *monitor.Result, []monitor.Notice) {
			m.Status.NextTime = at(70)
			return m.Status, nil, nil
		})
	kittest.NoError(t, err)
	kittest.Equal(t, take(1000, 10), "0 -") // it is paused
	again, _, err := s.Set(t.Context(), "backup0", func(stored *monitor.Monitor) (monitor.Monitor, error) {
		m := *stored
		m.Settings.Paused, m.Status.NextTime = false, at(2000)
		return m, nil
	})
	kittest.NoError(t, err)
	kittest.Equal(t, again.Status.NextTime, at(2000))
	kittest.Equal(t, take(1000, 10), "0 33m20s")
	// A rule that leaves the time as it is takes a heartbeat once.
	for _, want := range []int{1, 0} {
		taken, _, err := s.TakeLate(t.Context(), at(2001), 10, func(m monitor.Monitor, _ monitor.Result) (monitor.Status, []monitor.Notice) {
			m.Status.State, m.Status.Reason = monitor.Down, "late"
			return m.Status, nil
		})
		kittest.NoError(t, err)
		kittest.Equal(t, taken, want)
	}
	kittest.Equal(t, get(t, s, "backup0").Status.Last.Message, "late")
}

// testTakeLateAtOnce checks that of several processes one takes each.
func testTakeLateAtOnce(t *testing.T, s monitor.Store) {
	const many = 40
	for n := range many {
		create(t, s, heartbeat(fmt.Sprint("backup", n), 60))
	}
	var sum atomic.Int64
	for _, err := range kittest.Concurrently(8, func(int) error {
		for {
			taken, next, err := s.TakeLate(t.Context(), at(61), 3, judgeLate)
			if err != nil {
				return err
			}
			sum.Add(int64(taken))
			if next.IsZero() {
				return nil
			}
		}
	}) {
		kittest.NoError(t, err)
	}
	kittest.Equal(t, sum.Load(), int64(many))
	kittest.Equal(t, len(claim(t, s, 61)), many)
}
