package monitor

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

const (
	// windowInterval is the time between two queries for maintenance windows, which may be created
	// by another process.
	windowInterval = 2 * time.Second
	// dependencyAge is the age up to which the status of a monitor that others depend on counts
	// without a new query, and freshAge that for a monitor that would notify.
	dependencyAge, freshAge = time.Second, 50 * time.Millisecond
)

// A ConditionTracker holds the conditions under which results are judged: the maintenance windows,
// and which monitors fail. It is safe for concurrent use.
type ConditionTracker struct {
	Store interface {
		ListWindows(ctx context.Context, after time.Time) ([]MaintenanceWindow, error)
		Monitor(ctx context.Context, name string) (Monitor, error)
	}
	Now func() time.Time
	Log *slog.Logger

	mu       sync.Mutex
	windows  []MaintenanceWindow
	statuses map[string]dependency
	// heartbeats are the names of the monitors that each heartbeat depends on.
	heartbeats map[string][]string
}

// A dependency is a monitor that others depend on, as it was stored at a time.
type dependency struct {
	monitor Monitor
	time    time.Time
}

// Run follows the maintenance windows until ctx ends.
func (t *ConditionTracker) Run(ctx context.Context) error {
	ticker := time.NewTicker(windowInterval)
	defer ticker.Stop()
	failing := false
	for {
		err := t.Refresh(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			t.Log.Warn("reading maintenance windows failed; retrying", "error", err)
		}
		failing = err != nil
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Refresh reads the maintenance windows. Run does so every 2 seconds.
func (t *ConditionTracker) Refresh(ctx context.Context) error {
	now := t.Now()
	windows, err := t.Store.ListWindows(ctx, now)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.windows = windows
	for name, d := range t.statuses {
		if now.Sub(d.time) > time.Minute {
			delete(t.statuses, name)
		}
	}
	return nil
}

// InMaintenance reports whether the monitor with a name is in a maintenance window at a time.
func (t *ConditionTracker) InMaintenance(name string, at time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.windows, func(w MaintenanceWindow) bool { return w.Contains(name, at) })
}

// Contains reports whether the monitor with a name is in the window at a time.
func (w MaintenanceWindow) Contains(name string, at time.Time) bool {
	return !at.Before(w.Start) && at.Before(w.End) && slices.ContainsFunc(w.Monitors, func(pattern string) bool {
		prefix, ok := strings.CutSuffix(pattern, "*")
		return name == pattern || ok && strings.HasPrefix(name, prefix)
	})
}

// Of returns the conditions of a failed or late result of a monitor at a time. It reads the
// statuses of the monitors that it depends on.
func (t *ConditionTracker) Of(ctx context.Context, m Monitor, at time.Time) (Conditions, error) {
	c := Conditions{Maintenance: t.InMaintenance(m.Settings.Name, at)}
	age := freshAge
	if m.Status.State == Down {
		age = dependencyAge
	}
	if err := t.load(ctx, m.Settings.DependsOn, age); err != nil {
		return c, err
	}
	c.Dependency = t.failingDependency(m)
	return c, nil
}

// follow takes over which heartbeats depend on others.
func (t *ConditionTracker) follow(changed []Monitor, deleted []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range deleted {
		delete(t.heartbeats, name)
	}
	for _, m := range changed {
		delete(t.heartbeats, m.Settings.Name)
		if isHeartbeat(m) && len(m.Settings.DependsOn) > 0 {
			if t.heartbeats == nil {
				t.heartbeats = map[string][]string{}
			}
			t.heartbeats[m.Settings.Name] = m.Settings.DependsOn
		}
	}
}

// isHeartbeat reports whether a monitor waits for pings.
func isHeartbeat(m Monitor) bool {
	return m.Settings.Check != nil && m.Settings.Check.Kind() == probe.KindHeartbeat
}

// loadHeartbeats reads the statuses of all monitors that heartbeats depend on.
func (t *ConditionTracker) loadHeartbeats(ctx context.Context) error {
	var names []string
	t.mu.Lock()
	for _, dependencies := range t.heartbeats {
		names = append(names, dependencies...)
	}
	t.mu.Unlock()
	slices.Sort(names)
	return t.load(ctx, slices.Compact(names), freshAge)
}

// loaded returns the conditions of a heartbeat that is late, by what loadHeartbeats has read.
func (t *ConditionTracker) loaded(m Monitor, at time.Time) Conditions {
	return Conditions{Maintenance: t.InMaintenance(m.Settings.Name, at), Dependency: t.failingDependency(m)}
}

// load reads the statuses of monitors that are older than an age, and of those that they depend on if
// their own is unknown.
func (t *ConditionTracker) load(ctx context.Context, names []string, age time.Duration) error {
	now := t.Now()
	for loaded := map[string]bool{}; len(names) > 0; {
		name := names[0]
		names = names[1:]
		if loaded[name] {
			continue
		}
		loaded[name] = true
		d, ok := t.status(name, now, age)
		if !ok {
			m, err := t.Store.Monitor(ctx, name)
			if err != nil && !errors.Is(err, fault.ErrNotFound) {
				return err
			}
			d = dependency{m, now}
			t.setStatus(name, d)
		}
		if d.monitor.Status.State == Unknown {
			names = append(slices.Clip(names), d.monitor.Settings.DependsOn...)
		}
	}
	return nil
}

// status returns a status that is younger than an age.
func (t *ConditionTracker) status(name string, now time.Time, age time.Duration) (dependency, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d, ok := t.statuses[name]
	return d, ok && now.Sub(d.time) < age
}

func (t *ConditionTracker) setStatus(name string, d dependency) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.statuses == nil {
		t.statuses = map[string]dependency{}
	}
	t.statuses[name] = d
}

// failingDependency returns the name of a monitor that fails and that m depends on, directly or by
// others whose state is unknown; empty for none. Those that were not loaded are left out.
func (t *ConditionTracker) failingDependency(m Monitor) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := m.Settings.DependsOn
	for seen := map[string]bool{}; len(names) > 0; {
		name := names[0]
		names = names[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		status := t.statuses[name].monitor.Status
		if status.isFailing() {
			return name
		}
		if status.State == Unknown {
			names = append(slices.Clip(names), t.statuses[name].monitor.Settings.DependsOn...)
		}
	}
	return ""
}

// isFailing reports whether the last result that counts failed, even if it takes more of them until
// the monitor is down: a monitor that depends on it then fails for the same reason.
func (s Status) isFailing() bool {
	return s.State == Down || strings.HasSuffix(counted(s.Recent), string(rune(failed)))
}
