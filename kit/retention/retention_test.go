package retention_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/retention"
)

// TestLoop deletes rows when they are old enough, in several transactions, and logs their number
// once. After a failure it tries again.
func TestLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var mu sync.Mutex                // protects rows
		rows := make([]time.Time, 0, 26) // when each was created
		for range 25 {
			rows = append(rows, begin)
		}
		rows = append(rows, begin.Add(time.Hour))
		var deleted, logged []int
		failing, failures := true, 0
		l := &retention.Loop{
			Delete: retention.After(24*time.Hour, 10, func(_ context.Context, before time.Time, limit int) (n int, err error) {
				if failing && before.After(begin) {
					failing = false
					return 0, errors.New("database is away")
				}
				mu.Lock()
				defer mu.Unlock()
				rows = slices.DeleteFunc(rows, func(created time.Time) bool {
					if n == limit || !created.Before(before) {
						return false
					}
					n++
					return true
				})
				return n, nil
			}),
			Now:        time.Now,
			OnDelete:   func(n int) { deleted = append(deleted, n) },
			LogDeleted: func(n int) { logged = append(logged, n) },
			LogError:   func(error) { failures++ },
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		for _, step := range []struct {
			wait time.Duration
			left int
		}{{24 * time.Hour, 26}, {time.Minute, 26}, {2 * time.Minute, 1}, {time.Hour - 4*time.Minute, 1}, {3 * time.Minute, 0}} {
			time.Sleep(step.wait)
			synctest.Wait()
			mu.Lock()
			left := len(rows)
			mu.Unlock()
			kittest.Equal(t, left, step.left)
		}
		stop()
		kittest.NoError(t, <-ended)
		kittest.Equal(t, deleted, []int{10, 10, 5, 1})
		kittest.Equal(t, logged, []int{25, 1})
		kittest.Equal(t, failures, 1)
	})
}
