package monitor

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

const (
	// defaultConcurrency is the maximum number of checks at a time.
	defaultConcurrency = 200
	// followInterval is the time between two queries for changed monitors.
	followInterval = time.Second
	// followTimeout is the timeout of such a query.
	followTimeout = 10 * time.Second
	// runSoonAge is how long before a failed check the last one of a dependency may have begun that
	// is not repeated.
	runSoonAge = time.Second
	// dependencyTimeout is the timeout of reading the dependencies of a monitor.
	dependencyTimeout = 2 * time.Second
)

// A Scheduler runs the checks of the monitors that this process owns, each at its own phase of its
// interval, and records the results.
//
// There are never two checks of a monitor at once, in all processes together: those that run when
// this process owns a monitor no more are canceled, and are not recorded. A check that is late by
// more than its interval is left out.
type Scheduler struct {
	Store interface {
		ChangedAfter(ctx context.Context, revision int64) (changed []Monitor, deleted []string, last int64, err error)
		Record(ctx context.Context, results []MonitorResult, rule Rule) ([]Status, error)
	}
	Runner     probe.Runner
	Shards     Shards
	Conditions *ConditionTracker // whoever runs the scheduler runs it too
	// Open returns the check of a monitor with its secrets opened; nil leaves them as they are.
	Open func(Monitor) (probe.Check, error)
	// Concurrency is the maximum number of checks at a time; 0 means 200. Checks of targets that
	// were slow take at most half of them, so that they do not delay others.
	Concurrency int
	// Notify is called after notices were stored, and OnStatus after each stored result, with the
	// status before it in the monitor. They must not block. OnStatus may be nil.
	Notify   func()
	OnStatus func(before Monitor, after Status)
	// OnResult is called with each stored result, and OnLateness with how late each check begins,
	// except for those of RunNow. They may be nil.
	OnResult   func(kind probe.Kind, outcome probe.Outcome, latency time.Duration)
	OnLateness func(late time.Duration)
	Now        func() time.Time
	Log        *slog.Logger

	prepare  sync.Once
	plan     *plan
	recorder *recorder
	follower *follower
	ended    chan struct{} // closed at the end of Run
}

// init makes the parts.
func (s *Scheduler) init() {
	s.prepare.Do(func() {
		concurrency := s.Concurrency
		if concurrency == 0 {
			concurrency = defaultConcurrency
		}
		s.plan = newPlan(concurrency, s.Shards.Owns)
		s.recorder = &recorder{scheduler: s, added: make(chan struct{}, 1)}
		s.follower = &follower{scheduler: s, refresh: make(chan chan struct{})}
		s.ended = make(chan struct{})
	})
}

// Run runs checks until ctx ends. It then cancels those that run, and stores the results of those
// that have ended. It must run once.
func (s *Scheduler) Run(ctx context.Context) error {
	s.init()
	recording, stopRecording := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRecording()
	var parts, checks sync.WaitGroup
	parts.Go(func() { s.follower.run(ctx) })
	parts.Go(func() { s.recorder.run(recording) })
	s.dispatch(ctx, &checks)
	checks.Wait()
	stopRecording()
	parts.Wait()
	close(s.ended)
	return nil
}

// RunNow runs the check of a monitor and returns its result, which is recorded. It returns
// fault.ErrNotFound if there is no monitor of the name, fault.ErrPrecondition if it has no
// check to run, or this process does not own it, and fault.ErrUnavailable at the end of Run.
func (s *Scheduler) RunNow(ctx context.Context, name string) (Result, error) {
	s.init()
	if err := s.follower.refreshNow(ctx, s.ended); err != nil { // it runs with the settings that are stored now
		return Result{}, err
	}
	done, known := s.plan.runNow(name)
	if !known {
		return Result{}, fault.NotFoundf("no monitor has the name %s", name)
	}
	select {
	case r := <-done:
		return r.result, r.err
	case <-s.ended:
		return Result{}, errStopped
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

var errStopped = fault.Unavailablef("the monitor service is stopping; try again")

// dispatch begins the checks that are due, until ctx ends.
func (s *Scheduler) dispatch(ctx context.Context, checks *sync.WaitGroup) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	changed := s.Shards.Changed()
	for {
		starts, wait := s.plan.next(s.Now())
		for _, start := range starts {
			checks.Go(func() { s.run(ctx, start) })
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-s.plan.changed:
		case <-changed:
			changed = s.Shards.Changed()
			s.plan.reassign(s.Now())
		case <-ctx.Done():
			return
		}
	}
}

// run runs a check, and hands its result to the recorder.
func (s *Scheduler) run(ctx context.Context, start start) {
	begin := s.Now()
	if s.OnLateness != nil && !start.due.IsZero() {
		s.OnLateness(max(begin.Sub(start.due), 0))
	}
	m := start.monitor
	ctx, cancel := context.WithTimeout(ctx, m.Settings.Timeout)
	defer cancel()
	var finding probe.Finding
	if s.plan.began(start.entry, cancel) {
		finding = s.check(ctx, m)
	} else {
		cancel()
	}
	end := s.Now()
	s.plan.ended(start.entry, end.Sub(begin))
	if errors.Is(ctx.Err(), context.Canceled) { // the process ends, or does not own the monitor any more
		s.plan.dropped(start.entry, end, errNotOwned)
		return
	}
	r := Result{Time: begin.UTC().Truncate(time.Microsecond), Latency: end.Sub(begin), Finding: finding}
	s.recorder.add(checkResult{start: start, result: r, conditions: s.conditions(ctx, m, r)})
}

// check runs the check of a monitor.
func (s *Scheduler) check(ctx context.Context, m Monitor) probe.Finding {
	check := m.Settings.Check
	if s.Open != nil {
		opened, err := s.Open(m)
		if err != nil {
			if m.Status.State != Unknown { // once, and not with each check
				s.Log.Error("opening the secrets of a monitor failed", "monitor", m.Settings.Name, "error", err)
			}
			return probe.Finding{Outcome: probe.Unknown, Message: "its secrets cannot be opened: set them again"}
		}
		check = opened
	}
	return s.Runner.Run(ctx, check)
}

// conditions returns the conditions of a result. It runs the checks of the dependencies of a
// monitor that begins to fail at once, so that the next failure is judged by their results.
func (s *Scheduler) conditions(ctx context.Context, m Monitor, r Result) Conditions {
	if r.Outcome == probe.Passed || len(m.Settings.DependsOn) == 0 {
		return Conditions{Maintenance: s.Conditions.InMaintenance(m.Settings.Name, r.Time)}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dependencyTimeout)
	defer cancel()
	c, err := s.Conditions.Of(ctx, m, s.Now())
	if err != nil {
		s.Log.Warn("reading the dependencies of a monitor failed: its result is judged without them", "monitor", m.Settings.Name, "error", err)
	}
	if c.Dependency == "" && m.Status.State != Down {
		s.plan.runSoon(m.Settings.DependsOn, r.Time.Add(-runSoonAge))
	}
	return c
}
