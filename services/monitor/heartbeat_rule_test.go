package monitor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// A pulse is a heartbeat with a period of an hour and a grace of 10 minutes, with its notices.
type pulse struct {
	monitor.Monitor
	now     time.Time
	notices []monitor.Notice
	results []monitor.Result
}

func newPulse(maxRun time.Duration) *pulse {
	p := &pulse{Monitor: example(), now: begin}
	p.Settings.Interval = 0
	p.Settings.Check = &probe.Heartbeat{Period: time.Hour, Grace: 10 * time.Minute, MaxRun: maxRun}
	return p
}

// ping adds a ping after some minutes.
func (p *pulse) ping(kind monitor.PingKind, minutes int, c monitor.Conditions) {
	p.now = p.now.Add(time.Duration(minutes) * time.Minute)
	s, r, notices := monitor.JudgePing(p.Monitor, monitor.Ping{Kind: kind, Time: p.now}, c.Maintenance)
	p.Status = s
	if r != nil {
		p.results = append(p.results, *r)
	}
	p.notices = append(p.notices, notices...)
}

// wait passes some minutes, as the loop does: it judges the heartbeat when it is late.
func (p *pulse) wait(minutes int, c monitor.Conditions) {
	until := p.now.Add(time.Duration(minutes) * time.Minute)
	for next := p.Status.NextTime; !next.IsZero() && next.Before(until); next = p.Status.NextTime {
		s, notices := monitor.JudgeLate(p.Monitor, monitor.Result{Time: next}, c)
		p.Status = s
		p.notices = append(p.notices, notices...)
		if s.NextTime.Equal(next) {
			break
		}
	}
	p.now = until
}

// next returns in how many minutes it is late; -1 for never.
func (p *pulse) next() int {
	if p.Status.NextTime.IsZero() {
		return -1
	}
	return int(p.Status.NextTime.Sub(p.now) / time.Minute)
}

func (p *pulse) sent() (sent string) {
	for _, n := range p.notices {
		sent += map[bool]string{true: "R", false: "F"}[n.Resolved]
	}
	return sent
}

