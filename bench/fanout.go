package main

import (
	"time"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
)

// fanout measures one alert to 1,300 users, crowd one to 100,000.
func fanout(s *scene) { s.fanout(1300, 5) }
func crowd(s *scene)  { s.fanout(100_000, 1) }

// fanout sends alerts to all users, one after the other, and measures the time from the
// response to the last call, and the memory growth of the first alert.
func (s *scene) fanout(everybody, alerts int) {
	in := s.files()
	first := s.serve(in)
	s.settle(first.asAdmin(), everybody, everybody)
	s.must(first.Stop(s)) // frees the memory of the import
	b := s.serve(in)
	send := sendByConnect(b.endpoint, 1, audience{everybody, func(int) string { return "@@" + group(everybody, 0) }})
	before, _ := s.memory(b)
	var growth float64
	var answer, last, recorded, rate []float64
	whole := beside(s.ceilingPost, func() {
		for n := range alerts {
			start := time.Now()
			got := s.deliverBy(b, everybody, load.Closed{Callers: 1, Most: 1}, send)
			s.must(got.tally.Check())
			took := got.accepted.Elapsed
			answer = append(answer, milliseconds(took))
			last = append(last, milliseconds(got.tally.Last().Sub(start)-took))
			recorded = append(recorded, milliseconds(got.elapsed-took))
			rate = append(rate, got.perSecond())
			if n == 0 {
				_, most := s.memory(b)
				growth = most - before
			}
		}
	})
	add := func(what, unit, note string, value float64) {
		s.add(figure.Figure{Name: name("fanout", everybody, what), Unit: unit, Value: value, Note: note})
	}
	add("answer", "ms", "", figure.Median(answer))
	add("last", "ms", "call, after the answer", figure.Median(last))
	add("recorded", "ms", "after the answer", figure.Median(recorded))
	add("growth", "MiB", "", growth)
	s.add(figure.Figure{Name: name("fanout", everybody), Unit: "deliveries/s", Value: figure.Median(rate), Of: "ceiling/post", Whole: whole})
}
