package monitor_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/lease"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
	"github.com/bongsu-project/bongsu/services/monitor/store"
)

// Targets are the targets of TCP checks, by their addresses. They implement probe.Runner.
type targets struct {
	mu      sync.Mutex
	begins  map[string][]time.Time
	running map[string]int
	latency map[string]time.Duration
	down    map[string]bool
	twice   []string // targets that were checked twice at once
}

func newTargets() *targets {
	return &targets{begins: map[string][]time.Time{}, running: map[string]int{}, latency: map[string]time.Duration{}, down: map[string]bool{}}
}

// Run implements probe.Runner.
func (r *targets) Run(ctx context.Context, c probe.Check) probe.Finding {
	address := c.(*probe.TCP).Address
	latency, down := r.begin(address)
	defer r.end(address)
	if latency > 0 {
		select {
		case <-time.After(latency):
		case <-ctx.Done():
			return probe.Finding{Outcome: probe.Failed, Message: "timeout"}
		}
	}
	if down {
		return probe.Finding{Outcome: probe.Failed, Message: "connection refused"}
	}
	return probe.Finding{Outcome: probe.Passed}
}

func (r *targets) begin(address string) (latency time.Duration, down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begins[address] = append(r.begins[address], time.Now())
	r.running[address]++
	if r.running[address] > 1 {
		r.twice = append(r.twice, address)
	}
	return r.latency[address], r.down[address]
}

func (r *targets) end(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running[address]--
}

func (r *targets) set(address string, down bool, latency time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down[address], r.latency[address] = down, latency
}

// checks returns when the checks of a target began.
func (r *targets) checks(address string) []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.begins[address])
}

// A process is a monitor service with a store.
type process struct {
	store   *store.Store
	targets *targets
	shards  monitor.Shards
	*monitor.Scheduler
	lateness *latenesses
	notified *atomic.Int64
	stop     func() // ends Run, and waits for it
}

// A latenesses are how late checks began.
type latenesses struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latenesses) add(late time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, late)
}

// percentile returns the lateness below which a share of the checks began, and their number.
func (l *latenesses) percentile(p float64) (late time.Duration, of int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.all)
	if len(l.all) == 0 {
		return 0, 0
	}
	return l.all[int(p*float64(len(l.all)-1))], len(l.all)
}

// inBubble runs a test with a store, in fake time.
func inBubble(t *testing.T, test func(t *testing.T, p *process)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "monitor.db")
	synctest.Test(t, func(t *testing.T) { test(t, newProcess(t, path)) })
}

func newProcess(t testing.TB, path string) *process {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	kittest.NoError(t, err)
	t.Cleanup(func() { kittest.NoError(t, s.Close()) })
	return &process{store: s, targets: newTargets(), shards: lease.All{}}
}

// run begins to run the scheduler.
func (p *process) run(t testing.TB) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	p.lateness, p.notified = &latenesses{}, &atomic.Int64{}
	conditions := &monitor.ConditionTracker{Store: p.store, Now: time.Now, Log: log}
	p.Scheduler = &monitor.Scheduler{
		Store: p.store, Runner: p.targets, Shards: p.shards, Conditions: conditions,
		Notify: func() { p.notified.Add(1) }, OnLateness: p.lateness.add, Now: time.Now, Log: log,
	}
	p.start(t, conditions.Run, p.Scheduler.Run)
}

// start runs parts until stop.
func (p *process) start(t testing.TB, parts ...func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var all sync.WaitGroup
	for _, part := range parts {
		all.Go(func() { kittest.NoError(t, part(ctx)) })
	}
	p.stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
	})
	t.Cleanup(p.stop)
}