// TestHeartbeat checks the state, the notices, and in how many minutes the heartbeat is late.
func TestHeartbeat(t *testing.T) {
	const success, start, fail = monitor.PingSuccess, monitor.PingStart, monitor.PingFail
	var none monitor.Conditions
	window := monitor.Conditions{Maintenance: true}
	dependency := monitor.Conditions{Dependency: "database"}
	for _, test := range []struct {
		name   string
		maxRun time.Duration
		life   func(p *pulse)
		want   string
	}{
		{"no ping", 0, func(p *pulse) { p.wait(1000, none) }, "pending -1"},
		{"success", 0, func(p *pulse) { p.ping(success, 1, none) }, "up 70"},
		{"in time", 0, func(p *pulse) { p.ping(success, 1, none); p.wait(70, none); p.ping(success, 0, none) }, "up 70"},
		{"late", 0, func(p *pulse) { p.ping(success, 1, none); p.wait(71, none) }, "down -1 F"},
		{"late, then success", 0, func(p *pulse) { p.ping(success, 1, none); p.wait(71, none); p.ping(success, 0, none) }, "up 70 FR"},
		{"fail", 0, func(p *pulse) { p.ping(success, 1, none); p.ping(fail, 1, none) }, "down 70 F"},
		{"fail, then late", 0, func(p *pulse) { p.ping(fail, 1, none); p.wait(100, none) }, "down -1 F"},
		{"fail twice", 0, func(p *pulse) { p.ping(fail, 1, none); p.ping(fail, 1, none) }, "down 70 F"},
		{"fail, then success", 0, func(p *pulse) { p.ping(fail, 1, none); p.ping(success, 1, none) }, "up 70 FR"},

		{"first start", 0, func(p *pulse) { p.ping(start, 1, none) }, "pending 70"},
		{"start without an end", 0, func(p *pulse) { p.ping(start, 1, none); p.wait(71, none) }, "down -1 F"},
		{"start", 0, func(p *pulse) { p.ping(success, 1, none); p.ping(start, 60, none) }, "up 70"},
		{"start again", 0, func(p *pulse) { p.ping(start, 1, none); p.ping(start, 60, none) }, "pending 10"},
		{"starts without an end", 0, func(p *pulse) {
			for range 4 {
				p.ping(start, 1, none)
				p.wait(59, none)
			}
		}, "down -1 F"},
		{"start while down", 0, func(p *pulse) { p.ping(fail, 1, none); p.ping(start, 1, none) }, "down 70 F"},
		{"max run", 20 * time.Minute, func(p *pulse) { p.ping(start, 1, none) }, "pending 20"},
		{"max run passed", 20 * time.Minute, func(p *pulse) { p.ping(success, 1, none); p.ping(start, 1, none); p.wait(21, none) }, "down -1 F"},
		{"long run", 3 * time.Hour, func(p *pulse) { p.ping(success, 1, none); p.ping(start, 60, none); p.wait(179, none) }, "up 1"},
		{"end of a late run", 20 * time.Minute, func(p *pulse) { p.ping(start, 1, none); p.wait(21, none); p.ping(success, 0, none) }, "up 70 FR"},

		{"late in maintenance", 0, func(p *pulse) { p.ping(success, 1, none); p.wait(80, window) }, "maintenance 0"},
		{"late after maintenance", 0, func(p *pulse) { p.ping(success, 1, none); p.wait(80, window); p.wait(1, none) }, "down -1 F"},
		{"success in maintenance", 0, func(p *pulse) { p.ping(success, 1, window) }, "up 70"},
		{"fail in maintenance", 0, func(p *pulse) { p.ping(fail, 1, window) }, "maintenance 0"},
		{"failed after maintenance", 0, func(p *pulse) { p.ping(fail, 1, window); p.wait(10, window); p.wait(1, none) }, "down -1 F"},
		{"success after maintenance", 0, func(p *pulse) { p.ping(fail, 1, window); p.wait(10, window); p.ping(success, 0, none) }, "up 70"},
		{"late while the dependency is down", 0, func(p *pulse) { p.ping(success, 1, none); p.wait(80, dependency) }, "unknown 0"},
		{"late after the dependency was down", 0, func(p *pulse) { p.ping(success, 1, none); p.wait(80, dependency); p.wait(1, none) }, "down -1 F"},
		{"fail while the dependency is down", 0, func(p *pulse) { p.ping(fail, 1, dependency) }, "down 70 F"},

		{"flapping", 0, func(p *pulse) {
			for range 3 {
				p.ping(success, 1, none)
				p.ping(fail, 1, none)
			}
		}, "down 0 FRFR"},
		{"stable down", 0, func(p *pulse) {
			for range 3 {
				p.ping(success, 1, none)
				p.ping(fail, 1, none)
			}
			p.wait(16, none)
		}, "down -1 FRFRF"},
		{"flapping, then up", 0, func(p *pulse) {
			for range 3 {
				p.ping(fail, 1, none)
				p.ping(success, 1, none)
			}
			p.wait(69, none)
		}, "up 1 FRFRF"},
		{"flapping, then stable up", 0, func(p *pulse) {
			for range 3 {
				p.ping(fail, 1, none)
				p.ping(success, 1, none)
			}
			p.ping(success, 60, none)
		}, "up 70 FRFRFR"},
		{"paused", 0, func(p *pulse) { p.Status.State = monitor.Paused; p.ping(fail, 1, none); p.ping(start, 1, none) }, "paused -1"},
		{"paused with a time", 0, func(p *pulse) { p.ping(success, 1, none); p.Status.State = monitor.Paused; p.wait(80, none) }, "paused -1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPulse(test.maxRun)
			test.life(p)
			got := fmt.Sprint(stateNames[p.Status.State], " ", p.next())
			if sent := p.sent(); sent != "" {
				got += " " + sent
			}
			kittest.Equal(t, got, test.want)
		})
	}
}

