package edge

import (
	"context"
	"log/slog"
	"sync"
	"time"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
)

const (
	// auditInterval is the interval of batches: an entry is stored within a second.
	auditInterval = 500 * time.Millisecond
	// auditBatch is the maximum number of entries in a batch, and the number at which a batch is
	// stored before its time.
	auditBatch = 1000
	// maxAuditEntries is the maximum number of entries that wait: about 6 MB. Calls of which the
	// audit log is the only record may use all of it, others only a half.
	maxAuditEntries     = 20_000
	maxAuditEntriesMany = maxAuditEntries / 2
	// auditSyncTimeout is how long a call waits until its entry is stored.
	auditSyncTimeout = 2 * time.Second
	// auditBatchTimeout is the timeout of a batch.
	auditBatchTimeout = 10 * time.Second
)

// An auditBuffer holds entries until the audit log has stored them.
type auditBuffer struct {
	audit   AuditLog
	metrics AuditMetrics
	log     *slog.Logger
	full    chan struct{} // signals that a batch is full

	mu      sync.Mutex
	entries []*accessv1.AuditEntry
	dropped int  // since the last warning
	away    bool // the audit log did not respond to the last call
}

func newAuditBuffer(audit AuditLog, metrics AuditMetrics, log *slog.Logger) *auditBuffer {
	return &auditBuffer{audit: audit, metrics: metrics, log: log, full: make(chan struct{}, 1)}
}

// store stores an entry before it returns. If the audit log does not respond, the entry waits in
// the buffer; calls do not wait for it until it responds again.
func (b *auditBuffer) store(ctx context.Context, entry *accessv1.AuditEntry) {
	if b.isAway() {
		b.add(entry, true)
		return
	}
	// The call has changed something, also if its caller is gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditSyncTimeout)
	defer cancel()
	if err := b.send(ctx, []*accessv1.AuditEntry{entry}); err != nil {
		b.add(entry, true)
	}
}

// add adds an entry to the next batch, or drops it if the buffer is full. only is set for a
// call of which the audit log is the only record.
func (b *auditBuffer) add(entry *accessv1.AuditEntry, only bool) {
	limit := maxAuditEntriesMany
	if only {
		limit = maxAuditEntries
	}
	b.mu.Lock()
	count := len(b.entries)
	if count < limit {
		b.entries = append(b.entries, entry)
	} else {
		b.dropped++
	}
	b.mu.Unlock()
	switch {
	case count >= limit:
		b.metrics.AuditDropped(1)
	case count+1 == auditBatch:
		select {
		case b.full <- struct{}{}:
		default: // signaled already
		}
	}
}

// run stores entries in batches until ctx ends, and then the remaining ones once.
func (b *auditBuffer) run(ctx context.Context) error {
	ticker := time.NewTicker(auditInterval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticker.C:
			b.flush(ctx, 1)
		case <-b.full:
			if !b.isAway() { // otherwise the ticker tries again
				b.flush(ctx, auditBatch)
				ticker.Reset(auditInterval)
			}
		}
	}
	b.flush(ctx, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if left := len(b.entries); left > 0 {
		b.metrics.AuditDropped(left)
		b.log.Error("audit entries lost: the process ends, and the access service does not store them", "count", left)
	}
	return nil
}

// flush stores the entries that wait, in batches of at least a number, until a batch fails.
func (b *auditBuffer) flush(ctx context.Context, atLeast int) {
	for {
		batch := b.take(atLeast)
		if len(batch) == 0 {
			return
		}
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditBatchTimeout)
		err := b.send(bounded, batch)
		cancel()
		if err != nil {
			b.putBack(batch)
			return
		}
		b.warnDropped()
	}
}

// take removes a batch from the buffer; an empty one if fewer entries than a number wait.
func (b *auditBuffer) take(atLeast int) []*accessv1.AuditEntry {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.entries) < atLeast {
		return nil
	}
	if len(b.entries) <= auditBatch {
		batch := b.entries
		b.entries = nil
		return batch
	}
	batch := b.entries[:auditBatch:auditBatch]
	b.entries = b.entries[auditBatch:]
	return batch
}

// putBack returns a batch to the buffer, before the entries that were added since.
func (b *auditBuffer) putBack(batch []*accessv1.AuditEntry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = append(batch, b.entries...)
}

// send stores entries. It logs the first failure, and the first success after it.
func (b *auditBuffer) send(ctx context.Context, entries []*accessv1.AuditEntry) error {
	_, err := b.audit.RecordAuditEntries(ctx, &accessv1.RecordAuditEntriesRequest{Entries: entries})
	b.mu.Lock()
	changed := b.away != (err != nil)
	b.away = err != nil
	b.mu.Unlock()
	switch {
	case err != nil && changed:
		b.log.Error("storing audit entries failed; they wait in memory", "error", err)
	case err == nil && changed:
		b.log.Info("audit entries are stored again")
	}
	if err == nil {
		b.metrics.AuditRecorded(len(entries))
	}
	return err
}

func (b *auditBuffer) isAway() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.away
}

// warnDropped logs how many entries were dropped since the last warning.
func (b *auditBuffer) warnDropped() {
	b.mu.Lock()
	dropped := b.dropped
	b.dropped = 0
	b.mu.Unlock()
	if dropped > 0 {
		b.log.Error("audit entries dropped: too many waited for the access service", "count", dropped)
	}
}