// create creates a monitor of the target of its name that is checked every 10 s.
func (p *process) create(t testing.TB, name string, change func(*monitor.Settings)) monitor.Monitor {
	t.Helper()
	m := monitor.Monitor{Settings: monitor.Settings{
		Name: name, Interval: 10 * time.Second, Timeout: 5 * time.Second, Failures: 2, Window: 2, Recoveries: 2,
		Severity: "critical", Targets: []string{"@kim"}, Check: &probe.TCP{Address: name},
	}}
	if change != nil {
		change(&m.Settings)
	}
	m, err := p.store.Create(context.WithoutCancel(t.Context()), m)
	kittest.NoError(t, err)
	return m
}

// replace replaces the settings of the monitor web.
func (p *process) replace(t *testing.T, change func(*monitor.Settings)) {
	t.Helper()
	_, _, err := p.store.Set(t.Context(), "web", func(stored *monitor.Monitor) (monitor.Monitor, error) {
		m := *stored
		change(&m.Settings)
		return m, nil
	})
	kittest.NoError(t, err)
}

// state returns the stored state of a monitor.
func (p *process) state(t *testing.T, name string) string {
	t.Helper()
	m, err := p.store.Monitor(t.Context(), name)
	kittest.NoError(t, err)
	return stateNames[m.Status.State]
}

// results returns the outcomes of the stored results of a monitor, the oldest first.
func (p *process) results(t *testing.T, m monitor.Monitor) (outcomes string) {
	t.Helper()
	results, err := p.store.ListResults(t.Context(), monitor.ResultQuery{ID: m.ID, Limit: 1000})
	kittest.NoError(t, err)
	slices.Reverse(results)
	for _, r := range results {
		outcomes += map[probe.Outcome]string{probe.Passed: "p", probe.Failed: "f", probe.Unknown: "u"}[r.Outcome]
	}
	return outcomes
}

// sent takes the stored notices, and returns which monitors they are of: with ! for a firing one.
func (p *process) sent(t *testing.T) (sent []string) {
	t.Helper()
	for {
		notices, err := p.store.ClaimNotices(t.Context(), time.Now(), time.Now().Add(time.Minute), 100)
		kittest.NoError(t, err)
		if len(notices) == 0 {
			return sent
		}
		for _, n := range notices {
			sent = append(sent, n.Monitor+map[bool]string{false: "!", true: ""}[n.Resolved])
			kittest.NoError(t, p.store.NoticeSent(t.Context(), n))
		}
	}
}

// pass lets time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestSchedule checks that monitors are checked in fixed intervals, spread over these, at the same
// times after a restart, and that none is late.
func TestSchedule(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		const count = 200
		for i := range count {
			p.create(t, fmt.Sprint("m", i), nil)
		}
		p.run(t)
		pass(time.Minute)
		p.stop()
		before := p.targets.checks("m7")
		pass(90 * time.Second)
		p.targets = newTargets()
		p.run(t)
		pass(time.Minute)

		after := p.targets.checks("m7")
		kittest.Equal(t, len(before) >= 6 && len(after) >= 6, true)
		seconds := make([]int, 10)
		for i := range count {
			begins := p.targets.checks(fmt.Sprint("m", i))
			last := begins[len(begins)-1]
			seconds[last.Unix()%10]++
			for j := 2; j < len(begins); j++ {
				kittest.Equal(t, begins[j].Sub(begins[j-1]), 10*time.Second)
			}
		}
		kittest.Equal(t, after[len(after)-1].Sub(before[len(before)-1])%(10*time.Second), time.Duration(0))
		for _, n := range seconds {
			if n < count/20 || n > count/5 {
				t.Errorf("checks in each second of the interval: %v", seconds)
				break
			}
		}
		late, of := p.lateness.percentile(1)
		if late != 0 || of < 5*count {
			t.Errorf("%d checks began up to %s late", of, late)
		}
	})
}

