// Package load makes calls: as many as are answered, or as many as were meant.
package load

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// A Call makes the call of a number; numbers count from 0. It is called by many at once.
type Call func(ctx context.Context, n int) error

// A Result is what came of calls that all were answered well.
type Result struct {
	Count     int             // of calls
	Elapsed   time.Duration   // from the first call to the last answer
	Latencies []time.Duration // sorted
}

// PerSecond is how many calls were answered in a second.
func (r Result) PerSecond() float64 { return float64(r.Count) / r.Elapsed.Seconds() }

// A Closed load is callers each of whom calls again when it is answered.
type Closed struct {
	Callers int
	Time    time.Duration // after which nobody calls again; 0 for no end
	Most    int           // calls in all; 0 for no end
}

// Run calls, and returns when the last is answered, or with the first error.
func (l Closed) Run(ctx context.Context, call Call) (Result, error) {
	var next atomic.Int64
	latencies := make([][]time.Duration, l.Callers)
	start := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	for caller := range l.Callers {
		g.Go(func() error {
			for ctx.Err() == nil { // else another has an error
				before := time.Now()
				if l.Time > 0 && before.Sub(start) >= l.Time {
					return nil
				}
				n := int(next.Add(1)) - 1
				if l.Most > 0 && n >= l.Most {
					return nil
				}
				if err := call(ctx, n); err != nil {
					return err
				}
				latencies[caller] = append(latencies[caller], time.Since(before))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return Result{}, err
	}
	elapsed := time.Since(start)
	all := slices.Concat(latencies...)
	slices.Sort(all)
	return Result{Count: len(all), Elapsed: elapsed, Latencies: all}, nil
}

// An Open load is calls at times that were fixed before, whatever becomes of those
// before them.
type Open struct {
	Rate    int           // calls in a second
	Time    time.Duration // for so long
	Callers int           // how many can wait for an answer; what finds none free is late
}

// Count is how many calls are meant.
func (l Open) Count() int { return int(float64(l.Rate) * l.Time.Seconds()) }

// Run makes the calls, tells each call's number when it was meant to be made by meant
// before it is made, and returns when the last is answered, or with the first error.
// The latencies count from when the calls were meant to be made.
func (l Open) Run(ctx context.Context, meant func(n int, at time.Time), call Call) (Result, error) {
	count := l.Count()
	interval := time.Second / time.Duration(l.Rate)
	due := make(chan int, count) // so that who makes calls due never waits
	latencies := make([]time.Duration, count)
	start := time.Now()
	at := func(n int) time.Time { return start.Add(time.Duration(n) * interval) }
	g, ctx := errgroup.WithContext(ctx)
	for range l.Callers {
		g.Go(func() error {
			for n := range due {
				err := ctx.Err() // another may have one
				if err == nil {
					err = call(ctx, n)
				}
				if err != nil {
					return err
				}
				latencies[n] = time.Since(at(n))
			}
			return nil
		})
	}
	var dispatcher sync.WaitGroup
	dispatcher.Go(func() {
		defer close(due)
		for n := range count {
			meant(n, at(n))
			time.Sleep(time.Until(at(n))) // the schedule itself
			if ctx.Err() != nil {
				return
			}
			due <- n
		}
	})
	err := g.Wait()
	dispatcher.Wait()
	if err != nil {
		return Result{}, err
	}
	elapsed := time.Since(start)
	slices.Sort(latencies)
	return Result{Count: count, Elapsed: elapsed, Latencies: latencies}, nil
}
