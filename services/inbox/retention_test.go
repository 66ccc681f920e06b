package inbox_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
	"github.com/bongsu-project/bongsu/services/inbox/store"
)

// TestRetention advances the clock by days: items are deleted at the end of their retention, in
// several transactions, and not before.
func TestRetention(t *testing.T) {
	path := t.TempDir() + "/inbox.db"
	synctest.Test(t, func(t *testing.T) {
		const keep, many = 3 * 24 * time.Hour, 1200
		s, err := store.Open(t.Context(), path)
		kittest.NoError(t, err)
		defer s.Close()
		h := &inbox.DeliveryHandler{Items: s, Now: time.Now}
		storeDeliveries(t, h, "kim", 1, 700)
		storeDeliveries(t, h, "kim", 701, many)
		h.Now = func() time.Time { return time.Now().Add(time.Hour) }
		storeDeliveries(t, h, "kim", many+1, many+1)

		var deleted atomic.Int64
		r := &inbox.Retention{Items: s, Retention: keep, OnDelete: func(n int) { deleted.Add(int64(n)) }, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		for _, step := range []struct {
			wait time.Duration
			left int
		}{{keep - time.Second, many + 1}, {2 * time.Minute, 1}, {time.Hour - 4*time.Minute, 1}, {4 * time.Minute, 0}} {
			time.Sleep(step.wait)
			synctest.Wait()
			items, err := s.After(t.Context(), "kim", 0, 2*many)
			kittest.NoError(t, err)
			kittest.Equal(t, len(items), step.left)
		}
		stop()
		kittest.NoError(t, <-ended)
		kittest.Equal(t, deleted.Load(), int64(many+1))
	})
}

func TestRetentionSetting(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{"90d": 90 * day, "1d": day, "36h": 36 * time.Hour, "forever": 0, "0": 0} {
		if got, err := (inbox.Config{KeepInbox: text}).Retention(); err != nil || got != want {
			t.Errorf("--keep-inbox=%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "12h", "0d", "-1d", "ninety", "36501d"} {
		if got, err := (inbox.Config{KeepInbox: text}).Retention(); err == nil || !strings.Contains(err.Error(), "--keep-inbox") {
			t.Errorf("--keep-inbox=%s: %s, %v", text, got, err)
		}
	}
}