// TestFirstCheck checks that a new monitor, and one whose check was missed, are checked soon.
func TestFirstCheck(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		daily := func(s *monitor.Settings) { s.Interval = 24 * time.Hour }
		p.create(t, "old", daily)
		p.run(t)
		pass(time.Second)
		p.create(t, "new", daily)
		pass(12 * time.Second)
		kittest.Equal(t, []int{len(p.targets.checks("old")), len(p.targets.checks("new"))}, []int{1, 1})
		pass(23 * time.Hour)
		p.stop()
		pass(3 * time.Hour)
		p.run(t)
		pass(11 * time.Second)
		if len(p.targets.checks("new")) < 2 {
			t.Error("a missed check is not made up for")
		}
	})
}

// TestStates checks the states, notices and results of a target that fails and recovers.
func TestStates(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		m := p.create(t, "web", nil)
		p.run(t)
		pass(15 * time.Second)
		kittest.Equal(t, p.state(t, "web"), "up")
		p.targets.set("web", true, 0)
		pass(20 * time.Second)
		kittest.Equal(t, p.state(t, "web"), "down")
		kittest.Equal(t, p.sent(t), []string{"web!"})
		kittest.Equal(t, p.notified.Load(), int64(1))
		pass(20 * time.Second)
		p.targets.set("web", false, 0)
		pass(20 * time.Second)
		kittest.Equal(t, p.state(t, "web"), "up")
		kittest.Equal(t, p.sent(t), []string{"web"})
		stored, err := p.store.Monitor(t.Context(), "web")
		kittest.NoError(t, err)
		checks := p.targets.checks("web")
		kittest.Equal(t, stored.Status.NextTime.Equal(checks[len(checks)-1].Add(10*time.Second).Truncate(time.Microsecond)), true)
		kittest.Equal(t, len(p.results(t, m)), len(checks))
	})
}

// TestTimeout checks that a check ends with its timeout, and that its result counts.
func TestTimeout(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		m := p.create(t, "web", nil)
		p.targets.set("web", false, time.Hour)
		p.run(t)
		pass(35 * time.Second)
		kittest.Equal(t, p.state(t, "web"), "down")
		results, err := p.store.ListResults(t.Context(), monitor.ResultQuery{ID: m.ID, Limit: 1})
		kittest.NoError(t, err)
		kittest.Equal(t, results[0].Latency, 5*time.Second)
	})
}

// TestSlowTargets checks that slow targets delay others by little.
func TestSlowTargets(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		for i := range 400 {
			p.create(t, fmt.Sprint("slow", i), nil)
			p.targets.set(fmt.Sprint("slow", i), false, 5*time.Second)
		}
		for i := range 100 {
			p.create(t, fmt.Sprint("fast", i), nil)
			p.targets.set(fmt.Sprint("fast", i), false, 5*time.Millisecond)
		}
		p.run(t)
		pass(time.Minute)
		for i := range 100 {
			begins := p.targets.checks(fmt.Sprint("fast", i))
			begins = begins[len(begins)-2:]
			if gap := begins[1].Sub(begins[0]); gap < 9*time.Second || gap > 11*time.Second {
				t.Errorf("the checks of fast%d began %s apart", i, gap)
			}
		}
		kittest.Equal(t, len(p.targets.twice), 0)
	})
}

