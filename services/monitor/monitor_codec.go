package monitor

import (
	"cmp"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	monitorv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
)

// monitorToWire returns a monitor without its secrets.
func monitorToWire(m Monitor) *monitorv1.Monitor {
	return &monitorv1.Monitor{
		Settings: settingsToWire(m.Settings), Status: statusToWire(m), BuiltIn: m.BuiltIn,
		CreateTime: timeToWire(m.CreateTime), UpdateTime: timeToWire(m.UpdateTime),
	}
}

// statusToWire returns the status of a monitor, of whose settings it needs Name, Title and Group.
func statusToWire(m Monitor) *monitorv1.MonitorStatus {
	s := m.Status
	wire := &monitorv1.MonitorStatus{
		Name: m.Settings.Name, Title: cmp.Or(m.Settings.Title, m.Settings.Name), Group: m.Settings.Group,
		State: monitorv1.MonitorState(s.State), Since: timeToWire(s.Since), Reason: s.Reason, Flapping: s.Flapping,
		NextTime: timeToWire(s.NextTime),
	}
	if !s.Last.Time.IsZero() {
		wire.Last = resultToWire(s.Last)
	}
	return wire
}

func resultToWire(r Result) *monitorv1.Result {
	wire := &monitorv1.Result{
		Time: timeToWire(r.Time), Outcome: monitorv1.Outcome(r.Outcome), Latency: durationpb.New(r.Latency), Message: r.Message,
		State: monitorv1.MonitorState(r.State),
	}
	if r.HasValue {
		wire.Value = &r.Value
	}
	return wire
}

func uptimeToWire(u Uptime) *monitorv1.Uptime {
	wire := &monitorv1.Uptime{StartTime: timeToWire(u.Start), Passed: u.Passed, Failed: u.Failed, Unknown: u.Unknown, Uptime: shareToWire(u)}
	if u.Passed > 0 {
		wire.MeanLatency = durationpb.New((u.LatencySum / time.Duration(u.Passed)).Truncate(time.Microsecond))
		wire.MaxLatency = durationpb.New(u.MaxLatency)
	}
	return wire
}

// shareToWire returns the uptime from 0 to 1, or nil.
func shareToWire(u Uptime) *float64 {
	share, ok := u.Share()
	if !ok {
		return nil
	}
	return &share
}

// timeToWire returns a time; nil for the zero time.
func timeToWire(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// timeFromWire returns a time as it is stored; zero for nil.
func timeFromWire(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime().Truncate(time.Microsecond)
}

// durationToWire returns a duration; nil for 0.
func durationToWire(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}
