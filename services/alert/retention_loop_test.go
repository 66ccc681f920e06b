package alert_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// An observedDeleter counts the calls, and those that begin at the first alert.
type observedDeleter struct {
	alert.Deleter
	looks, fromFirst atomic.Int64
}

func (d *observedDeleter) DeleteCompleted(ctx context.Context, after int64, before time.Time, limit int) (alert.Deletion, error) {
	d.looks.Add(1)
	if after == 0 {
		d.fromFirst.Add(1)
	}
	return d.Deleter.DeleteCompleted(ctx, after, before, limit)
}

// TestRetentionLoop advances the clock by days: alerts are deleted at the end of their
// retention, not before, also if an uncompleted one precedes them; that one is examined
// once an hour.
func TestRetentionLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keep, many = 3 * 24 * time.Hour, 500 // in several transactions
		l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), time.Now)
		must(t, err)
		defer l.Close()
		kept := func(a alert.Alert) bool {
			t.Helper()
			_, _, err := l.Alert(t.Context(), a.ID)
			if err != nil && !errors.Is(err, fault.ErrNotFound) {
				t.Fatal(err)
			}
			return err == nil
		}
		cancel := func(a alert.Alert) {
			t.Helper()
			_, err := l.Cancel(t.Context(), a.ID, time.Now())
			must(t, err)
		}
		slow := record(t, l, queued(1))
		var first []alert.Alert
		for range many {
			first = append(first, record(t, l, queued(2)))
			cancel(first[len(first)-1])
		}
		time.Sleep(time.Hour)
		second := record(t, l, queued(1))
		time.Sleep(time.Hour)
		cancel(second)

		pass := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		pass(keep - 2*time.Hour - time.Minute)
		var alerts, deliveries atomic.Int64 // that were deleted
		f := &observedDeleter{Deleter: l}
		keeper := func() (stop func()) {
			k := &alert.RetentionLoop{Deleter: f, Retention: keep, Now: time.Now, Log: slog.New(slog.DiscardHandler), OnDelete: func(d alert.Deletion) {
				alerts.Add(int64(d.Alerts))
				deliveries.Add(int64(d.Deliveries))
			}}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- k.Run(ctx) }()
			return func() {
				cancel()
				must(t, <-ended)
			}
		}
		stop := keeper()
		pass(time.Second)
		if !kept(first[0]) || !kept(first[many-1]) || f.looks.Load() == 0 || alerts.Load() > 0 {
			t.Error("alerts were deleted before the end of their retention")
		}
		pass(3 * time.Minute)
		if kept(first[0]) || kept(first[many-1]) || alerts.Load() != many || deliveries.Load() != 2*many {
			t.Errorf("%d alerts and %d deliveries were deleted, want %d and twice that", alerts.Load(), deliveries.Load(), many)
		}
		f.looks.Store(0)
		f.fromFirst.Store(0)
		pass(time.Hour + 50*time.Minute) // the second is old enough by its creation, but not by its completion
		if !kept(second) || !kept(slow) {
			t.Error("an alert was deleted by its creation time, not by its completion")
		}
		pass(2 * time.Hour)
		if kept(second) || !kept(slow) {
			t.Error("the second alert is not deleted, or the uncompleted one is")
		}
		if f.fromFirst.Load() > 4 || f.looks.Load() > 4*61 {
			t.Errorf("%d calls in less than 4 hours, %d of them from the first alert on", f.looks.Load(), f.fromFirst.Load())
		}
		stop()

		cancel(slow)
		pass(keep - time.Minute)
		stop = keeper()
		defer stop()
		pass(time.Second)
		if !kept(slow) {
			t.Error("the alert completed last was deleted before the end of its retention")
		}
		pass(time.Hour + time.Minute)
		if kept(slow) {
			t.Error("the alert completed last is not deleted")
		}
	})
}

// A busyDeleter waits for other transactions, and then blocks others for a while.
type busyDeleter struct {
	alert.Deleter
	wait, take time.Duration
}

func (b busyDeleter) DeleteCompleted(ctx context.Context, after int64, before time.Time, limit int) (alert.Deletion, error) {
	time.Sleep(b.wait + b.take) // fake clock
	d, err := b.Deleter.DeleteCompleted(ctx, after, before, limit)
	d.Took = b.take
	return d, err
}

// TestRetentionLoopPauses has much to delete: deletion blocks other transactions for a tenth of
// the time, and no less, however long it waits for them.
func TestRetentionLoopPauses(t *testing.T) {
	for _, row := range []struct {
		wait, take time.Duration
		pieces     int64 // per second
	}{
		{0, 5 * time.Millisecond, 20},                       // one each 50 ms
		{0, 50 * time.Millisecond, 2},                       // 500 ms
		{200 * time.Millisecond, 5 * time.Millisecond, 4},   // 250 ms
		{90 * time.Millisecond, 100 * time.Microsecond, 10}, // 100 ms: the minimum pause
	} {
		synctest.Test(t, func(t *testing.T) {
			const keep = 3 * 24 * time.Hour
			l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), time.Now)
			must(t, err)
			defer l.Close()
			for range 100 {
				_, err := l.Cancel(t.Context(), record(t, l, queued(40)).ID, time.Now())
				must(t, err)
			}
			time.Sleep(keep + time.Minute)
			var pieces atomic.Int64
			k := &alert.RetentionLoop{
				Deleter: busyDeleter{l, row.wait, row.take}, Retention: keep, Now: time.Now, Log: slog.New(slog.DiscardHandler),
				OnDelete: func(alert.Deletion) { pieces.Add(1) },
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second-time.Nanosecond)
			defer cancel()
			must(t, k.Run(ctx))
			if got := pieces.Load(); got != row.pieces {
				t.Errorf("wait %s, duration %s: %d deletions in a second, want %d", row.wait, row.take, got, row.pieces)
			}
		})
	}
}