// TestRunNow checks the result of a check out of turn, and that there are never two at once.
func TestRunNow(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		p.create(t, "old", func(s *monitor.Settings) { s.Interval = time.Hour })
		p.create(t, "paused", func(s *monitor.Settings) { s.Paused = true })
		p.create(t, "job", func(s *monitor.Settings) { s.Interval, s.Check = 0, &probe.Heartbeat{Period: time.Hour} })
		p.run(t)
		pass(time.Minute)
		m := p.create(t, "web", nil)
		p.targets.set("web", true, 3*time.Second)
		r, err := p.RunNow(t.Context(), "web") // before the next look for changed monitors
		kittest.NoError(t, err)
		kittest.Equal(t, fmt.Sprint(r.Outcome, r.Message, r.Latency, stateNames[r.State]), fmt.Sprint(probe.Failed, "connection refused", 3*time.Second, "pending"))
		kittest.Equal(t, p.results(t, m), "f")

		errs := kittest.Concurrently(5, func(int) error {
			_, err := p.RunNow(t.Context(), "web")
			return err
		})
		kittest.Equal(t, errs, make([]error, 5))
		kittest.Equal(t, len(p.targets.twice), 0)
		if n := len(p.targets.checks("web")); n > 4 {
			t.Errorf("%d checks, want that those at once share some", n)
		}

		r, err = p.RunNow(t.Context(), "paused")
		kittest.NoError(t, err)
		kittest.Equal(t, r.State, monitor.Paused)
		pass(time.Minute)
		kittest.Equal(t, len(p.targets.checks("paused")), 1)

		kittest.Error(t, kittest.ErrorOf(p.RunNow(t.Context(), "none")), fault.ErrNotFound, "none")
		kittest.Error(t, kittest.ErrorOf(p.RunNow(t.Context(), "job")), fault.ErrPrecondition, "heartbeat")

		stopped := make(chan error, 1)
		go func() {
			_, err := p.RunNow(t.Context(), "web")
			stopped <- err
		}()
		pass(time.Second)
		p.stop()
		kittest.Equal(t, <-stopped != nil, true)
		kittest.Error(t, kittest.ErrorOf(p.RunNow(t.Context(), "web")), fault.ErrUnavailable)
	})
}

// TestChanges checks that changed, paused and deleted monitors are followed.
func TestChanges(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		p.create(t, "web", nil)
		p.run(t)
		pass(30 * time.Second)
		p.replace(t, func(s *monitor.Settings) { s.Check = &probe.TCP{Address: "other"} })
		pass(2 * time.Second)
		old := len(p.targets.checks("web"))
		pass(30 * time.Second)
		kittest.Equal(t, []int{len(p.targets.checks("web")), len(p.targets.checks("other"))}, []int{old, 3})
		p.replace(t, func(s *monitor.Settings) { s.Paused = true })
		pass(time.Minute)
		kittest.Equal(t, len(p.targets.checks("other")), 3)
		kittest.Equal(t, p.state(t, "web"), "paused")
		p.replace(t, func(s *monitor.Settings) { s.Paused = false })
		pass(12 * time.Second)
		kittest.Equal(t, p.state(t, "web"), "up")
		kittest.NoError(t, p.store.Delete(t.Context(), "web", time.Now()))
		pass(2 * time.Second)
		n := len(p.targets.checks("other"))
		pass(time.Minute)
		kittest.Equal(t, len(p.targets.checks("other")), n)
	})
}

// TestResultOfFormerSettings checks that the result of a check that began before its settings
// changed does not count.
func TestResultOfFormerSettings(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		p.create(t, "web", func(s *monitor.Settings) { s.Failures, s.Window = 1, 1 })
		p.targets.set("web", true, 4*time.Second)
		p.run(t)
		for len(p.targets.checks("web")) == 0 {
			pass(100 * time.Millisecond)
		}
		p.replace(t, func(s *monitor.Settings) { s.Check = &probe.TCP{Address: "other"} })
		pass(5 * time.Second)
		kittest.Equal(t, p.state(t, "web"), "pending")
		pass(10 * time.Second)
		kittest.Equal(t, p.state(t, "web"), "up")
		kittest.Equal(t, p.sent(t), []string(nil))
	})
}

// TestDependencies checks that a monitor is unknown while one that it depends on fails, also if it
// is checked first, and that only the other one notifies.
func TestDependencies(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		p.create(t, "router", func(s *monitor.Settings) { s.Interval = time.Minute })
		p.create(t, "switch", func(s *monitor.Settings) { s.DependsOn = []string{"router"} })
		m := p.create(t, "web", func(s *monitor.Settings) { s.DependsOn = []string{"switch"} })
		p.run(t)
		pass(65 * time.Second)
		for _, name := range []string{"router", "switch", "web"} {
			p.targets.set(name, true, 0)
		}
		pass(3 * time.Minute)
		kittest.Equal(t, p.state(t, "router")+" "+p.state(t, "switch")+" "+p.state(t, "web"), "down unknown unknown")
		kittest.Equal(t, p.sent(t), []string{"router!"})
		p.targets.set("router", false, 0)
		p.targets.set("switch", false, 0)
		pass(3 * time.Minute)
		kittest.Equal(t, p.state(t, "router")+" "+p.state(t, "switch")+" "+p.state(t, "web"), "up up down")
		sent := p.sent(t)
		slices.Sort(sent)
		kittest.Equal(t, sent, []string{"router", "web!"})
		results := p.results(t, m)
		kittest.Equal(t, slices.Contains([]byte(results), 'u'), true)
	})
}

