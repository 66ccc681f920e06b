package monitor

import (
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// lateInterval is the time between two judgements of a late heartbeat whose alert waits for
// something: the end of a maintenance window, a dependency, or the end of flapping.
const lateInterval = 30 * time.Second

// JudgePing returns the status of a heartbeat after a ping, the result that a success or a fail
// is, with the time since the start of the run as its latency, and the notices of the change.
//
// A success makes the heartbeat up and a fail makes it down at once, and the next success is
// late after the period and the grace. After a start it is late after the maximum duration of a
// run, or, without one, after the period and the grace too; a start while a run has not ended
// does not extend that. A start changes no state, and nothing changes while it is paused. In
// maintenance a fail notifies nobody.
func JudgePing(m Monitor, p Ping, maintenance bool) (Status, *Result, []Notice) {
	check, ok := m.Settings.Check.(*probe.Heartbeat)
	if !ok || m.Status.State == Paused {
		return m.Status, nil, nil
	}
	if p.Kind == PingStart {
		return started(m.Status, p.Time, check), nil, nil
	}
	var c Conditions // dependencies do not matter: the job ran
	r := Result{Time: p.Time, Finding: probe.Finding{Outcome: probe.Passed}}
	if p.Kind == PingFail {
		r.Finding = probe.Finding{Outcome: probe.Failed, Message: "a fail ping was received"}
		c.Maintenance = maintenance // after a success, the next ping, which would show the end, may be far away
	}
	if start := m.Status.StartTime; !start.IsZero() && start.Before(p.Time) {
		r.Latency = p.Time.Sub(start)
	}
	s, notices := Judge(single(m), r, c)
	s.StartTime, s.NextTime = time.Time{}, p.Time.Add(check.Period+check.GraceOrDefault())
	if p.Kind == PingFail {
		s.NextTime = earlier(s.NextTime, waitingUntil(s, p.Time))
	}
	return s, &s.Last, notices
}

// JudgeLate returns the status of a heartbeat whose NextTime has passed at the time of a result,
// and the notices of the change. What the result found is replaced.
func JudgeLate(m Monitor, r Result, c Conditions) (Status, []Notice) {
	if m.Status.State == Paused {
		s := m.Status
		s.NextTime = time.Time{}
		return s, nil
	}
	r.Latency, r.Finding = 0, probe.Finding{Outcome: probe.Failed, Message: lateMessage(m, r.Time)}
	s, notices := Judge(single(m), r, c)
	s.NextTime = waitingUntil(s, r.Time)
	return s, notices
}

// started returns a status after the begin of a run.
func started(s Status, at time.Time, check *probe.Heartbeat) Status {
	late := at.Add(check.Period + check.GraceOrDefault())
	if check.MaxRun > 0 {
		late = at.Add(check.MaxRun)
	}
	if !s.StartTime.IsZero() {
		late = earlier(s.NextTime, late)
	}
	s.StartTime, s.NextTime = at, late
	return s
}

// waitingUntil returns when a heartbeat that is late or failed is to be judged again without a
// ping; zero for not.
func waitingUntil(s Status, now time.Time) time.Time {
	if s.State == Down && !s.Flapping {
		return time.Time{}
	}
	return now.Add(lateInterval)
}

// earlier returns the earlier of two times; a zero one does not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// single returns a heartbeat for which each result decides.
func single(m Monitor) Monitor {
	m.Settings.Failures, m.Settings.Window, m.Settings.Recoveries = 1, 1, 1
	return m
}

// lateMessage returns why a heartbeat is late. The time of the last ping is known until it is judged
// to be late the first time.
func lateMessage(m Monitor, now time.Time) string {
	s := m.Status
	switch {
	case !s.StartTime.IsZero():
		return fmt.Sprintf("the run that began %s ago has not ended", durationText(now.Sub(s.StartTime)))
	case s.Last.Outcome == probe.Passed:
		return fmt.Sprintf("no ping for %s", durationText(now.Sub(s.Last.Time)))
	case s.Last.Outcome == probe.Failed && s.Reason != "":
		return s.Reason
	default:
		return "no ping in time"
	}
}