// TestHeartbeatResults checks the results of pings, and the messages of notices.
func TestHeartbeatResults(t *testing.T) {
	var none monitor.Conditions
	p := newPulse(0)
	p.ping(monitor.PingStart, 1, none)
	p.ping(monitor.PingSuccess, 12, none)
	p.ping(monitor.PingSuccess, 1, none)
	p.ping(monitor.PingStart, 1, none)
	p.ping(monitor.PingFail, 3, none)
	for i, want := range []monitor.Result{
		{Time: begin.Add(13 * time.Minute), Latency: 12 * time.Minute, Finding: probe.Finding{Outcome: probe.Passed}, State: monitor.Up},
		{Time: begin.Add(14 * time.Minute), Finding: probe.Finding{Outcome: probe.Passed}, State: monitor.Up},
		{Time: begin.Add(18 * time.Minute), Latency: 3 * time.Minute, Finding: probe.Finding{Outcome: probe.Failed, Message: "a fail ping was received"}, State: monitor.Down},
	} {
		kittest.Equal(t, p.results[i], want)
	}
	kittest.Equal(t, len(p.results), 3)
	kittest.Equal(t, p.notices[0].Message, "Web shop is down: a fail ping was received (since 2026-03-01 12:18:00 UTC)")

	p = newPulse(0)
	p.ping(monitor.PingSuccess, 1, none)
	p.wait(80, none)
	kittest.Equal(t, p.notices[0].Message, "Web shop is down: no ping for 1h10m (since 2026-03-01 13:11:00 UTC)")
	p.ping(monitor.PingSuccess, 10, none)
	kittest.Equal(t, p.notices[1].Message, "Web shop is up again after 20m")
	p.ping(monitor.PingStart, 1, none)
	p.wait(80, none)
	kittest.Equal(t, p.notices[2].Message, "Web shop is down: the run that began 1h10m ago has not ended (since 2026-03-01 14:42:00 UTC)")
}

// TestReasonOfLateHeartbeat checks that the message of a heartbeat that was judged late before says
// what it said first, and not how long ago that was.
func TestReasonOfLateHeartbeat(t *testing.T) {
	for _, test := range []struct {
		kind monitor.PingKind
		c    monitor.Conditions
		want string
	}{
		{monitor.PingSuccess, monitor.Conditions{Maintenance: true}, "Web shop is down: no ping for 1h10m (since"},
		{monitor.PingFail, monitor.Conditions{Maintenance: true}, "Web shop is down: a fail ping was received (since"},
		{monitor.PingSuccess, monitor.Conditions{Dependency: "database"}, "Web shop is down: no ping in time (since"},
	} {
		p := newPulse(0)
		p.ping(test.kind, 1, test.c)
		p.wait(80, test.c)
		kittest.Equal(t, len(p.notices), 0)
		p.wait(1, monitor.Conditions{})
		kittest.Equal(t, strings.HasPrefix(p.notices[0].Message, test.want), true)
	}
}

// TestHeartbeatInvariants checks with random pings that alerts and resolutions alternate, and that a
// heartbeat without pings ends down, and one that is pinged up.
func TestHeartbeatInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPulse(time.Duration(rapid.IntRange(0, 2).Draw(t, "max run")) * 30 * time.Minute)
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			c := monitor.Conditions{Maintenance: rapid.IntRange(0, 5).Draw(t, "maintenance") == 0}
			if rapid.IntRange(0, 5).Draw(t, "dependency") == 0 {
				c.Dependency = "database"
			}
			if kind := rapid.IntRange(0, 3).Draw(t, "kind"); kind > 0 {
				p.ping(monitor.PingKind(kind), rapid.IntRange(0, 3).Draw(t, "minutes"), c)
			} else {
				p.wait(rapid.IntRange(1, 100).Draw(t, "minutes"), c)
			}
		}
		p.ping(monitor.PingSuccess, 1, monitor.Conditions{})
		p.wait(10000, monitor.Conditions{})
		if p.Status.State != monitor.Down || !p.Status.Firing || p.next() != -1 {
			t.Fatalf("after no ping for long: %+v", p.Status)
		}
		for range 30 {
			p.ping(monitor.PingSuccess, 60, monitor.Conditions{})
		}
		if p.Status.State != monitor.Up || p.Status.Firing || p.Status.Flapping {
			t.Fatalf("after many pings: %+v", p.Status)
		}
		for i, n := range p.notices {
			if n.Resolved != (i%2 == 1) {
				t.Fatalf("notices are %s", p.sent())
			}
		}
	})
}
