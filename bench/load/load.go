// Package load makes calls as a closed load, by callers that wait for responses, or as
// an open load, at fixed times.
package load

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// A Call makes the call with a number; numbers count from 0. It must be safe for
// concurrent use.
type Call func(ctx context.Context, n int) error

// A Result is the result of calls that all succeeded.
type Result struct {
	Count     int             // of calls
	Elapsed   time.Duration   // from the first call to the last response
	Latencies []time.Duration // sorted
}

// PerSecond returns the calls per second.
func (r Result) PerSecond() float64 { return float64(r.Count) / r.Elapsed.Seconds() }

// A Closed load has callers that each call again after a response.
type Closed struct {
	Callers int
	Time    time.Duration // after which no call is made; 0 for no limit
	Most    int           // maximum number of calls; 0 for no limit
}

// Run makes the calls, and returns after the last response, or with the first error.
func (l Closed) Run(ctx context.Context, call Call) (Result, error) {
	var next atomic.Int64
	latencies := make([][]time.Duration, l.Callers)
	start := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	for caller := range l.Callers {
		g.Go(func() error {
			for ctx.Err() == nil { // otherwise another caller has an error
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

// An Open load makes calls at fixed times, whatever the state of earlier ones.
type Open struct {
	Rate    int           // calls per second
	Time    time.Duration // duration
	Callers int           // maximum calls in flight; calls without a free caller are late
}

// Count returns the number of calls.
func (l Open) Count() int { return int(float64(l.Rate) * l.Time.Seconds()) }

// Run makes the calls, and returns after the last response, or with the first error.
// Before each call it calls meant with the call's number and scheduled time. The
// latencies count from the scheduled times.
func (l Open) Run(ctx context.Context, meant func(n int, at time.Time), call Call) (Result, error) {
	count := l.Count()
	interval := time.Second / time.Duration(l.Rate)
	due := make(chan int, count) // buffered, so that the schedule never blocks
	latencies := make([]time.Duration, count)
	start := time.Now()
	at := func(n int) time.Time { return start.Add(time.Duration(n) * interval) }
	g, ctx := errgroup.WithContext(ctx)
	for range l.Callers {
		g.Go(func() error {
			for n := range due {
				err := ctx.Err() // another call may have failed
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