// TestMaintenance checks that a failure in a maintenance window notifies nobody until its end, also
// of monitors that are checked seldom.
func TestMaintenance(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		p.create(t, "web", nil)
		p.create(t, "web2", func(s *monitor.Settings) { s.Interval = time.Hour; s.Failures, s.Window = 1, 1 })
		p.run(t)
		pass(15 * time.Second)
		_, err := p.store.CreateWindow(t.Context(), monitor.MaintenanceWindow{
			Monitors: []string{"web*"}, Start: time.Now(), End: time.Now().Add(70 * time.Minute), Reason: "move",
		}, time.Now())
		kittest.NoError(t, err)
		p.targets.set("web", true, 0)
		p.targets.set("web2", true, 0)
		pass(69 * time.Minute)
		kittest.Equal(t, p.state(t, "web")+" "+p.state(t, "web2"), "maintenance maintenance")
		kittest.Equal(t, p.sent(t), []string(nil))
		pass(80 * time.Second)
		kittest.Equal(t, p.state(t, "web")+" "+p.state(t, "web2"), "down down")
		sent := p.sent(t)
		slices.Sort(sent)
		kittest.Equal(t, sent, []string{"web!", "web2!"})
	})
}

// An ownership is what a process owns.
type ownership struct {
	mu      sync.Mutex
	none    bool
	changed chan struct{}
}

// Owns implements monitor.Shards.
func (o *ownership) Owns(string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.none
}

// Changed implements monitor.Shards.
func (o *ownership) Changed() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.changed
}

func (o *ownership) set(owns bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.none = !owns
	close(o.changed)
	o.changed = make(chan struct{})
}

// TestLostShard checks that a check is canceled and not recorded when the process does not own its
// monitor any more, and runs soon when it owns it again.
func TestLostShard(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		shards := &ownership{changed: make(chan struct{})}
		p.shards = shards
		m := p.create(t, "web", nil)
		p.targets.set("web", false, 4*time.Second)
		p.run(t)
		for len(p.targets.checks("web")) == 0 {
			pass(100 * time.Millisecond)
		}
		waiting := make(chan error, 1)
		go func() {
			_, err := p.RunNow(t.Context(), "web")
			waiting <- err
		}()
		synctest.Wait()
		shards.set(false)
		synctest.Wait()
		kittest.Equal(t, p.targets.running["web"], 0)
		kittest.Error(t, <-waiting, fault.ErrPrecondition)
		pass(time.Minute)
		kittest.Equal(t, len(p.targets.checks("web")), 1)
		kittest.Equal(t, p.results(t, m), "")
		kittest.Error(t, kittest.ErrorOf(p.RunNow(t.Context(), "web")), fault.ErrPrecondition, "another process")

		shards.set(true)
		pass(15 * time.Second)
		kittest.Equal(t, p.results(t, m) != "", true)

		// A result that waits for its batch is not stored either.
		p.targets.set("web", false, 0)
		results := p.results(t, m)
		for n := len(p.targets.checks("web")); len(p.targets.checks("web")) == n; {
			pass(10 * time.Millisecond)
		}
		shards.set(false)
		pass(time.Minute)
		kittest.Equal(t, p.results(t, m), results)
	})
}

// An outage is a store that does not store results while it is away, or some at all.
type outage struct {
	*store.Store
	away    atomic.Bool
	refuses atomic.Int64 // the id of a monitor
}

