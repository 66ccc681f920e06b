package main

import (
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
)

// fanout measures one alert to 1,300 people, crowd one to 100,000.
func fanout(s *scene) { s.fanout(1300, 5) }
func crowd(s *scene)  { s.fanout(100_000, 1) }

// fanout sends alerts to everybody, one after the other, and measures how long after
// the answer the last is told, and how much memory the first takes.
func (s *scene) fanout(everybody, alerts int) {
	b := s.serve(s.files())
	s.settle(b.url, everybody, everybody)
	send := sendByConnect(b.url, 1, audience{everybody, func(int) string { return "@@" + group(everybody, 0) }})
	s.rest(min(s.Time, 3*time.Second)) // what letting them in took is given back
	s.forgetMost(b)
	before, _ := s.memory(b)
	var growth float64
	var lasts []time.Duration
	var got delivered
	whole := beside(s.ceilingPost, func() {
		for n := range alerts {
			start := time.Now()
			got = s.deliverBy(b, everybody, load.Closed{Callers: 1, Most: 1}, send)
			s.must(got.tally.Check())
			lasts = append(lasts, got.tally.Last().Sub(start.Add(got.accepted.Elapsed)))
			if n == 0 {
				_, most := s.memory(b)
				growth = most - before
			}
		}
	})
	slices.Sort(lasts)
	add := func(what, unit string, value float64) {
		s.add(figure.Figure{Name: name("fanout", everybody, what), Unit: unit, Value: value})
	}
	add("answer", "ms", milliseconds(got.accepted.Elapsed))
	add("last", "ms", milliseconds(figure.Percentile(lasts, 50)))
	add("recorded", "ms", milliseconds(got.elapsed))
	add("growth", "MiB", growth)
	s.add(figure.Figure{Name: name("fanout", everybody), Unit: "deliveries/s", Value: got.perSecond(), Of: "ceiling/post", Whole: whole})
}
