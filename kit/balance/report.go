package balance

import (
	"context"
	"errors"
)

// wakeReport lets report look for changes.
func (b *Balancer) wakeReport() {
	select {
	case b.pending <- struct{}{}:
	default:
	}
}

// report reports to the registry which breakers are open, until ctx ends. It repeats what
// fails. A report is withdrawn when the breaker closes, or the instance is gone.
func (b *Balancer) report(ctx context.Context) {
	reported := map[string]bool{} // ids
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.pending:
		}
		if b.reportChanges(ctx, reported) != nil && sleep(ctx, b.timing.report) {
			b.wakeReport()
		}
	}
}

// reportChanges reports the changes since the last call.
func (b *Balancer) reportChanges(ctx context.Context, reported map[string]bool) (err error) {
	now := b.current.Load()
	open := make(map[string]bool, len(reported))
	for _, one := range now.members {
		if !one.open.Load() {
			continue
		}
		open[one.id] = true
		if reported[one.id] {
			continue
		}
		if failed := b.reportState(ctx, one.id, b.failureOf(one)); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		reported[one.id] = true
	}
	for id := range reported {
		if open[id] {
			continue
		}
		if failed := b.reportState(ctx, id, ""); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		delete(reported, id)
	}
	return err
}

// failureOf returns why the breaker of an instance has opened.
func (b *Balancer) failureOf(one *instance) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return one.failure
}

// reportState reports that an instance fails, for a reason, or serves again.
func (b *Balancer) reportState(ctx context.Context, id, reason string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, b.timing.reportBound)
	defer cancel()
	if reason != "" {
		err = b.registry.ReportFailing(ctx, id, reason)
	} else {
		err = b.registry.ReportServing(ctx, id)
	}
	if err != nil {
		b.options.Log.WarnContext(ctx, "report of an instance failed", "instance", id, "failing", reason != "", "error", err)
	}
	return err
}