// Record implements monitor.Results.
func (s *outage) Record(ctx context.Context, results []monitor.MonitorResult, rule monitor.Rule) ([]monitor.Status, error) {
	if s.away.Load() {
		return nil, fault.Unavailablef("away")
	}
	for _, r := range results {
		if r.ID == s.refuses.Load() {
			return nil, fault.Invalidf("refused")
		}
	}
	return s.Store.Record(ctx, results, rule)
}

// TestStoreAway checks that results are stored after an outage of the store, that checks go on then,
// and that a result that is refused keeps no other one from being stored.
func TestStoreAway(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		s := &outage{Store: p.store}
		one, two := p.create(t, "one", nil), p.create(t, "two", nil)
		log := slog.New(slog.DiscardHandler)
		conditions := &monitor.ConditionTracker{Store: s, Now: time.Now, Log: log}
		p.Scheduler = &monitor.Scheduler{
			Store: s, Runner: p.targets, Shards: lease.All{}, Conditions: conditions, Notify: func() {}, Now: time.Now, Log: log,
		}
		p.start(t, conditions.Run, p.Scheduler.Run)
		s.away.Store(true)
		pass(time.Minute)
		kittest.Equal(t, p.results(t, one)+" "+p.results(t, two), " ")
		kittest.Equal(t, []int{len(p.targets.checks("one")), len(p.targets.checks("two"))}, []int{1, 1})
		s.away.Store(false)
		pass(5 * time.Second)
		kittest.Equal(t, p.results(t, one)[0:1]+" "+p.results(t, two)[0:1], "p p")

		s.refuses.Store(one.ID)
		n, m := len(p.results(t, one)), len(p.results(t, two))
		pass(30 * time.Second)
		kittest.Equal(t, len(p.results(t, one)), n)
		kittest.Equal(t, len(p.results(t, two)), m+3)
	})
}

// TestStop checks that the results of checks that have ended are stored when the process ends, and
// those of others are not.
func TestStop(t *testing.T) {
	inBubble(t, func(t *testing.T, p *process) {
		web, slow := p.create(t, "web", nil), p.create(t, "slow", nil)
		p.targets.set("slow", false, 4*time.Second)
		p.run(t)
		for len(p.targets.checks("web")) == 0 {
			pass(10 * time.Millisecond)
		}
		begin := time.Now()
		p.stop()
		kittest.Equal(t, time.Since(begin) < time.Second, true)
		kittest.Equal(t, p.results(t, web)+" "+p.results(t, slow), "p ")
	})
}

// TestLateness checks with a real clock that of 1,000 checks a second, each of which takes 5 ms, 99 of
// 100 begin within a second.
func TestLateness(t *testing.T) {
	measureLateness(t, 1000, time.Second, 4*time.Second)
}

// BenchmarkLateness runs 10,000 monitors each 10 s.
func BenchmarkLateness(b *testing.B) {
	for b.Loop() {
		measureLateness(b, 10000, 10*time.Second, 40*time.Second)
	}
}

func measureLateness(t testing.TB, monitors int, interval, duration time.Duration) {
	p := newProcess(t, filepath.Join(t.TempDir(), "monitor.db"))
	for i := range monitors {
		name := fmt.Sprint("m", i)
		p.create(t, name, func(s *monitor.Settings) { s.Interval, s.Timeout = interval, interval })
		p.targets.set(name, false, 5*time.Millisecond)
	}
	p.run(t)
	time.Sleep(duration)
	p.stop()
	late, of := p.lateness.percentile(0.99)
	t.Logf("%d monitors each %s: %d checks, lateness p99 %s", monitors, interval, of, late.Round(time.Microsecond))
	if late > time.Second || of < int(float64(monitors)*duration.Seconds()/interval.Seconds()*0.7) {
		t.Errorf("%d checks, of which 99 of 100 began within %s", of, late)
	}
}
