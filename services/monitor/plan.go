package monitor

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// slowLatency is the latency from which a target is slow.
	slowLatency = time.Second
	// firstTime is the time within which a monitor is checked that was never checked, or not for
	// longer than its interval.
	firstTime = 10 * time.Second
	// maxWait is the maximum time between two evaluations of the plan.
	maxWait = time.Minute
	// longInterval is the interval from which a monitor is checked at the end of a maintenance
	// window, and not only in its turn.
	longInterval = time.Minute
)

// A plan holds when which monitor is checked. It is safe for concurrent use.
type plan struct {
	owns    func(name string) bool
	changed chan struct{} // buffers one notification of a check that is due earlier than planned

	mu      sync.Mutex
	entries map[string]*entry // of all monitors, by name
	due     dueHeap           // the waiting entries
	// fast are the entries that are ready, in their order, and slow those of slow targets. Both may
	// hold some that are not ready any more.
	fast, slow []*entry
	// free is the number of checks that may begin, and slowFree that of slow targets among them.
	free, slowFree int
}

// An entry is a monitor in the plan. The mutex of the plan guards it.
type entry struct {
	monitor Monitor
	owned   bool
	stage   stage
	due     time.Time // when it is or was due; zero if it runs out of turn
	index   int       // in the heap
	slow    bool      // the target was slow
	inSlow  bool      // it holds one of the places of slow targets
	again   bool      // it is to run out of turn
	waiting []chan runResult
	serving []chan runResult // of the check that runs
	cancel  context.CancelFunc
}

// A stage is the activity of an entry.
type stage int8

const (
	idle    stage = iota // not planned: paused, or another process owns it
	waiting              // in the heap
	ready                // in a queue
	busy                 // its check runs, or its result is not stored yet
)

// A runResult is a result for RunNow.
type runResult struct {
	result Result
	err    error
}

// A start is a check that begins.
type start struct {
	entry   *entry
	monitor Monitor
	due     time.Time // zero if it runs out of turn
}

func newPlan(concurrency int, owns func(string) bool) *plan {
	return &plan{
		owns: owns, changed: make(chan struct{}, 1), entries: map[string]*entry{},
		free: concurrency, slowFree: max(concurrency/2, 1),
	}
}

// set takes over monitors that were changed or deleted.
func (p *plan) set(changed []Monitor, deleted []string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range deleted {
		p.remove(name)
	}
	for _, m := range changed {
		e := p.entries[m.Settings.Name]
		if e == nil || e.monitor.ID != m.ID {
			p.remove(m.Settings.Name)
			e = &entry{}
			p.entries[m.Settings.Name] = e
		}
		e.monitor, e.owned = m, p.owns(m.Settings.Name)
		p.place(e, now)
	}
	p.notify()
}

// reassign takes over which monitors this process owns now, and cancels the checks of others.
func (p *plan) reassign(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, e := range p.entries {
		owned := p.owns(name)
		if owned == e.owned {
			continue
		}
		e.owned = owned
		if !owned {
			e.stop(errNotOwned)
		}
		p.place(e, now)
	}
}

var errNotOwned = fault.Preconditionf("another process runs the checks of this monitor")

// remove removes an entry. A check of it that runs is canceled.
func (p *plan) remove(name string) {
	e, ok := p.entries[name]
	if !ok {
		return
	}
	delete(p.entries, name)
	e.owned = false
	e.stop(fault.NotFoundf("no monitor has the name %s", name))
	p.unplan(e)
}

// stop cancels the check of an entry if it runs, and fails the calls that wait for it.
func (e *entry) stop(err error) {
	if e.cancel != nil {
		e.cancel()
	}
	e.again = false
	answer(e.waiting, runResult{err: err})
	answer(e.serving, runResult{err: err})
	e.waiting, e.serving = nil, nil
}

// answer sends a result to calls.
func answer(calls []chan runResult, r runResult) {
	for _, call := range calls {
		call <- r // it is buffered, and gets one
	}
}

