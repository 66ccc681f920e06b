package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
)

// latency measures how long it takes from when an alert was meant to be sent until the
// provider is told, at rates that do not wait for answers.
func latency(s *scene) {
	b := s.bongsu(s.files())
	s.deliver(b, 1) // so that it is warm
	for _, rate := range []int{100, 1000, 5000} {
		// A 99th percentile of few calls says little.
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

// waits sends alerts to one person each at times that do not wait for answers, and gives,
// sorted, how long after it was meant to be sent the provider was told of each, and a
// note where that was too late. It ends the scene where one was told twice.
func (s *scene) waits(b *bongsu, open load.Open) (waits []time.Duration, note string) {
	tally := s.fake.Expect(open.Count(), 1)
	meant := make([]time.Time, open.Count())
	got, err := open.Run(s.ctx, func(n int, at time.Time) { meant[n] = at }, sendByConnect(b.url, open.Callers, toEach(1)))
	s.must(err)
	s.told(tally, got.Count)
	s.recorded(b)
	s.must(tally.Check())
	waits = make([]time.Duration, got.Count)
	for n := range waits {
		at, _ := tally.At(n, 0)
		waits[n] = at.Sub(meant[n])
	}
	slices.Sort(waits)
	return waits, reached(open.Rate, got.Count, tally.Last().Sub(meant[0]))
}

// reached says where a rate was not reached: when count were told, so much later than
// the first was meant to be sent that it was less than 95 of 100 in the same time.
func reached(rate, count int, elapsed time.Duration) string {
	if got := float64(count) / elapsed.Seconds(); got < 0.95*float64(rate) {
		return fmt.Sprintf("not reached: %.2f of it", got/float64(rate))
	}
	return ""
}

// percentile is the word for a percentile.
func percentile(p float64) string { return fmt.Sprintf("p%g", p) }
