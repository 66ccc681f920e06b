package monitor_test

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// runHeartbeats begins to run the scheduler with the loop of heartbeats.
func (p *process) runHeartbeats(t *testing.T) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	p.lateness, p.notified = &latenesses{}, &atomic.Int64{}
	notify := func() { p.notified.Add(1) }
	conditions := &monitor.ConditionTracker{Store: p.store, Now: time.Now, Log: log}
	p.Scheduler = &monitor.Scheduler{
		Store: p.store, Runner: p.targets, Shards: p.shards, Conditions: conditions, Notify: notify, Now: time.Now, Log: log,
	}
	loop := &monitor.HeartbeatLoop{Heartbeats: p.store, Conditions: conditions, Notify: notify, Now: time.Now, Log: log}
	p.start(t, conditions.Run, p.Scheduler.Run, loop.Run)
}

// heartbeat creates a heartbeat with a period of an hour and a grace of 10 minutes.
func (p *process) heartbeat(t *testing.T, name string, dependsOn ...string) monitor.Monitor {
	t.Helper()
	return p.create(t, name, func(s *monitor.Settings) {
		s.Interval, s.Timeout, s.DependsOn = 0, 0, dependsOn
		s.Check = &probe.Heartbeat{Period: time.Hour, Grace: 10 * time.Minute}
	})
}

// ping adds a success ping.
func (p *process) ping(t *testing.T, name string) {
	t.Helper()
	_, err := p.store.AddPing(t.Context(), name, monitor.Ping{Kind: monitor.PingSuccess, Time: time.Now()},
		func(m monitor.Monitor, ping monitor.Ping) (monitor.Status, *monitor.Result, []monitor.Notice) {
			return monitor.JudgePing(m, ping, false)
		})
	kittest.NoError(t, err)
}

// TestLateHeartbeat checks that a heartbeat is down as soon as it is late, and up at the next ping.
func TestLateHeartbeat(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		m := p.heartbeat(t, "backup")
		p.runHeartbeats(t)
		pass(2 * time.Hour)
		kittest.Equal(t, p.state(t, "backup"), "pending")
		p.ping(t, "backup")
		pass(70 * time.Minute)
		kittest.Equal(t, p.state(t, "backup"), "up")
		pass(time.Second)
		kittest.Equal(t, p.state(t, "backup"), "down")
		kittest.Equal(t, p.sent(t), []string{"backup!"})
		kittest.Equal(t, p.notified.Load(), int64(1))
		pass(24 * time.Hour)
		kittest.Equal(t, p.sent(t), []string(nil))
		p.ping(t, "backup")
		kittest.Equal(t, p.state(t, "backup"), "up")
		kittest.Equal(t, p.sent(t), []string{"backup"})
		kittest.Equal(t, p.results(t, m), "pfp")
	})
}

// TestManyLateHeartbeats checks that each of more than one batch is found once.
func TestManyLateHeartbeats(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		p.runHeartbeats(t)
		for i := range 250 {
			p.heartbeat(t, fmt.Sprint("job", i))
			p.ping(t, fmt.Sprint("job", i))
		}
		pass(2 * time.Hour)
		kittest.Equal(t, len(p.sent(t)), 250)
	})
}

// TestHeartbeatAfterRestart checks that a process that starts finds a heartbeat that became late
// while none ran, and that a ping before that is not lost.
func TestHeartbeatAfterRestart(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		p.heartbeat(t, "backup")
		p.heartbeat(t, "other")
		p.runHeartbeats(t)
		p.ping(t, "backup")
		pass(50 * time.Minute)
		p.ping(t, "other")
		p.stop()
		pass(time.Hour)
		p.runHeartbeats(t)
		pass(2 * time.Second)
		kittest.Equal(t, p.state(t, "backup")+" "+p.state(t, "other"), "down up")
		kittest.Equal(t, p.sent(t), []string{"backup!"})
	})
}

// TestHeartbeatWaits checks that a late heartbeat notifies nobody while a monitor that it depends on
// is down, or in a maintenance window, and soon after that.
func TestHeartbeatWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		p.create(t, "database", func(s *monitor.Settings) { s.Targets = nil })
		p.targets.set("database", true, 0)
		dependent, planned := p.heartbeat(t, "backup", "database"), p.heartbeat(t, "planned")
		p.runHeartbeats(t)
		for _, name := range []string{"backup", "planned"} {
			p.ping(t, name)
		}
		_, err := p.store.CreateWindow(t.Context(), monitor.MaintenanceWindow{
			Monitors: []string{"planned"}, Start: time.Now(), End: time.Now().Add(90 * time.Minute), Reason: "move",
		}, time.Now())
		kittest.NoError(t, err)
		pass(80 * time.Minute)
		kittest.Equal(t, p.state(t, "backup")+" "+p.state(t, "planned"), "unknown maintenance")
		kittest.Equal(t, p.sent(t), []string(nil))
		p.targets.set("database", false, 0)
		pass(2 * time.Minute)
		kittest.Equal(t, p.state(t, "backup")+" "+p.state(t, "planned"), "down maintenance")
		kittest.Equal(t, p.sent(t), []string{"backup!"})
		pass(9 * time.Minute)
		kittest.Equal(t, p.state(t, "planned"), "down")
		kittest.Equal(t, p.sent(t), []string{"planned!"})
		up, err := p.store.ListUptime(t.Context(), planned.ID, monitor.Day, time.Unix(0, 0))
		kittest.NoError(t, err)
		kittest.Equal(t, []int64{up[0].Passed, up[0].Failed}, []int64{1, 1})
		up, err = p.store.ListUptime(t.Context(), dependent.ID, monitor.Day, time.Unix(0, 0))
		kittest.NoError(t, err)
		kittest.Equal(t, []int64{up[0].Passed, up[0].Failed}, []int64{1, 1})
	})
}
