package inbox_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
	"github.com/bongsu-project/bongsu/services/inbox/store"
)

// ledger is an alert service that records reads, or fails.
type ledger struct {
	mu    sync.Mutex
	err   error
	calls []time.Time
	reads []int64
}

func (l *ledger) RecordReads(_ context.Context, reads []inbox.Read) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, time.Now())
	if l.err != nil {
		return l.err
	}
	for _, r := range reads {
		l.reads = append(l.reads, r.DeliveryID)
	}
	return nil
}

// fail makes calls fail with an error; nil makes them succeed.
func (l *ledger) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// take returns the reads and the number of calls since the last call of take.
func (l *ledger) take() (reads []int64, calls int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	reads, calls = slices.Sorted(slices.Values(l.reads)), len(l.calls)
	l.reads, l.calls = nil, nil
	return reads, calls
}

// TestReadReporter reports reads soon, in batches, through an outage, and after a restart.
func TestReadReporter(t *testing.T) {
	path := t.TempDir() + "/inbox.db"
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), path)
		kittest.NoError(t, err)
		defer s.Close()
		to := &ledger{}
		var logged bytes.Buffer
		log := slog.New(slog.NewTextHandler(&logged, nil))
		start := func() (h *inbox.Handler, stop func()) {
			r := inbox.NewReadReporter(s, to, log)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- r.Run(ctx) }()
			synctest.Wait()
			return &inbox.Handler{Store: s, Reporter: r, Now: time.Now}, func() {
				cancel()
				kittest.NoError(t, <-ended)
			}
		}
		check := func(wait time.Duration, want []int64, wantCalls int) {
			t.Helper()
			time.Sleep(wait)
			synctest.Wait()
			reads, calls := to.take()
			kittest.Equal(t, reads, want)
			kittest.Equal(t, calls, wantCalls)
		}
		read := func(h *inbox.Handler, ids ...string) {
			t.Helper()
			for _, id := range ids {
				kittest.NoError(t, kittest.ErrorOf(h.MarkRead(t.Context(), &inboxv1.MarkReadRequest{NickName: "kim", Id: id})))
			}
		}
		storeDeliveries(t, &inbox.DeliveryHandler{Items: s, Now: time.Now}, "kim", 1, 9)

		h, stop := start()
		check(time.Minute, nil, 0)
		read(h, "1", "2", "1") // one call for both
		check(150*time.Millisecond, []int64{1, 2}, 1)
		kittest.NoError(t, kittest.ErrorOf(h.Archive(t.Context(), &inboxv1.ArchiveRequest{NickName: "kim", Id: "3"})))
		kittest.NoError(t, kittest.ErrorOf(h.MarkAllRead(t.Context(), &inboxv1.MarkAllReadRequest{NickName: "kim", UpToId: "4"})))
		check(150*time.Millisecond, []int64{3, 4}, 1)

		to.fail(errors.New("away"))
		read(h, "5")
		check(10*time.Second, nil, 4) // at once, and after 1 s, 2 s and 4 s
		to.fail(nil)
		read(h, "6")
		check(10*time.Second, []int64{5, 6}, 1)
		kittest.Equal(t, strings.Count(logged.String(), "level=WARN"), 1)
		kittest.Equal(t, strings.Count(logged.String(), "works again"), 1)

		// A read that is not reported when the process ends is reported by the next one.
		stop()
		read(h, "7")
		check(time.Minute, nil, 0)
		_, stop = start()
		check(0, []int64{7}, 1)
		// One that another process marked is found by a query.
		read(&inbox.Handler{Store: s, Now: time.Now}, "8")
		check(10*time.Second, []int64{8}, 1)
		stop()
	})
}
