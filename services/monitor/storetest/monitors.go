package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

func testCreate(t *testing.T, s monitor.Store) {
	want := httpMonitor("web")
	m := create(t, s, want)
	want.ID, want.Revision, want.Status = m.ID, 1, monitor.Status{State: monitor.Pending, Since: now}
	kittest.Equal(t, m, want)
	kittest.Equal(t, get(t, s, "web"), want)

	paused := httpMonitor("db")
	paused.Settings.Paused, paused.Settings.Title, paused.BuiltIn = true, "", true
	m = create(t, s, paused)
	paused.ID, paused.Revision, paused.Status = m.ID, 2, monitor.Status{State: monitor.Paused, Since: now}
	kittest.Equal(t, get(t, s, "db"), paused)

	_, err := s.Create(t.Context(), httpMonitor("web"))
	kittest.Error(t, err, fault.ErrExists, "web")
	_, err = s.Monitor(t.Context(), "api")
	kittest.Error(t, err, fault.ErrNotFound, "api")

	beat := create(t, s, heartbeat("backup", 60))
	kittest.Equal(t, beat.Status, monitor.Status{State: monitor.Pending, Since: now, NextTime: at(60)})
	kittest.Equal(t, get(t, s, "backup"), beat)
}

func testSet(t *testing.T, s monitor.Store) {
	m, created, err := s.Set(t.Context(), "web", func(stored *monitor.Monitor) (monitor.Monitor, error) {
		kittest.Equal(t, stored == nil, true)
		return httpMonitor("web"), nil
	})
	kittest.NoError(t, err)
	kittest.Equal(t, created, true)
	kittest.Equal(t, get(t, s, "web"), m)
	record(t, s, failed(m.ID, at(1)))

	before := get(t, s, "web")
	changed := set(t, s, "web", 2, func(settings *monitor.Settings) {
		settings.Title, settings.Interval, settings.Targets = "Shop", time.Minute, nil
		settings.Check = decode(probe.KindHTTP, `{"url":"https://other.example/"}`)
	})
	want := before
	want.Settings.Title, want.Settings.Interval, want.Settings.Targets = "Shop", time.Minute, nil
	want.Settings.Check = decode(probe.KindHTTP, `{"url":"https://other.example/"}`)
	want.UpdateTime, want.Revision = at(2), 2
	kittest.Equal(t, changed, want)
	kittest.Equal(t, get(t, s, "web"), want)

	refused := fault.Preconditionf("not now")
	_, _, err = s.Set(t.Context(), "web", func(*monitor.Monitor) (monitor.Monitor, error) { return monitor.Monitor{}, refused })
	kittest.Equal(t, errors.Is(err, refused), true)
	_, _, err = s.Set(t.Context(), "api", func(*monitor.Monitor) (monitor.Monitor, error) { return monitor.Monitor{}, refused })
	kittest.Equal(t, errors.Is(err, refused), true)
	kittest.Equal(t, get(t, s, "web"), want)

	// Results are judged by the new settings.
	_, err = s.Record(t.Context(), []monitor.MonitorResult{passed(m.ID, at(3))}, func(m monitor.Monitor, r monitor.Result) (monitor.Status, []monitor.Notice) {
		kittest.Equal(t, m, want)
		return judge(m, r)
	})
	kittest.NoError(t, err)
}

// testSetAnew checks which changes begin the status anew.
func testSetAnew(t *testing.T, s monitor.Store) {
	id := create(t, s, httpMonitor("web")).ID
	record(t, s, failed(id, at(1)))
	down := get(t, s, "web").Status
	kittest.Equal(t, set(t, s, "web", 2, func(s *monitor.Settings) { s.Failures = 3 }).Status, down)

	paused := set(t, s, "web", 3, func(s *monitor.Settings) { s.Paused = true }).Status
	kittest.Equal(t, paused, monitor.Status{State: monitor.Paused, Since: at(3), Firing: true, FireTime: at(1)})
	kittest.Equal(t, get(t, s, "web").Status, paused)
	resumed := set(t, s, "web", 4, func(s *monitor.Settings) { s.Paused = false }).Status
	kittest.Equal(t, resumed, monitor.Status{State: monitor.Pending, Since: at(4), Firing: true, FireTime: at(1)})
	kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: id})), 1)

	kittest.Equal(t, record(t, s, passed(id, at(1)))[0], monitor.Status{}) // not newer than one before the pause
	kittest.Equal(t, record(t, s, passed(id, at(5)))[0].Firing, false)
	beat := set(t, s, "web", 6, func(s *monitor.Settings) { s.Check = decode(probe.KindHeartbeat, `{"period":1000000000}`) }).Status
	kittest.Equal(t, beat, monitor.Status{State: monitor.Pending, Since: at(6)})
	kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: id})), 2)
}

