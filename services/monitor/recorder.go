package monitor

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// recordLinger is how long a result waits for others of its batch.
	recordLinger = 100 * time.Millisecond
	// recordLimit is the maximum number of results of a batch.
	recordLimit = 500
	// recordTimeout is the timeout of storing a batch, and lastRecordTimeout that at the end.
	recordTimeout, lastRecordTimeout = 10 * time.Second, 3 * time.Second
	// minRecordRetry and maxRecordRetry are the first and the longest wait after a failure; each
	// wait doubles the one before.
	minRecordRetry, maxRecordRetry = 100 * time.Millisecond, 5 * time.Second
)

// A recorder stores results in batches. There is at most one result of each monitor: the next check
// begins after it was stored, so that an outage of the store leaves a gap and costs no memory.
type recorder struct {
	scheduler *Scheduler
	added     chan struct{} // buffers one notification

	mu      sync.Mutex
	results []checkResult
}

// A checkResult is the result of a check, with the conditions it is judged under.
type checkResult struct {
	start      start
	result     Result
	conditions Conditions
}

// add adds a result.
func (r *recorder) add(result checkResult) {
	r.mu.Lock()
	r.results = append(r.results, result)
	r.mu.Unlock()
	select {
	case r.added <- struct{}{}:
	default:
	}
}

// take returns results, at most recordLimit of them.
func (r *recorder) take() []checkResult {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.results), recordLimit)
	batch := r.results[:n:n]
	r.results = r.results[n:]
	if len(r.results) == 0 {
		r.results = nil
	}
	return batch
}

// count returns the number of results that wait.
func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.results)
}

// run stores results until ctx ends, and then those that are left, once.
func (r *recorder) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-r.added:
		case <-ctx.Done():
		}
		r.linger(ctx)
		for r.count() > 0 && ctx.Err() == nil {
			r.recordUntil(ctx, r.take())
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRecordTimeout)
	defer cancel()
	for batch := r.take(); len(batch) > 0; batch = r.take() {
		if err := r.record(last, r.owned(batch)); err != nil {
			r.scheduler.Log.Warn("the last results of checks were not stored", "error", err)
			return
		}
	}
}

// linger waits until a batch is full, or for recordLinger.
func (r *recorder) linger(ctx context.Context) {
	timer := time.NewTimer(recordLinger)
	defer timer.Stop()
	for r.count() < recordLimit {
		select {
		case <-r.added:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// recordUntil stores a batch. It retries while the store is unavailable, until ctx ends: then it
// keeps the results for the last attempt. A result that cannot be stored for another reason is
// dropped.
func (r *recorder) recordUntil(ctx context.Context, batch []checkResult) {
	for failures := 0; ; failures++ {
		batch = r.owned(batch)
		timed, cancel := context.WithTimeout(ctx, recordTimeout)
		err := r.record(timed, batch)
		cancel()
		switch {
		case err == nil:
			if failures > 0 {
				r.scheduler.Log.Info("storing results of checks works again", "failures", failures)
			}
			return
		case ctx.Err() != nil:
			r.mu.Lock()
			r.results = append(batch, r.results...)
			r.mu.Unlock()
			return
		case !errors.Is(err, fault.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded):
			r.recordEach(ctx, batch)
			return
		}
		if failures == 0 {
			r.scheduler.Log.Warn("storing results of checks failed; retrying", "error", err)
		}
		select {
		case <-time.After(min(minRecordRetry<<min(failures, 10), maxRecordRetry)):
		case <-ctx.Done():
		}
	}
}

// recordEach stores the results of a batch one by one, and drops those that fail.
func (r *recorder) recordEach(ctx context.Context, batch []checkResult) {
	for i := range batch {
		timed, cancel := context.WithTimeout(ctx, recordTimeout)
		err := r.record(timed, batch[i:i+1])
		cancel()
		if err != nil {
			m := batch[i].start.monitor
			r.scheduler.Log.Error("the result of a check was not stored", "monitor", m.Settings.Name, "error", err)
			r.scheduler.plan.dropped(batch[i].start.entry, r.scheduler.Now(), err)
		}
	}
}

// owned returns the results of monitors that this process still owns, and drops the others.
func (r *recorder) owned(batch []checkResult) []checkResult {
	owned := batch[:0]
	for _, b := range batch {
		if r.scheduler.Shards.Owns(b.start.monitor.Settings.Name) {
			owned = append(owned, b)
		} else {
			r.scheduler.plan.dropped(b.start.entry, r.scheduler.Now(), errNotOwned)
		}
	}
	return owned
}

// record stores a batch in one transaction.
func (r *recorder) record(ctx context.Context, batch []checkResult) error {
	if len(batch) == 0 {
		return nil
	}
	s := r.scheduler
	results := make([]MonitorResult, len(batch))
	byID := make(map[int64]checkResult, len(batch))
	for i, b := range batch {
		results[i] = MonitorResult{ID: b.start.monitor.ID, Result: b.conditions.apply(b.result), Excluded: b.conditions.Maintenance}
		byID[b.start.monitor.ID] = b
	}
	var notified atomic.Bool
	statuses, err := s.Store.Record(ctx, results, func(m Monitor, result Result) (Status, []Notice) {
		b := byID[m.ID]
		if m.Revision != b.start.monitor.Revision { // it has other settings now: the result is of the former ones
			return m.Status, nil
		}
		status, notices := Judge(m, result, b.conditions)
		status.NextTime = time.Time{}
		if !m.Settings.Paused {
			status.NextTime = nextDue(m.Settings.Name, m.Settings.Interval, result.Time).Truncate(time.Microsecond)
		}
		if len(notices) > 0 {
			notified.Store(true)
		}
		return status, notices
	})
	if err != nil {
		return err
	}
	if notified.Load() {
		s.Notify()
	}
	for i, b := range batch {
		r.recorded(b, statuses[i])
	}
	return nil
}

// recorded reports a stored result.
func (r *recorder) recorded(b checkResult, after Status) {
	s, m := r.scheduler, b.start.monitor
	if s.OnResult != nil {
		s.OnResult(m.Settings.Check.Kind(), b.result.Outcome, b.result.Latency)
	}
	if s.OnStatus != nil && after.State != 0 {
		s.OnStatus(m, after)
	}
	s.plan.recorded(b.start.entry, b.result, after, s.Now())
}