// place plans an entry that is not busy, by its settings.
func (p *plan) place(e *entry, now time.Time) {
	switch {
	case e.stage == busy: // it is planned at its end
		return
	case e.stage == ready && e.owned && (e.again || !e.monitor.Settings.Paused && e.hasCheck()): // it is due
		return
	}
	p.unplan(e)
	switch {
	case !e.owned:
	case e.again:
		e.due = time.Time{}
		p.enqueue(e)
	case e.monitor.Settings.Paused, !e.hasCheck():
	default:
		e.due = firstDue(e.monitor, now)
		e.stage = waiting
		heap.Push(&p.due, e)
	}
}

// unplan removes an entry that is not busy from the heap and the queues.
func (p *plan) unplan(e *entry) {
	switch e.stage {
	case waiting:
		heap.Remove(&p.due, e.index)
	case ready: // the queues are cleared of it where it is taken
	case idle, busy:
		return
	}
	e.stage = idle
}

// enqueue makes an entry ready.
func (p *plan) enqueue(e *entry) {
	e.stage = ready
	if e.slow {
		p.slow = append(p.slow, e)
	} else {
		p.fast = append(p.fast, e)
	}
}

// next returns the checks that begin now, and how long to wait for the next ones.
func (p *plan) next(now time.Time) (starts []start, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.due) > 0 && !p.due[0].due.After(now) {
		p.enqueue(heap.Pop(&p.due).(*entry))
	}
	for p.free > 0 {
		e := p.dequeue()
		if e == nil {
			break
		}
		starts = append(starts, p.begin(e))
	}
	if len(p.due) > 0 {
		return starts, min(p.due[0].due.Sub(now), maxWait)
	}
	return starts, maxWait
}

// dequeue returns the next entry that is ready and may begin; nil for none. Slow ones come first,
// as far as they have places: they then delay others by little, and are not delayed by them.
func (p *plan) dequeue() *entry {
	for p.slowFree > 0 && len(p.slow) > 0 {
		e := p.slow[0]
		p.slow = p.slow[1:]
		if e.stage == ready {
			return e
		}
	}
	for len(p.fast) > 0 {
		e := p.fast[0]
		p.fast = p.fast[1:]
		if e.stage == ready {
			return e
		}
	}
	return nil
}

// begin makes an entry busy.
func (p *plan) begin(e *entry) start {
	p.free--
	if e.inSlow = e.slow; e.inSlow {
		p.slowFree--
	}
	e.stage, e.again = busy, false
	e.serving, e.waiting = e.waiting, nil
	return start{entry: e, monitor: e.monitor, due: e.due}
}

// began sets the cancel function of the check of an entry. It reports false if it must not run: this process
// owns it no more.
func (p *plan) began(e *entry, cancel context.CancelFunc) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.cancel = cancel
	return e.owned && p.owns(e.monitor.Settings.Name)
}

// ended frees the place of a check. The entry is busy until its result is stored or dropped.
func (p *plan) ended(e *entry, latency time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free++
	if e.inSlow {
		p.slowFree++
	}
	e.cancel, e.inSlow, e.slow = nil, false, latency >= slowLatency
	if len(p.fast)+len(p.slow) > 0 {
		p.notify()
	}
}

// dropped plans the next check of an entry whose result is not stored.
func (p *plan) dropped(e *entry, now time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	answer(e.serving, runResult{err: err})
	p.finish(e, now)
}

// recorded plans the next check of an entry whose result was stored, with the status after it; a
// zero one was ignored.
func (p *plan) recorded(e *entry, r Result, after Status, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if after.State != 0 {
		e.monitor.Status = after
	}
	e.monitor.Status.Last.Time = r.Time
	r.State = e.monitor.Status.State
	answer(e.serving, runResult{result: r})
	p.finish(e, now)
}

// finish ends the business of an entry.
func (p *plan) finish(e *entry, now time.Time) {
	e.serving, e.stage = nil, idle
	p.place(e, now)
	if e.stage == ready || e.stage == waiting && e.index == 0 {
		p.notify()
	}
}

// hasCheck reports whether the monitor has a check to run.
func (e *entry) hasCheck() bool {
	return e.monitor.Settings.Check != nil && !isHeartbeat(e.monitor) && e.monitor.Settings.Interval > 0
}

// notify wakes up who waits for changed.
func (p *plan) notify() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}
