package database

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
)

var errBad = errors.New("invalid item")

// A log is a batcher that records numbers, and the numbers of each batch. A negative number is
// invalid.
type log struct {
	*Batcher[int]
	mu      sync.Mutex
	batches [][]int
}

func newLog(workers int) *log {
	l := &log{}
	l.Batcher = NewBatcher("the log", workers, 3, func(int) int { return 1 }, func(_ context.Context, numbers []int) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.batches = append(l.batches, slices.Clone(numbers))
		if slices.Min(numbers) < 0 {
			return errBad
		}
		return nil
	})
	return l
}

// waitingCall returns a call that waits for its result.
func waitingCall(ctx context.Context, number int) batchCall[int] {
	return batchCall[int]{ctx: ctx, item: number, done: make(chan error, 1)}
}

func TestBatchSplitsOnError(t *testing.T) {
	l := newLog(1)
	defer l.Close()
	numbers := []int{1, -2, 3}
	var calls []batchCall[int]
	for _, n := range numbers {
		calls = append(calls, waitingCall(t.Context(), n))
	}
	l.runBatch(slices.Clone(calls))
	for i, c := range calls {
		if err := <-c.done; (numbers[i] < 0) != errors.Is(err, errBad) {
			t.Errorf("%d: error is %v", numbers[i], err)
		}
	}
	if want := [][]int{{1, -2, 3}, {1}, {-2}, {3}}; !slices.EqualFunc(l.batches, want, slices.Equal) {
		t.Errorf("batches are %v, want %v", l.batches, want)
	}
}

func TestBatchSkipsCanceled(t *testing.T) {
	l := newLog(1)
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	gone, here := waitingCall(ctx, 1), waitingCall(t.Context(), 2)
	cancel()
	l.runBatch([]batchCall[int]{gone, here})
	if err := <-gone.done; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want the error of the context", err)
	}
	if err := <-here.done; err != nil {
		t.Error(err)
	}
	if want := [][]int{{2}}; !slices.EqualFunc(l.batches, want, slices.Equal) {
		t.Errorf("batches are %v, want %v", l.batches, want)
	}
}

// TestBatchTimeout checks that batches are bounded, and that no call is lost.
func TestBatchTimeout(t *testing.T) {
	l := newLog(2)
	defer l.Close()
	const many = 100
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			if err := l.Do(t.Context(), i); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, batch := range l.batches {
		if len(batch) > l.maxRows {
			t.Errorf("a batch has %d calls, want at most %d", len(batch), l.maxRows)
		}
	}
	done := slices.Sorted(slices.Values(slices.Concat(l.batches...)))
	if len(slices.Compact(done)) != many {
		t.Errorf("%d of %d calls are done", len(done), many)
	}
}

// TestBatchYields checks that two concurrent calls share a batch on a single
// processor. A few may not, because the scheduler of Go sometimes runs the goroutine that waits
// longest.
func TestBatchYields(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	l := newLog(1)
	defer l.Close()
	const times = 50
	for range times {
		var both sync.WaitGroup
		for n := range 2 {
			both.Go(func() {
				if err := l.Do(t.Context(), n); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
	}
	if n := len(l.batches); n > times+times/2 {
		t.Errorf("%d pairs of calls took %d batches", times, n)
	}
}

func TestClosedBatcherRefuses(t *testing.T) {
	l := newLog(2)
	l.Close()
	if err := l.Do(t.Context(), 1); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("error is %v, want %v", err, fault.ErrUnavailable)
	}
	if len(l.batches) != 0 {
		t.Errorf("batches are %v after Close", l.batches)
	}
}
