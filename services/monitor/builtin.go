package monitor

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

const (
	// builtInInterval is the maximum time between two comparisons of built-in monitors with the
	// registered instances and the values.
	builtInInterval = 15 * time.Second
	// goneAfter is how long an instance must have left the registry before its monitor is deleted: the
	// registry of a process that starts is not complete at once.
	goneAfter = time.Minute
	// maxName is the maximum length of the name of a monitor.
	maxName = 100
)

// The settings of built-in monitors that were not set otherwise.
const (
	instanceInterval = 10 * time.Second
	systemInterval   = 30 * time.Second
	builtInTimeout   = 5 * time.Second
)

// systemLimits holds the default limit of each value of Bongsu itself.
var systemLimits = map[probe.SystemValue]float64{
	probe.OldestDue:       300, // seconds
	probe.StuckDeliveries: 0,
	probe.DeadLetters:     0,
	probe.QueueProblems:   0,
	probe.LedgerLatency:   1, // seconds
	probe.DiskUse:         90,
	probe.CertificateDays: 14,
	probe.SealKeyAge:      365,
}

// requiredValues are the values that every Bongsu has, in some process: while no process is known that
// has one, its monitor is unknown.
var requiredValues = map[probe.SystemValue]bool{probe.OldestDue: true, probe.StuckDeliveries: true, probe.LedgerLatency: true, probe.DiskUse: true}

// A Registry lists the registered instances, and takes reports of those that fail.
type Registry interface {
	// IDs returns the ids of the instances that are registered now.
	IDs() []string
	// Changed returns a channel that is closed when IDs may change next.
	Changed() <-chan struct{}
	// ReportFailing makes an instance failing for every process, until ReportServing.
	ReportFailing(ctx context.Context, id, reason string) error
	ReportServing(ctx context.Context, id string) error
}

// A BuiltInConfig is the configuration of built-in monitors.
type BuiltInConfig struct {
	Monitors Monitors
	Shards   Shards
	Registry Registry
	Values   interface {
		// Has reports whether a process of this Bongsu has a value.
		Has(ctx context.Context, v probe.SystemValue) bool
	}
	Targets []string // of monitors that are created
	// Notify is called after notices were stored. It must not block.
	Notify func()
	Now    func() time.Time
	Log    *slog.Logger
}

// BuiltIns keep a monitor for each registered instance and each value of Bongsu itself, and report to
// the registry which instances fail. Of several processes, the one that runs a monitor keeps it.
type BuiltIns struct {
	BuiltInConfig

	gone map[string]time.Time // when the instances of monitors were first missing, by the name of the monitor

	mu      sync.Mutex
	reports map[string]*instanceReport // by the id of the instance
	changed chan struct{}              // has a value if there may be something to report
}

// An instanceReport is a report about an instance for the registry.
type instanceReport struct {
	reason string // why it fails; empty while it serves
	sent   bool   // it was reported as failing
}

// NewBuiltIns returns the built-in monitors of a process.
func NewBuiltIns(c BuiltInConfig) *BuiltIns {
	return &BuiltIns{BuiltInConfig: c, reports: map[string]*instanceReport{}, changed: make(chan struct{}, 1)}
}

// Run runs until ctx ends.
func (b *BuiltIns) Run(ctx context.Context) error {
	failing := false
	for {
		registered, owned := b.Registry.Changed(), b.Shards.Changed()
		err := errors.Join(b.sync(ctx), b.report(ctx))
		if err != nil && !failing && ctx.Err() == nil {
			b.Log.Warn("built-in monitors cannot be kept; retrying", "error", err)
		}
		failing = err != nil
		timer := time.NewTimer(builtInInterval)
		for waiting := true; waiting; {
			select {
			case <-b.changed:
				if err := b.report(ctx); err != nil && ctx.Err() == nil {
					b.Log.Warn("reports of instances failed; retrying", "error", err)
				}
			case <-registered:
				waiting = false
			case <-owned:
				waiting = false
			case <-timer.C:
				waiting = false
			case <-ctx.Done():
				return nil
			}
		}
		timer.Stop()
	}
}

// sync creates the monitors that are missing, and deletes those of instances that are gone.
func (b *BuiltIns) sync(ctx context.Context) error {
	stored, err := b.stored(ctx)
	if err != nil {
		return err
	}
	var errs []error
	registered := map[string]bool{}
	for _, id := range b.Registry.IDs() {
		name := instanceName(id)
		registered[name] = true
		if _, ok := stored[name]; !ok {
			errs = append(errs, b.create(ctx, b.newMonitor(name, instanceInterval, &probe.Instance{ID: id})))
		}
	}
	for _, value := range slices.Sorted(maps.Keys(systemLimits)) {
		name := systemPrefix + value.String()
		if _, ok := stored[name]; !ok && b.Shards.Owns(name) && (requiredValues[value] || b.Values.Has(ctx, value)) {
			errs = append(errs, b.create(ctx, b.newMonitor(name, systemInterval, &probe.System{Value: value, Limit: systemLimits[value]})))
		}
	}
	errs = append(errs, b.deleteGone(ctx, stored, registered))
	return errors.Join(errs...)
}

