package ratelimit_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

func ExampleParseRate() {
	rate, err := ratelimit.ParseRate("600/m")
	fmt.Println(rate, rate.Interval(), err)
	_, err = ratelimit.ParseRate("ten per second")
	fmt.Println(err)
	// Output:
	// 600/m 100ms <nil>
	// invalid rate limit "ten per second": must be a number from 1 to 100000 per period, such as 10/s, 600/m or 1000/h, or off
}

func ExampleRate_Implies() {
	slow, fast := ratelimit.Rate{Count: 1, Per: time.Second}, ratelimit.Rate{Count: 100, Per: time.Minute}
	fmt.Println(slow.Implies(fast), fast.Implies(slow))
	// Output: true false
}

// A memory is a Bucket of one process. Several processes share one in a key-value store.
type memory struct {
	mu        sync.Mutex
	values    map[string][]byte
	revisions map[string]uint64
}

func (m *memory) Load(_ context.Context, key string) ([]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key], m.revisions[key], nil
}

func (m *memory) Swap(_ context.Context, key string, value []byte, revision uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.revisions[key] != revision {
		return 0, ratelimit.ErrConflict
	}
	m.values[key] = value
	m.revisions[key]++
	return m.revisions[key], nil
}

func (m *memory) Watch(ctx context.Context, _ func(), _ func(string, []byte, uint64), complete func()) error {
	complete()
	<-ctx.Done()
	return ctx.Err()
}

// Slots under one key are an interval apart, whoever reserves them.
func ExampleLimiter_Reserve() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	bucket := &memory{values: map[string][]byte{}, revisions: map[string]uint64{}}
	limiter := ratelimit.New(bucket, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = limiter.Run(ctx) }() // it ends with ctx
	<-limiter.Ready()

	key := ratelimit.Key{ID: "service.account", Rate: ratelimit.Rate{Count: 10, Per: time.Second}}
	slots, err := limiter.Reserve(ctx, key, 3, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range slots {
		at, ok := limiter.View(key).When(s)
		fmt.Println(at.Sub(now), ok)
	}
	// Output:
	// 0s true
	// 100ms true
	// 200ms true
}
