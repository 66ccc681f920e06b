package load_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/bench/load"
)

func TestClosedCallsEachNumberOnce(t *testing.T) {
	var seen [100]atomic.Int32
	got, err := load.Closed{Callers: 7, Most: len(seen)}.Run(t.Context(), func(_ context.Context, n int) error {
		seen[n].Add(1)
		return nil
	})
	if err != nil || got.Count != len(seen) || len(got.Latencies) != len(seen) || !slices.IsSorted(got.Latencies) {
		t.Fatalf("%d calls, %d latencies, %v", got.Count, len(got.Latencies), err)
	}
	for n := range seen {
		if calls := seen[n].Load(); calls != 1 {
			t.Errorf("call %d was made %d times", n, calls)
		}
	}
}

func TestClosedEndsByTime(t *testing.T) {
	got, err := load.Closed{Callers: 2, Time: 20 * time.Millisecond}.Run(t.Context(), func(context.Context, int) error { return nil })
	if err != nil || got.Count == 0 || got.Elapsed < 20*time.Millisecond || got.PerSecond() <= 0 {
		t.Errorf("%d calls in %s, %v", got.Count, got.Elapsed, err)
	}
}

func TestAnErrorEndsTheLoad(t *testing.T) {
	refused := errors.New("refused")
	call := func(_ context.Context, n int) error {
		if n == 3 {
			return refused
		}
		return nil
	}
	if _, err := (load.Closed{Callers: 2}).Run(t.Context(), call); !errors.Is(err, refused) {
		t.Errorf("closed: %v", err)
	}
	open := load.Open{Rate: 1000, Time: time.Minute, Callers: 2}
	if _, err := open.Run(t.Context(), func(int, time.Time) {}, call); !errors.Is(err, refused) {
		t.Errorf("open: %v", err)
	}
}

// TestOpenMeasuresFromTheSchedule checks that a stall of the server counts for all
// calls that were scheduled during it, not only for the one in flight.
func TestOpenMeasuresFromTheSchedule(t *testing.T) {
	const stop = 50 * time.Millisecond
	var still sync.Mutex
	first := true
	open := load.Open{Rate: 1000, Time: 100 * time.Millisecond, Callers: 1}
	scheduled := 0
	got, err := open.Run(t.Context(), func(int, time.Time) { scheduled++ }, func(context.Context, int) error {
		still.Lock()
		defer still.Unlock()
		if first {
			first = false
			<-time.After(stop)
		}
		return nil
	})
	if err != nil || got.Count != 100 || scheduled != 100 {
		t.Fatalf("%d calls, %d scheduled, %v", got.Count, scheduled, err)
	}
	late := 0
	for _, l := range got.Latencies {
		if l >= stop/2 {
			late++
		}
	}
	if late < 20 {
		t.Errorf("%d calls were late; the stall lasted for 50", late)
	}
}
