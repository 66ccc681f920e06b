package monitor

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// watchdogRetry and maxWatchdogRetry are the least and the greatest time between two attempts to send
// the state of a monitor; it doubles with each failure.
const (
	watchdogRetry    = 5 * time.Second
	maxWatchdogRetry = time.Minute
)

// A watchdogPath sends changes to one recipient, so that a failure of one neither delays nor repeats those
// of others.
type watchdogPath struct {
	flag string // of its setting, for the log
	send func(ctx context.Context, change watchdogState) error
	log  *slog.Logger

	mu     sync.Mutex
	latest map[string]watchdogState // by name
	sent   map[string]State         // the last state that was sent, or need not be, by name
	wake   chan struct{}            // has a value if there may be something to send
}

func newWatchdogPath(flag string, send func(context.Context, watchdogState) error, log *slog.Logger) *watchdogPath {
	return &watchdogPath{flag: flag, send: send, log: log, latest: map[string]watchdogState{}, sent: map[string]State{}, wake: make(chan struct{}, 1)}
}

// observe takes the state of a monitor after a result, with the one before it. A monitor that was down
// stays down until it is up: unknown is not sent between.
func (p *watchdogPath) observe(before State, change watchdogState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := change.Name
	if _, known := p.sent[name]; !known { // the first result in this process
		p.sent[name] = Up
		if change.state == Up && (before == Down || before == Unknown) {
			p.sent[name] = before
		}
	}
	last, observed := p.latest[name]
	if !observed {
		last.state = p.sent[name]
	}
	if change.state == Unknown && last.state == Down {
		return
	}
	p.latest[name] = change
	if p.sent[name] == change.state || observed && last.state == change.state { // it was sent, or is being sent
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run sends changes until ctx ends.
func (p *watchdogPath) run(ctx context.Context) {
	retry := time.NewTimer(watchdogRetry)
	defer retry.Stop()
	delay := watchdogRetry
	for {
		retry.Stop()
		if p.sendChanges(ctx) {
			delay = watchdogRetry
		} else {
			retry.Reset(delay)
			delay = min(2*delay, maxWatchdogRetry)
		}
		select {
		case <-p.wake:
		case <-retry.C:
		case <-ctx.Done():
			return
		}
	}
}

// sendChanges sends the states that differ from those that were sent, and reports whether all were. A
// monitor that changed back meanwhile is not sent.
func (p *watchdogPath) sendChanges(ctx context.Context) bool {
	for {
		changes := p.changes()
		if len(changes) == 0 {
			return true
		}
		for _, change := range changes {
			if err := p.send(ctx, change); err != nil {
				if ctx.Err() == nil {
					p.log.WarnContext(ctx, "sending a change by the watchdog failed; retrying", "flag", p.flag, "monitor", change.Name, "error", err)
				}
				return false
			}
			p.mu.Lock()
			p.sent[change.Name] = change.state
			p.mu.Unlock()
		}
	}
}

// changes returns the states to send, by name.
func (p *watchdogPath) changes() (changes []watchdogState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(p.latest)) {
		if change := p.latest[name]; change.state != p.sent[name] {
			changes = append(changes, change)
		}
	}
	return changes
}
