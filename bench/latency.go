package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
)

// latency measures the time from the scheduled time of an alert to the call to the
// provider, at rates that do not wait for responses.
func latency(s *scene) {
	b := s.bongsu(s.files())
	s.deliver(b, 1) // warm-up
	for _, rate := range []int{100, 1000, 5000} {
		// A 99th percentile of few calls is meaningless.
		open := load.Open{Rate: rate, Time: max(s.Time, min(10*time.Second, 3*s.Time)), Callers: 1024}
		if rate > 100 {
			open.Time = s.Time
		}
		waits, note := s.waits(b, open)
		for _, p := range []float64{50, 99} {
			s.add(figure.Figure{Name: name("latency", rate, percentile(p)), Unit: "ms", Value: milliseconds(figure.Percentile(waits, p)), Note: note})
		}
	}
}

// waits sends alerts to one user each by an open load. It returns, sorted, the times
// from the schedule of each alert to the call to the provider, and a note if the rate
// was not reached. A duplicate fails the scenario.
func (s *scene) waits(b *bongsu, open load.Open) (waits []time.Duration, note string) {
	tally := s.fake.Expect(open.Count(), 1)
	scheduled := make([]time.Time, open.Count())
	got, err := open.Run(s.ctx, func(n int, at time.Time) { scheduled[n] = at }, sendByConnect(b.endpoint, open.Callers, toEach(1)))
	s.must(err)
	s.received(tally, got.Count)
	s.recorded(b)
	s.must(tally.Check())
	waits = make([]time.Duration, got.Count)
	for n := range waits {
		at, _ := tally.At(n, 0)
		waits[n] = at.Sub(scheduled[n])
	}
	slices.Sort(waits)
	return waits, reached(open.Rate, got.Count, tally.Last().Sub(scheduled[0]))
}

// reached returns a note if the rate was not reached: if less than 95 % of the
// scheduled number were received in elapsed.
func reached(rate, count int, elapsed time.Duration) string {
	if got := float64(count) / elapsed.Seconds(); got < 0.95*float64(rate) {
		return fmt.Sprintf("not reached: %.2f of it", got/float64(rate))
	}
	return ""
}

// percentile returns the name of a percentile.
func percentile(p float64) string { return fmt.Sprintf("p%g", p) }
