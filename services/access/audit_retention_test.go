package access_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/access"
	"github.com/bongsu-project/bongsu/services/access/store"
)

// TestAuditRetention advances the clock by days: entries are deleted at the end of their
// retention, in several transactions, and not before.
func TestAuditRetention(t *testing.T) {
	path := t.TempDir() + "/access.db"
	synctest.Test(t, func(t *testing.T) {
		const keep, many = 3 * 24 * time.Hour, 1200
		s, err := store.Open(t.Context(), path)
		kittest.NoError(t, err)
		defer s.Close()
		var first []access.AuditEntry
		for i := range many {
			first = append(first, access.AuditEntry{ID: fmt.Sprint(i), Time: time.Now()})
		}
		kittest.NoError(t, s.AddEntries(t.Context(), first))
		kittest.NoError(t, s.AddEntries(t.Context(), []access.AuditEntry{{ID: "last", Time: time.Now().Add(time.Hour)}}))
		left := func() int {
			t.Helper()
			entries, err := s.Entries(t.Context(), access.AuditQuery{Limit: 2 * many})
			kittest.NoError(t, err)
			return len(entries)
		}

		var deleted atomic.Int64
		r := &access.AuditRetention{Entries: s, Retention: keep, OnDelete: func(n int) { deleted.Add(int64(n)) }, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		for _, step := range []struct {
			wait time.Duration
			left int
		}{{keep - time.Second, many + 1}, {2 * time.Minute, 1}, {time.Hour - 4*time.Minute, 1}, {4 * time.Minute, 0}} {
			time.Sleep(step.wait)
			synctest.Wait()
			kittest.Equal(t, left(), step.left)
		}
		stop()
		kittest.NoError(t, <-ended)
		kittest.Equal(t, deleted.Load(), int64(many+1))
	})
}
