package ratelimit

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

	"github.com/bongsu-project/bongsu/kit/fault"
)

// A memoryBucket is a Bucket in memory.
type memoryBucket struct {
	mu       sync.Mutex
	values   map[string]entry
	watchers []chan string
	revision uint64
	gone     bool // it is unavailable
	swaps    int
	loads    int
}

type entry struct {
	value    []byte
	revision uint64
}

func newMemoryBucket() *memoryBucket { return &memoryBucket{values: map[string]entry{}} }

var errGone = fault.Unavailablef("bucket unavailable")

func (b *memoryBucket) Load(_ context.Context, key string) ([]byte, uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loads++
	if b.gone {
		return nil, 0, errGone
	}
	return b.values[key].value, b.values[key].revision, nil
}

func (b *memoryBucket) Swap(_ context.Context, key string, value []byte, revision uint64) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.swaps++
	if b.gone {
		return 0, errGone
	}
	if b.values[key].revision != revision {
		return 0, ErrConflict
	}
	b.revision++
	b.values[key] = entry{value, b.revision}
	for _, w := range b.watchers {
		w <- key
	}
	return b.revision, nil
}

func (b *memoryBucket) Watch(ctx context.Context, _ func(), changed func(string, []byte, uint64), complete func()) error {
	keys := make(chan string, 10000)
	b.mu.Lock()
	b.watchers = append(b.watchers, keys)
	for key, e := range b.values {
		changed(key, e.value, e.revision)
	}
	b.mu.Unlock()
	complete()
	for {
		select {
		case key := <-keys:
			b.mu.Lock()
			e := b.values[key]
			b.mu.Unlock()
			changed(key, e.value, e.revision)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// limiters runs n limiters over one bucket, in a synctest bubble, until the test ends.
func limiters(t *testing.T, b *memoryBucket, n int) []*Limiter {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(func() { cancel(); running.Wait() })
	all := make([]*Limiter, n)
	for i := range all {
		all[i] = New(b, time.Now, slog.New(slog.DiscardHandler))
		running.Go(func() { _ = all[i].Run(ctx) })
	}
	return all
}

var key = Key{ID: "service.account.x", Rate: Rate{Count: 20, Per: time.Second}}

// TestShared reserves slots by eight limiters concurrently: each slot is reserved once, and
// together they keep the rate.
func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := limiters(t, newMemoryBucket(), 8)
		start := time.Now()
		var mu sync.Mutex
		var times []time.Time
		var callers sync.WaitGroup
		for _, l := range all {
			callers.Go(func() {
				for range 10 {
					slots, err := l.Reserve(t.Context(), key, 5, false)
					if err != nil {
						t.Error(err)
						return
					}
					for _, s := range slots {
						at, ok := l.View(key).When(s)
						if !ok {
							t.Errorf("a slot that was just reserved is void")
						}
						mu.Lock()
						times = append(times, at)
						mu.Unlock()
					}
				}
			})
		}
		callers.Wait()
		slices.SortFunc(times, time.Time.Compare)
		for i := 1; i < len(times); i++ {
			if times[i].Sub(times[i-1]) < 50*time.Millisecond {
				t.Fatalf("slots %d and %d are %s apart", i-1, i, times[i].Sub(times[i-1]))
			}
		}
		if len(times) != 400 || times[399].Sub(start) > 21*time.Second {
			t.Errorf("%d slots, the last after %s", len(times), times[len(times)-1].Sub(start))
		}
	})
}

// TestPauseReachesOthers sets a pause by one limiter and reads it by another.
func TestPauseReachesOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := limiters(t, newMemoryBucket(), 2)
		slots, err := all[0].Reserve(t.Context(), key, 3, false)
		if err != nil {
			t.Fatal(err)
		}
		until := time.Now().Add(time.Hour)
		if err := all[1].Pause(t.Context(), key, until, "http_429"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if at, ok := all[0].View(key).When(slots[0]); !ok || at.Before(until) {
			t.Errorf("first slot at %s (%v), pause until %s", at, ok, until)
		}
		if got := all[0].View(key).Status(); !got.PausedUntil.Equal(until) {
			t.Errorf("status %+v", got)
		}
		time.Sleep(time.Hour) // in the bubble
		if got := all[0].View(key).Status(); !got.PausedUntil.IsZero() {
			t.Errorf("after the pause: %+v", got)
		}
	})
}

