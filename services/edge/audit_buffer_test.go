package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
)

// A memoryAudit is an audit log in memory. It counts entries.
type memoryAudit struct {
	mu       sync.Mutex
	fail     error
	hang     bool // until the call times out
	calls    int
	ids      []string
	recorded int
	dropped  int
}

func (m *memoryAudit) RecordAuditEntries(ctx context.Context, req *accessv1.RecordAuditEntriesRequest) (*accessv1.RecordAuditEntriesResponse, error) {
	m.mu.Lock()
	hang := m.hang
	m.mu.Unlock()
	if hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.fail != nil {
		return nil, m.fail
	}
	for _, e := range req.GetEntries() {
		m.ids = append(m.ids, e.GetId())
	}
	return &accessv1.RecordAuditEntriesResponse{}, nil
}

func (m *memoryAudit) AuditRecorded(n int) { m.mu.Lock(); defer m.mu.Unlock(); m.recorded += n }
func (m *memoryAudit) AuditDropped(n int)  { m.mu.Lock(); defer m.mu.Unlock(); m.dropped += n }

// set changes how the audit log responds.
func (m *memoryAudit) set(fail error, hang bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail, m.hang = fail, hang
}

// check compares what the audit log holds.
func (m *memoryAudit) check(t *testing.T, ids []string, dropped int) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Equal(m.ids, ids) {
		t.Errorf("stored %d entries %.100q, want %d entries %.100q", len(m.ids), m.ids, len(ids), ids)
	}
	if m.recorded != len(ids) || m.dropped != dropped {
		t.Errorf("counted %d recorded and %d dropped entries, want %d and %d", m.recorded, m.dropped, len(ids), dropped)
	}
}

var errAway = errors.New("access service unavailable")

// runBuffer runs a buffer in a bubble, and stops it at the end of the test.
func runBuffer(t *testing.T, audit *memoryAudit, log *slog.Logger, test func(t *testing.T, b *auditBuffer, stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newAuditBuffer(audit, audit, log)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.run(ctx) }()
		stopped := false
		stop := func() {
			if stopped {
				return
			}
			stopped = true
			cancel()
			if err := <-done; err != nil {
				t.Errorf("run: %v", err)
			}
		}
		defer stop()
		test(t, b, stop)
	})
}

func auditID(n int) *accessv1.AuditEntry { return &accessv1.AuditEntry{Id: fmt.Sprintf("%05d", n)} }

func auditIDs(count int) (ids []string) {
	for n := range count {
		ids = append(ids, auditID(n).GetId())
	}
	return ids
}

func TestAuditBatches(t *testing.T) {
	audit := &memoryAudit{}
	runBuffer(t, audit, slog.New(slog.DiscardHandler), func(t *testing.T, b *auditBuffer, _ func()) {
		b.add(auditID(0), false)
		b.add(auditID(1), false)
		synctest.Wait()
		audit.check(t, nil, 0)
		time.Sleep(time.Second) // of the bubble's clock
		synctest.Wait()
		audit.check(t, auditIDs(2), 0)
		if audit.calls != 1 {
			t.Errorf("%d calls for a batch", audit.calls)
		}
		start := time.Now()
		for n := 2; n < 2+auditBatch; n++ {
			b.add(auditID(n), false)
		}
		synctest.Wait()
		audit.check(t, auditIDs(2+auditBatch), 0)
		if took := time.Since(start); took != 0 {
			t.Errorf("a full batch waited %s", took)
		}
		b.add(auditID(2+auditBatch), false)
		time.Sleep(auditInterval - time.Nanosecond)
		synctest.Wait()
		audit.check(t, auditIDs(2+auditBatch), 0)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		audit.check(t, auditIDs(3+auditBatch), 0)
	})
}

