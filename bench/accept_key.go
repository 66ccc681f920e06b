package main

import (
	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
)

// keyRounds is the number of loads with a key, each between two without.
const keyRounds = 8

// acceptKey measures accepted alerts per second to one user with an API key as a share of
// those with --auth=off, alternately. With a key, the caller is authenticated and authorized,
// and each alert is in the audit log.
func acceptKey(s *scene) {
	off, keyed := s.withoutSenders(noKeys), s.withoutSenders(requireKeys)
	for _, by := range protocols {
		without, with := s.acceptsOne(by, off), s.acceptsOne(by, keyed)
		open := []float64{without()}
		var authorized []float64
		for range keyRounds {
			authorized, open = append(authorized, with()), append(open, without())
		}
		of, whole := name("accept-key", by.name, "off"), figure.Median(open)
		s.add(figure.Figure{Name: of, Unit: "alerts/s", Value: whole})
		s.add(figure.Figure{Name: name("accept-key", by.name), Unit: "alerts/s", Value: figure.Median(authorized), Of: of, Whole: whole})
	}
	off.Kill()
	keyed.Kill()
}

// acceptsOne returns a function that measures the alerts per second to one user that a
// Bongsu accepts.
func (s *scene) acceptsOne(by protocol, b *bongsu) func() float64 {
	send := by.send(b.endpoint, workers, toEach(1))
	return func() float64 {
		s.run(load.Closed{Callers: workers, Time: s.Time / 20}, send)
		return s.run(load.Closed{Callers: workers, Time: s.Time / 4}, send).PerSecond()
	}
}
