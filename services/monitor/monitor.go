// Package monitor is the monitor service: it runs checks of services and endpoints at intervals,
// keeps their results, and notifies people of changes.
package monitor

import (
	"time"

	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// A Monitor is a check that runs at an interval, with its state.
type Monitor struct {
	ID         int64 // assigned by the store, never reused
	Settings   Settings
	BuiltIn    bool // created by the service
	CreateTime time.Time
	UpdateTime time.Time
	Revision   int64 // ascends with each change of the settings of any monitor; assigned by the store
	Status     Status
}

// Settings are the settings of a monitor. All defaults are filled in.
type Settings struct {
	Name  string
	Title string // empty for the name
	Group string // empty for none

	Interval time.Duration // 0 for a heartbeat
	Timeout  time.Duration
	// Failures is the number of the last Window results that must have failed before the state is
	// down, and Recoveries the number of passed ones in a row before it is up again.
	Failures, Window, Recoveries int

	Severity   string
	Targets    []string // empty notifies nobody
	By         []string // messengers; empty for all
	Escalation string   // empty for none
	Link       string   // empty for none
	DependsOn  []string // names of monitors
	Paused     bool
	Public     bool

	// Check is the check. Its secrets are sealed in the store, and only open where it runs.
	Check probe.Check
}

// A State is the state of a monitor. The values are stored, and those of the API.
type State int8

// The states.
const (
	Pending     State = 1 // no result yet
	Up          State = 2
	Down        State = 3
	Unknown     State = 4 // a monitor that it depends on is down, or the check could not run
	Paused      State = 5
	Maintenance State = 6
)

// A Status is the state of a monitor, and the history by which the next result is judged.
type Status struct {
	State  State
	Since  time.Time // when State began
	Reason string    // why it is not up; empty while it is

	// Recent are the outcomes of the last results, the newest last, at most MaxWindow: one of p, f and u
	// each. Unknown ones do not count.
	Recent string
	// Changes are the times of the last changes between up and down, the newest last, at most
	// maxChanges: they tell whether it is flapping.
	Changes  []time.Time
	Flapping bool

	// Firing is set while an alert of the monitor is open, since FireTime.
	Firing   bool
	FireTime time.Time

	Last     Result    // zero before the first
	NextTime time.Time // of a heartbeat: when it is late; otherwise when the next check is due, as last planned
	// StartTime is when the run of a heartbeat began that has not ended; zero for none.
	StartTime time.Time
}

// MaxWindow is the maximum of Settings.Window.
const MaxWindow = 100

// A Result is the result of a check.
type Result struct {
	Time    time.Time // when the check began
	Latency time.Duration
	probe.Finding
	State State // of the monitor after it
}

// An Uptime sums up the results of a period.
type Uptime struct {
	Start                   time.Time
	Passed, Failed, Unknown int64
	// Excluded is the number of passed and failed results in maintenance windows, which are not
	// among the others.
	Excluded int64
	// LatencySum and MaxLatency are of those that passed.
	LatencySum, MaxLatency time.Duration
}

// Share returns the uptime from 0 to 1, and whether there is one.
func (u Uptime) Share() (share float64, ok bool) {
	if u.Passed+u.Failed == 0 {
		return 0, false
	}
	return float64(u.Passed) / float64(u.Passed+u.Failed), true
}

// A Period is the length of an Uptime.
type Period int

// The periods. Days are those of UTC.
const (
	Hour Period = iota
	Day
)

// A Ping is a ping of a heartbeat.
type Ping struct {
	Kind        PingKind
	Time        time.Time
	Body        []byte // at most MaxPingBody
	ContentType string
	By          string // the caller; empty for none
}

// MaxPingBody is the maximum length of the stored body of a ping in bytes.
const MaxPingBody = 10000

// A PingKind is the kind of a ping. The values are stored, and those of the API.
type PingKind int8

// The kinds of pings.
const (
	PingSuccess PingKind = 1
	PingStart   PingKind = 2
	PingFail    PingKind = 3
)

// A MaintenanceWindow is a time in which failures notify nobody.
type MaintenanceWindow struct {
	ID         int64    // assigned by the store
	Monitors   []string // names, or the begin of names with "*" at the end
	Start, End time.Time
	Reason     string
	Author     string // empty for none
	CreateTime time.Time
}

// A Notice is an alert about a monitor that is to be recorded by the alert service. It is stored
// with the change of state that it is about, and sent until it is recorded.
type Notice struct {
	ID         int64 // ascends in the order of a monitor; assigned by the store
	Monitor    string
	Number     int64 // ascends, also after a monitor is deleted and created again; with the name it is the idempotency key; assigned by the store
	Resolved   bool
	Targets    []string
	By         []string
	Severity   string
	Title      string
	Message    string
	Link       string
	Escalation string

	Attempt    int // the number of claims
	CreateTime time.Time
	DueTime    time.Time
}

// Key returns the alert key of the incidents of a monitor.
func (n Notice) Key() string { return KeyOf(n.Monitor) }

// KeyOf returns the alert key of the incidents of the monitor with a name.
func KeyOf(name string) string { return "monitor/" + name }