// testSetAtOnce checks that concurrent changes build on each other.
func testSetAtOnce(t *testing.T, s monitor.Store) {
	const many = 8
	for _, err := range kittest.Concurrently(many, func(int) error {
		_, _, err := s.Set(t.Context(), "web", func(stored *monitor.Monitor) (monitor.Monitor, error) {
			if stored == nil {
				return httpMonitor("web"), nil
			}
			m := *stored
			m.Settings.Failures++
			return m, nil
		})
		return err
	}) {
		kittest.NoError(t, err)
	}
	m := get(t, s, "web")
	kittest.Equal(t, m.Settings.Failures, httpMonitor("web").Settings.Failures+many-1)
	kittest.Equal(t, m.Revision, int64(many))
}

func testDependencies(t *testing.T, s monitor.Store) {
	dependent := func(name string, on ...string) monitor.Monitor {
		m := httpMonitor(name)
		m.Settings.DependsOn = on
		return m
	}
	_, err := s.Create(t.Context(), dependent("web", "db"))
	kittest.Error(t, err, fault.ErrInvalid, "db")
	_, err = s.Create(t.Context(), dependent("web", "web"))
	kittest.Error(t, err, fault.ErrInvalid, "web")
	_, err = s.Monitor(t.Context(), "web")
	kittest.Error(t, err, fault.ErrNotFound)
	create(t, s, dependent("db"))
	create(t, s, dependent("net"))
	create(t, s, dependent("api", "db", "net"))
	create(t, s, dependent("web", "net", "api"))
	kittest.Equal(t, get(t, s, "web").Settings.DependsOn, []string{"net", "api"})
	for _, on := range []string{"web", "api", "db"} {
		_, _, err = s.Set(t.Context(), "db", func(stored *monitor.Monitor) (monitor.Monitor, error) {
			m := *stored
			m.Settings.DependsOn = []string{"net", on}
			return m, nil
		})
		kittest.Error(t, err, fault.ErrInvalid, "depends_on[1]")
	}
	kittest.Equal(t, len(get(t, s, "db").Settings.DependsOn), 0)
	kittest.Error(t, s.Delete(t.Context(), "api", now), fault.ErrPrecondition, "web")
	set(t, s, "web", 1, func(s *monitor.Settings) { s.DependsOn = []string{"db"} })
	kittest.NoError(t, s.Delete(t.Context(), "api", now))
	kittest.NoError(t, s.Delete(t.Context(), "net", now))
	kittest.Error(t, s.Delete(t.Context(), "db", now), fault.ErrPrecondition, "web")
}

func testPage(t *testing.T, s monitor.Store) {
	for _, name := range []string{"b", "a-b", "a.b", "a", "ab", "a_b", "instance.2", "instance.1"} {
		create(t, s, httpMonitor(name))
	}
	record(t, s, failed(get(t, s, "ab").ID, at(1)), failed(get(t, s, "instance.2").ID, at(1)))
	page := func(q monitor.Query) string {
		t.Helper()
		if q.Limit == 0 {
			q.Limit = 10
		}
		found, err := s.Page(t.Context(), q)
		kittest.NoError(t, err)
		var names []string
		for _, m := range found {
			names = append(names, m.Settings.Name)
		}
		return fmt.Sprint(names)
	}
	kittest.Equal(t, page(monitor.Query{}), "[a a-b a.b a_b ab b instance.1 instance.2]")
	kittest.Equal(t, page(monitor.Query{Limit: 2}), "[a a-b]")
	kittest.Equal(t, page(monitor.Query{After: "a-b", Limit: 2}), "[a.b a_b]")
	kittest.Equal(t, page(monitor.Query{Prefix: "a_"}), "[a_b]")
	kittest.Equal(t, page(monitor.Query{Prefix: "a", After: "a_b"}), "[ab]")
	kittest.Equal(t, page(monitor.Query{State: monitor.Down}), "[ab instance.2]")
	kittest.Equal(t, page(monitor.Query{State: monitor.Down, Prefix: "instance."}), "[instance.2]")
	kittest.Equal(t, page(monitor.Query{State: monitor.Paused}), "[]")
	_, err := s.Page(t.Context(), monitor.Query{})
	kittest.Error(t, err, fault.ErrInvalid)
}

