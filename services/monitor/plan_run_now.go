package monitor

import (
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// runNow runs the check of a monitor out of turn and returns the channel of its result. It reports
// false if there is none of the name.
func (p *plan) runNow(name string) (done chan runResult, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.entries[name]
	if !ok {
		return nil, false
	}
	done = make(chan runResult, 1)
	switch {
	case !e.hasCheck():
		done <- runResult{err: fault.Preconditionf("%s is a heartbeat: it has no check", name)}
	case !e.owned:
		done <- runResult{err: errNotOwned}
	default:
		e.waiting = append(e.waiting, done)
		p.expedite(e)
	}
	return done, true
}

// runSoon runs the checks of monitors out of turn whose last one began before a time.
func (p *plan) runSoon(names []string, before time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range names {
		if e, ok := p.entries[name]; ok && e.stage == waiting && e.monitor.Status.Last.Time.Before(before) {
			p.expedite(e)
		}
	}
}

// runAfterMaintenance runs the checks of monitors out of turn whose maintenance has ended, and whose
// interval is long.
func (p *plan) runAfterMaintenance(inMaintenance func(name string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, e := range p.entries {
		if e.stage == waiting && e.monitor.Status.State == Maintenance && e.monitor.Settings.Interval > longInterval && !inMaintenance(name) {
			p.expedite(e)
		}
	}
}

// expedite makes an entry ready, or runs it once more if it is busy.
func (p *plan) expedite(e *entry) {
	switch e.stage {
	case busy:
		e.again = true
		return
	case ready:
		return
	case idle, waiting:
		p.unplan(e)
		e.again, e.due = true, time.Time{}
		p.enqueue(e)
	}
	p.notify()
}