// TestLoad loads changes from before the process started.
func TestLoad(t *testing.T) {
	b := newMemoryBucket()
	early := New(b, time.Now, slog.New(slog.DiscardHandler))
	until := time.Now().Add(time.Hour).Truncate(time.Microsecond)
	if err := early.Pause(t.Context(), key, until, "http_429"); err != nil {
		t.Fatal(err)
	}
	late := New(b, time.Now, slog.New(slog.DiscardHandler))
	if err := late.Load(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if got := late.View(key).Status().PausedUntil; !got.Equal(until) {
		t.Errorf("paused until %s", got)
	}
}

// TestNewKeys reserves slots of keys without calls: after a complete watch no key is read
// from the bucket.
func TestNewKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newMemoryBucket()
		l := limiters(t, b, 1)[0]
		synctest.Wait() // the watch is complete
		for i := range 100 {
			mine := Key{ID: fmt.Sprint("service.account.", i), Rate: key.Rate}
			if err := l.Load(t.Context(), mine); err != nil {
				t.Fatal(err)
			}
			if slots, err := l.Reserve(t.Context(), mine, 1, false); err != nil || len(slots) != 1 {
				t.Fatal(slots, err)
			}
		}
		if b.loads != 0 || b.swaps != 100 {
			t.Errorf("100 new keys were read %d times and written %d times", b.loads, b.swaps)
		}
	})
}

// TestRefusal checks that a refusal is new once, is probed by one limiter, and can be
// cleared.
func TestRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := limiters(t, newMemoryBucket(), 2)
		refusals := 0
		for _, l := range all {
			isNew, err := l.MarkRefused(t.Context(), key, "invalid_auth", time.Now().Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			if isNew {
				refusals++
			}
		}
		if refusals != 1 {
			t.Errorf("new %d times, want 1", refusals)
		}
		synctest.Wait()
		for _, l := range all {
			if s := l.View(key).Status(); s.RefusedUntil.IsZero() || s.Code != "invalid_auth" {
				t.Errorf("%+v", s)
			}
			if mine, err := l.AcquireProbe(t.Context(), key, time.Now().Add(time.Minute)); mine || err != nil {
				t.Errorf("a probe during the refusal: %v %v", mine, err)
			}
		}
		time.Sleep(time.Minute) // in the synctest bubble
		probes := 0
		for _, l := range all {
			mine, err := l.AcquireProbe(t.Context(), key, time.Now().Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			if mine {
				probes++
			}
		}
		if probes != 1 {
			t.Errorf("%d concurrent probes, want 1", probes)
		}
		if err := all[1].ClearRefusal(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := all[0].View(key).Status(); s != (KeyStatus{}) {
			t.Errorf("after Accept: %+v", s)
		}
	})
}

// TestWithoutBucket checks that no slot is reserved while the bucket is unavailable, and
// that the error is returned soon.
func TestWithoutBucket(t *testing.T) {
	b := newMemoryBucket()
	l := New(b, time.Now, slog.New(slog.DiscardHandler))
	b.gone = true
	if slots, err := l.Reserve(t.Context(), key, 3, false); !errors.Is(err, fault.ErrUnavailable) || len(slots) != 0 {
		t.Errorf("%d slots, %v", len(slots), err)
	}
	if b.swaps > 1 {
		t.Errorf("%d writes, want at most 1", b.swaps)
	}
}

// TestReserveMany reserves many slots in one change.
func TestReserveMany(t *testing.T) {
	b := newMemoryBucket()
	l := New(b, time.Now, slog.New(slog.DiscardHandler))
	slots, err := l.Reserve(t.Context(), key, 500, false)
	if err != nil || len(slots) != 500 || b.swaps != 1 {
		t.Errorf("%d slots in %d changes, %v", len(slots), b.swaps, err)
	}
}