// stored returns the built-in monitors by name.
func (b *BuiltIns) stored(ctx context.Context) (map[string]Monitor, error) {
	all := map[string]Monitor{}
	for _, prefix := range []string{instancePrefix, systemPrefix} {
		for after := ""; ; {
			page, err := b.Monitors.Page(ctx, Query{Prefix: prefix, After: after, Limit: resealPage})
			if err != nil {
				return nil, err
			}
			for _, m := range page {
				after = m.Settings.Name
				all[after] = m
			}
			if len(page) < resealPage {
				break
			}
		}
	}
	return all, nil
}

// newMonitor returns a built-in monitor.
func (b *BuiltIns) newMonitor(name string, interval time.Duration, check probe.Check) Monitor {
	now := b.Now().UTC().Truncate(time.Microsecond)
	return Monitor{BuiltIn: true, CreateTime: now, UpdateTime: now, Settings: Settings{
		Name: name, Interval: interval, Timeout: builtInTimeout, Failures: defaultResults, Window: defaultResults, Recoveries: defaultResults,
		Severity: defaultSeverity, Targets: b.Targets, Check: check,
	}}
}

// create stores a monitor that this process runs. One that another process created is left.
func (b *BuiltIns) create(ctx context.Context, m Monitor) error {
	if !b.Shards.Owns(m.Settings.Name) {
		return nil
	}
	if _, err := b.Monitors.Create(ctx, m); err != nil && !errors.Is(err, fault.ErrExists) {
		return err
	}
	return nil
}

// deleteGone deletes the monitors of instances that have left the registry.
func (b *BuiltIns) deleteGone(ctx context.Context, stored map[string]Monitor, registered map[string]bool) error {
	now := b.Now()
	gone := map[string]time.Time{}
	var errs []error
	for name, m := range stored {
		if !m.BuiltIn || !strings.HasPrefix(name, instancePrefix) || registered[name] || !b.Shards.Owns(name) {
			continue
		}
		since, ok := b.gone[name]
		if !ok {
			since = now
		}
		gone[name] = since
		if now.Sub(since) < goneAfter {
			continue
		}
		if err := b.Monitors.Delete(ctx, name, now.UTC().Truncate(time.Microsecond)); err != nil && !errors.Is(err, fault.ErrNotFound) && !errors.Is(err, fault.ErrPrecondition) {
			errs = append(errs, err)
			continue
		}
		delete(gone, name)
		b.Notify()
	}
	b.gone = gone
	return errors.Join(errs...)
}

// instanceName returns the name of the monitor of an instance.
func instanceName(id string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '-'
	}, strings.ToLower(id))
	name := instancePrefix + clean
	return strings.TrimRight(name[:min(len(name), maxName)], "-_.")
}

// Observe takes the status of a monitor after a result. It does not block.
func (b *BuiltIns) Observe(m Monitor, s Status) {
	check, ok := m.Settings.Check.(*probe.Instance)
	if !ok || !m.BuiltIn || s.State == Pending || s.State == Unknown { // the last report stays
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	report := b.reports[check.ID]
	if report == nil {
		report = &instanceReport{}
		b.reports[check.ID] = report
	}
	report.reason = ""
	if s.State == Down {
		report.reason = cmp.Or(s.Reason, "its check fails")
	}
	if report.sent != (report.reason != "") {
		select {
		case b.changed <- struct{}{}:
		default:
		}
	}
}

// report reports to the registry which instances fail, and which serve again. Instances whose monitors
// another process runs are reported by that one.
func (b *BuiltIns) report(ctx context.Context) error {
	b.mu.Lock()
	due := map[string]string{}
	for id, r := range b.reports {
		if !b.Shards.Owns(instanceName(id)) {
			r.reason = ""
		}
		if r.sent != (r.reason != "") {
			due[id] = r.reason
		} else if !r.sent {
			delete(b.reports, id)
		}
	}
	b.mu.Unlock()
	var errs []error
	for id, reason := range due {
		err := b.reportOne(ctx, id, reason)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		b.mu.Lock()
		if r := b.reports[id]; r != nil {
			r.sent = reason != ""
		}
		b.mu.Unlock()
	}
	return errors.Join(errs...)
}

func (b *BuiltIns) reportOne(ctx context.Context, id, reason string) error {
	if reason == "" {
		return b.Registry.ReportServing(ctx, id)
	}
	return b.Registry.ReportFailing(ctx, id, reason)
}