func testDelete(t *testing.T, s monitor.Store) {
	web, db := create(t, s, httpMonitor("web")), create(t, s, httpMonitor("db"))
	record(t, s, failed(web.ID, at(1)), passed(db.ID, at(1)))
	kittest.NoError(t, s.NoticeSent(t.Context(), claim(t, s, 1)[0]))
	kittest.NoError(t, s.Delete(t.Context(), "db", at(2)))
	kittest.Equal(t, len(claim(t, s, 2)), 0) // no alert is open
	kittest.NoError(t, s.Delete(t.Context(), "web", at(3)))
	resolution := claim(t, s, 3)
	kittest.Equal(t, len(resolution), 1)
	kittest.Equal(t, [3]any{resolution[0].Monitor, resolution[0].Resolved, resolution[0].Severity}, [3]any{"web", true, "critical"})
	kittest.Equal(t, resolution[0].Targets, web.Settings.Targets)

	kittest.Error(t, s.Delete(t.Context(), "web", at(4)), fault.ErrNotFound, "web")
	_, err := s.Monitor(t.Context(), "web")
	kittest.Error(t, err, fault.ErrNotFound)
	kittest.Equal(t, record(t, s, passed(web.ID, at(5)))[0], monitor.Status{})
	all, err := s.Statuses(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, len(all), 0)
}

// testDeleteAndCreate checks that a name has no results of a deleted monitor, and new numbers.
func testDeleteAndCreate(t *testing.T, s monitor.Store) {
	first := create(t, s, httpMonitor("web"))
	record(t, s, failed(first.ID, at(1)))
	kittest.NoError(t, s.Delete(t.Context(), "web", at(2)))
	again := httpMonitor("web")
	again.CreateTime = at(3)
	second := create(t, s, again)
	kittest.Equal(t, second.ID > first.ID, true)
	kittest.Equal(t, len(list(t, s, monitor.ResultQuery{ID: second.ID})), 0)
	record(t, s, failed(second.ID, at(4)))
	last := int64(0)
	for range 3 {
		claimed := claim(t, s, 4)
		kittest.Equal(t, len(claimed), 1)
		kittest.Equal(t, claimed[0].Number > last, true)
		last = claimed[0].Number
		kittest.NoError(t, s.NoticeSent(t.Context(), claimed[0]))
	}
}

func testChanges(t *testing.T, s monitor.Store) {
	changes := func(after int64) string {
		t.Helper()
		changed, deleted, last, err := s.ChangedAfter(t.Context(), after)
		kittest.NoError(t, err)
		var names []string
		for _, m := range changed {
			kittest.Equal(t, m, get(t, s, m.Settings.Name))
			names = append(names, fmt.Sprint(m.Settings.Name, "/", m.Revision))
		}
		return fmt.Sprint(names, deleted, last)
	}
	kittest.Equal(t, changes(0), "[] [] 0")
	create(t, s, httpMonitor("web"))
	create(t, s, httpMonitor("db"))
	kittest.Equal(t, changes(0), "[web/1 db/2] [] 2")
	kittest.Equal(t, changes(1), "[db/2] [] 2")
	kittest.Equal(t, changes(2), "[] [] 2")
	record(t, s, failed(get(t, s, "web").ID, at(1)))
	kittest.Equal(t, changes(2), "[] [] 2")
	set(t, s, "web", 2, func(s *monitor.Settings) { s.Failures = 1 })
	kittest.NoError(t, s.Delete(t.Context(), "db", at(3)))
	kittest.Equal(t, changes(2), "[web/3] [db] 4")
	kittest.Equal(t, changes(3), "[] [db] 4")
	create(t, s, httpMonitor("db"))
	kittest.Equal(t, changes(2), "[web/3 db/5] [] 5")
	kittest.NoError(t, s.Delete(t.Context(), "db", at(4)))
	kittest.Equal(t, changes(2), "[web/3] [db] 6")
	kittest.Equal(t, changes(6), "[] [] 6")
}
