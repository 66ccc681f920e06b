package monitor

import (
	"context"
	"time"

	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// A Store stores monitors. Times have microseconds. Every method is one transaction. It is safe
// for concurrent use, by several processes too.
type Store interface {
	Monitors
	Results
	Heartbeats
	MaintenanceWindows
	Notices
	Retention
}

// Monitors stores monitors.
type Monitors interface {
	// Create stores a new monitor, which is pending, or paused. It must return fault.ErrExists if
	// there is one of the name, fault.ErrInvalid if a monitor that it depends on does not exist, or
	// depends on it, and fault.ErrExhausted above MaxMonitors.
	Create(ctx context.Context, m Monitor) (Monitor, error)
	// Set creates a monitor, or calls rule with the stored one and replaces its settings by those that
	// it returns. Between the two no other caller changes it. A change of the kind of the check, of
	// Paused, or from paused begins the status anew, as pending or paused, and keeps Firing. It
	// fails as Create does, and with the error of rule.
	Set(ctx context.Context, name string, rule func(stored *Monitor) (Monitor, error)) (m Monitor, created bool, err error)
	// Monitor returns a monitor. It must return fault.ErrNotFound if there is none.
	Monitor(ctx context.Context, name string) (Monitor, error)
	// Page returns monitors, by name.
	Page(ctx context.Context, q Query) ([]Monitor, error)
	// Delete deletes a monitor with its results, and adds a notice that resolves its alert if one
	// is open. Its results may be deleted later. It must return fault.ErrNotFound if there is
	// none, and fault.ErrPrecondition if another one depends on it.
	Delete(ctx context.Context, name string, at time.Time) error
	// ChangedAfter returns the monitors whose revision is above one, and the names of those that
	// were deleted above it, with the revision that was read. A name that was deleted and created
	// again is a monitor only.
	ChangedAfter(ctx context.Context, revision int64) (changed []Monitor, deleted []string, last int64, err error)
}

// MaxMonitors is the maximum number of monitors.
const MaxMonitors = 20000

// A Query selects a page of monitors.
type Query struct {
	After  string // names above it; empty for all
	Prefix string // of names
	State  State  // 0 for any
	Limit  int    // at least 1
}

// Results stores the results of checks.
type Results interface {
	// Record stores results, and the statuses that rule returns for the stored ones, with their
	// notices. It returns the statuses in the order of results. A result of a monitor that does not
	// exist, or is not newer than the last one, is ignored, and its status is zero. rule must
	// not call the store, and may be called more than once.
	Record(ctx context.Context, results []MonitorResult, rule Rule) ([]Status, error)
	// ListResults returns results, the newest first.
	ListResults(ctx context.Context, q ResultQuery) ([]Result, error)
	// ListUptime returns the uptime of a monitor in the periods from a time on, the oldest first,
	// without those that have no results. The present period is among them.
	ListUptime(ctx context.Context, id int64, period Period, from time.Time) ([]Uptime, error)
	// Statuses returns the statuses of all monitors, by name, with Name, Title and Group of their
	// settings only.
	Statuses(ctx context.Context) ([]Monitor, error)
}

// A MonitorResult is a result to record.
type MonitorResult struct {
	ID       int64 // of the monitor
	Result   Result
	Excluded bool // it is in a maintenance window
}

// A Rule returns the status of a monitor after a result, and the notices of the change.
type Rule func(m Monitor, r Result) (Status, []Notice)

// A ResultQuery selects a page of the results of a monitor.
type ResultQuery struct {
	ID      int64
	Before  time.Time // older ones; zero for all
	From    time.Time // not older ones; zero for all
	Outcome probe.Outcome
	Limit   int // at least 1
}

// Heartbeats stores pings.
type Heartbeats interface {
	// AddPing stores a ping, and the status and the notices that rule returns, in one
	// transaction; success and fail pings are results too. At most MaxPings of a heartbeat are
	// kept, the newest. It must return fault.ErrNotFound if there is no heartbeat of the name.
	AddPing(ctx context.Context, name string, p Ping, rule func(Monitor, Ping) (Status, *Result, []Notice)) (Status, error)
	// ListPings returns pings, the newest first, older than a time that is not zero.
	ListPings(ctx context.Context, id int64, before time.Time, limit int) ([]Ping, error)
	// TakeLate calls rule with the heartbeats whose NextTime is before now, at most limit, and
	// stores what it returns. Of several processes one takes each. It returns their number, and
	// the least NextTime of the others, zero for none.
	TakeLate(ctx context.Context, now time.Time, limit int, rule Rule) (taken int, next time.Time, err error)
}

// MaxPings is the maximum number of stored pings of a heartbeat.
const MaxPings = 100

// MaintenanceWindows stores maintenance windows.
type MaintenanceWindows interface {
	// CreateWindow stores a window. It must return fault.ErrExhausted above MaxWindows that have
	// not ended.
	CreateWindow(ctx context.Context, w MaintenanceWindow, now time.Time) (MaintenanceWindow, error)
	// ListWindows returns the windows that end after a time, the latest end first.
	ListWindows(ctx context.Context, after time.Time) ([]MaintenanceWindow, error)
	// EndWindow ends a window at a time, unless it has ended. It must return fault.ErrNotFound if
	// there is none.
	EndWindow(ctx context.Context, id int64, at time.Time) error
}

// MaxWindows is the maximum number of maintenance windows that have not ended.
const MaxWindows = 500

// Notices hands out notices to be sent.
type Notices interface {
	// ClaimNotices returns notices that are due, the oldest of each monitor only, at most limit of
	// them. Nobody else gets them until the time until.
	ClaimNotices(ctx context.Context, now, until time.Time, limit int) ([]Notice, error)
	// NoticeSent deletes a notice. One that is deleted is ignored.
	NoticeSent(ctx context.Context, n Notice) error
	// DelayNotice makes a notice due at a time.
	DelayNotice(ctx context.Context, n Notice, due time.Time) error
}

// Retention deletes old rows.
type Retention interface {
	// SumUp adds the results of the hours that have ended before a time to the stored hours, as far
	// as they were not added before, for at most limit monitors, and returns whether there may be more.
	SumUp(ctx context.Context, before time.Time, limit int) (more bool, err error)
	// DeleteOld deletes results, pings and windows before results, of hours that were summed up, and
	// hours before hours, at most limit rows of each, and returns the number of rows. It may keep
	// results up to an hour and hours up to a day longer, and the last results of a monitor with its
	// status. The zero time deletes none.
	DeleteOld(ctx context.Context, results, hours time.Time, limit int) (int, error)
}

// Alerts records the alerts of notices in the alert service.
type Alerts interface {
	// Send records the alert of a notice. A notice that was recorded before is not recorded again.
	// It must return fault.ErrInvalid if the alert can never be recorded.
	Send(ctx context.Context, n Notice) error
}

// Shards are the monitors that this process runs.
type Shards interface {
	// Owns reports whether this process runs the checks of the monitor with a name now. No two
	// processes own a name at the same time.
	Owns(name string) bool
	// Changed returns a channel that is closed at the next change of the owned monitors.
	Changed() <-chan struct{}
}
