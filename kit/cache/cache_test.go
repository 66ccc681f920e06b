package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/kit/cache"
)

// newCache returns a cache of strings.
func newCache(t testing.TB, options cache.Options[string]) *cache.Cache[string] {
	t.Helper()
	if options.MaxBytes == 0 {
		options.MaxBytes = 1 << 20
	}
	options.Size = func(v string) int { return len(v) }
	c, err := cache.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// query returns a query for a key with tags, whose value is value.
func query(c *cache.Cache[string], key, value string, tags ...string) cache.Query[string] {
	q := cache.Query[string]{Key: key, TTL: time.Minute, Load: func(context.Context) (string, error) { return value, nil }}
	for _, name := range tags {
		q.Tags = append(q.Tags, c.Tag(name))
	}
	return q
}

// get returns the result of a query that must not fail.
func get(t testing.TB, c *cache.Cache[string], q cache.Query[string]) cache.Result[string] {
	t.Helper()
	result, err := c.Get(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestGet(t *testing.T) {
	for _, c := range []struct {
		name    string
		between func(c *cache.Cache[string]) // between the first and the second read
		after   time.Duration
		want    string // value and outcome of the second read
	}{
		{"unchanged", func(*cache.Cache[string]) {}, 59 * time.Second, "first hit 59s"},
		{"expired", func(*cache.Cache[string]) {}, time.Minute, "second miss 0s"},
		{"its tag", func(c *cache.Cache[string]) { c.Invalidate(0, "a") }, 0, "second miss 0s"},
		{"its other tag", func(c *cache.Cache[string]) { c.Invalidate(0, "x", "b") }, 0, "second miss 0s"},
		{"no tag of it", func(c *cache.Cache[string]) { c.Invalidate(0, "x") }, 0, "first hit 0s"},
		{"cleared", func(c *cache.Cache[string]) { c.Clear() }, 0, "second miss 0s"},
		{"held", func(c *cache.Cache[string]) { c.Invalidate(10*time.Second, "a") }, 9 * time.Second, "second bypass 0s"},
		{"held for longer", func(c *cache.Cache[string]) {
			c.Invalidate(10*time.Second, "a")
			c.Invalidate(time.Second, "a")
			c.Invalidate(0, "a")
		}, 9 * time.Second, "second bypass 0s"},
		{"after a hold", func(c *cache.Cache[string]) { c.Invalidate(10*time.Second, "a") }, 10 * time.Second, "second miss 0s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				responses := newCache(t, cache.Options[string]{})
				if first := get(t, responses, query(responses, "k", "first", "a", "b")); first.Value != "first" || first.Outcome != cache.Miss {
					t.Errorf("first read: %+v", first)
				}
				c.between(responses)
				time.Sleep(c.after) // of the bubble's clock
				got := get(t, responses, query(responses, "k", "second", "a", "b"))
				if text := fmt.Sprint(got.Value, " ", got.Outcome, " ", got.Age); text != c.want {
					t.Errorf("second read is %q, want %q", text, c.want)
				}
			})
		})
	}
}

// TestHeldResultIsNotStored checks that a result that was loaded during a hold is not returned
// after it: the change that was held for may have been executed meanwhile.
func TestHeldResultIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, cache.Options[string]{})
		c.Invalidate(10*time.Second, "a")
		get(t, c, query(c, "k", "before", "a"))
		time.Sleep(10 * time.Second) // of the bubble's clock
		if got := get(t, c, query(c, "k", "after", "a")); got.Value != "after" {
			t.Errorf("got %+v", got)
		}
	})
}

// TestNotFresh checks that a cache that may have missed a change returns and stores nothing.
func TestNotFresh(t *testing.T) {
	var fresh atomic.Bool
	c := newCache(t, cache.Options[string]{Fresh: fresh.Load})
	for i, step := range []struct {
		fresh bool
		want  string
	}{{false, "0 bypass"}, {true, "1 miss"}, {true, "1 hit"}, {false, "3 bypass"}, {true, "1 hit"}} {
		fresh.Store(step.fresh)
		got := get(t, c, query(c, "k", fmt.Sprint(i), "a"))
		if text := fmt.Sprint(got.Value, " ", got.Outcome); text != step.want {
			t.Errorf("read %d is %q, want %q", i, text, step.want)
		}
	}
}