// A full batch is stored alone: entries that follow it wait for the interval, which begins anew.
func TestAuditFullBatchIsStoredAlone(t *testing.T) {
	audit := &memoryAudit{}
	runBuffer(t, audit, slog.New(slog.DiscardHandler), func(t *testing.T, b *auditBuffer, _ func()) {
		time.Sleep(auditInterval / 2)
		entries := make([]*accessv1.AuditEntry, auditBatch+1)
		for n := range entries {
			entries[n] = auditID(n)
		}
		b.putBack(entries) // more than a batch wait when it is noticed
		b.full <- struct{}{}
		synctest.Wait()
		audit.check(t, auditIDs(auditBatch), 0)
		time.Sleep(auditInterval - time.Nanosecond)
		synctest.Wait()
		audit.check(t, auditIDs(auditBatch), 0)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		audit.check(t, auditIDs(auditBatch+1), 0)
	})
}

func TestAuditStoresBeforeItReturns(t *testing.T) {
	audit := &memoryAudit{}
	runBuffer(t, audit, slog.New(slog.DiscardHandler), func(t *testing.T, b *auditBuffer, _ func()) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // the caller is gone, but the call has changed something
		b.store(ctx, auditID(0))
		audit.check(t, auditIDs(1), 0)
	})
}

func TestAuditWaitsForTheAuditLog(t *testing.T) {
	audit := &memoryAudit{hang: true}
	var log logtest.Buffer
	runBuffer(t, audit, slog.New(slog.NewTextHandler(&log, nil)), func(t *testing.T, b *auditBuffer, _ func()) {
		start := time.Now()
		b.store(t.Context(), auditID(0))
		if took := time.Since(start); took != auditSyncTimeout {
			t.Errorf("the first call waited %s, want %s", took, auditSyncTimeout)
		}
		start = time.Now()
		b.store(t.Context(), auditID(1))
		if took := time.Since(start); took != 0 {
			t.Errorf("the second call waited %s", took)
		}
		audit.set(errAway, false)
		time.Sleep(time.Minute) // of the bubble's clock
		audit.check(t, nil, 0)
		audit.set(nil, false)
		time.Sleep(time.Second) // of the bubble's clock
		synctest.Wait()
		audit.check(t, auditIDs(2), 0)
		b.store(t.Context(), auditID(2))
		audit.check(t, auditIDs(3), 0)
		if log.Count("storing audit entries failed") != 1 || log.Count("audit entries are stored again") != 1 {
			t.Errorf("log: %s", log.String())
		}
	})
}

func TestAuditBufferIsBounded(t *testing.T) {
	audit := &memoryAudit{fail: errAway}
	var log logtest.Buffer
	runBuffer(t, audit, slog.New(slog.NewTextHandler(&log, nil)), func(t *testing.T, b *auditBuffer, _ func()) {
		b.store(t.Context(), auditID(0))         // from then on the buffer knows that the audit log is away: no batch is in flight
		for n := range maxAuditEntriesMany + 4 { // the last 5 are dropped
			b.add(auditID(1+n), false)
		}
		for n := range maxAuditEntries - maxAuditEntriesMany + 3 { // those of which this is the only record have more room
			b.store(t.Context(), auditID(maxAuditEntriesMany+n))
		}
		time.Sleep(time.Second) // of the bubble's clock
		synctest.Wait()
		audit.check(t, nil, 8)
		audit.set(nil, false)
		time.Sleep(time.Second) // of the bubble's clock
		synctest.Wait()
		audit.check(t, auditIDs(maxAuditEntries), 8)
		if log.Count("audit entries dropped") != 1 || log.Count("count=8") != 1 {
			t.Errorf("log: %s", log.String())
		}
	})
}

func TestAuditAtTheEnd(t *testing.T) {
	audit := &memoryAudit{}
	runBuffer(t, audit, slog.New(slog.DiscardHandler), func(t *testing.T, b *auditBuffer, stop func()) {
		b.add(auditID(0), false)
		stop()
		audit.check(t, auditIDs(1), 0)
	})
	audit = &memoryAudit{fail: errAway}
	var log logtest.Buffer
	runBuffer(t, audit, slog.New(slog.NewTextHandler(&log, nil)), func(t *testing.T, b *auditBuffer, stop func()) {
		b.add(auditID(0), false)
		stop()
		audit.check(t, nil, 1)
		if log.Count("audit entries lost") != 1 {
			t.Errorf("log: %s", log.String())
		}
	})
}