// TestSharedLoad checks that concurrent reads of one key share a load, that an error and a
// panic are not shared, and that a read whose context ends does not wait.
func TestSharedLoad(t *testing.T) {
	for _, c := range []struct {
		name  string
		load  func() (string, error) // the first load
		loads int
		want  string // of each other read
	}{
		{"value", func() (string, error) { return "first", nil }, 1, "first shared"},
		{"error", func() (string, error) { return "", context.Canceled }, 5, "later miss"},
		{"panic", func() (string, error) { panic("load") }, 5, "later miss"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				responses := newCache(t, cache.Options[string]{})
				release := make(chan struct{})
				var loads atomic.Int64
				q := query(responses, "k", "", "a")
				q.Load = func(context.Context) (string, error) {
					if loads.Add(1) > 1 {
						return "later", nil
					}
					<-release
					return c.load()
				}
				var reads sync.WaitGroup
				reads.Go(func() {
					defer func() { _ = recover() }()
					_, _ = responses.Get(t.Context(), q)
				})
				synctest.Wait()
				for range 4 {
					reads.Go(func() {
						got, err := responses.Get(t.Context(), q)
						if text := fmt.Sprint(got.Value, " ", got.Outcome); err != nil || text != c.want {
							t.Errorf("got %q, %v; want %q", text, err, c.want)
						}
					})
				}
				ctx, cancel := context.WithCancel(t.Context())
				reads.Go(func() {
					if _, err := responses.Get(ctx, q); !errors.Is(err, context.Canceled) {
						t.Errorf("the error of an abandoned read is %v", err)
					}
				})
				synctest.Wait()
				cancel()
				synctest.Wait()
				close(release)
				reads.Wait()
				if got := int(loads.Load()); got != c.loads {
					t.Errorf("%d loads, want %d", got, c.loads)
				}
			})
		})
	}
}

// TestInterleavings runs random interleavings of reads and changes in small steps: a read
// begins, its load executes and ends; a change executes, invalidates and is answered. No read
// may return a version older than a change that was answered before the read began.
func TestInterleavings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hits := 0
		for seed := range uint64(1000) {
			s := newSchedule(t, seed)
			for range 60 {
				s.step()
			}
			s.finish()
			hits += s.outcomes[cache.Hit] + s.outcomes[cache.Shared]
		}
		if hits < 1000 {
			t.Errorf("only %d reads did not load: the test proves little", hits)
		}
	})
}

// TestSize checks that the cache keeps within its size, and does not store a value that would
// fill a large part of it.
func TestSize(t *testing.T) {
	c := newCache(t, cache.Options[string]{MaxBytes: 100_000})
	for i := range 1000 {
		get(t, c, query(c, fmt.Sprint(i), strings.Repeat("x", 1000), "a"))
	}
	if got := c.Bytes(); got > 110_000 || got < 50_000 {
		t.Errorf("the cache holds %d bytes in %d entries", got, c.Len())
	}
	c.Clear()
	large := query(c, "large", strings.Repeat("x", 20_000), "a")
	get(t, c, large)
	if got := get(t, c, large); got.Outcome != cache.Miss || c.Len() != 0 {
		t.Errorf("a large value: %s, %d entries", got.Outcome, c.Len())
	}
	if _, err := cache.New(cache.Options[string]{}); err == nil {
		t.Error("a cache without a size is no error")
	}
}

func BenchmarkHit(b *testing.B) {
	c := newCache(b, cache.Options[string]{Fresh: func() bool { return true }})
	q := query(c, strings.Repeat("k", 50), "value", "a", "b")
	get(b, c, q)
	ctx := b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if got, err := c.Get(ctx, q); err != nil || got.Outcome != cache.Hit {
				b.Fatal(got, err)
			}
		}
	})
}

// TestOutcomeNames checks the names in metrics.
func TestOutcomeNames(t *testing.T) {
	names := []string{cache.Miss.String(), cache.Hit.String(), cache.Shared.String(), cache.Bypass.String()}
	if !slices.Equal(names, []string{"miss", "hit", "shared", "bypass"}) {
		t.Error(names)
	}
}
