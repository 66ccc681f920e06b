package main

import (
	"cmp"

	"github.com/bongsu-project/bongsu/bench/figure"
)

// retention measures deliveries while old ones are deleted, in a ledger of a million.
func retention(s *scene) { s.retention("1M", 1_000_000, 3) }

// keep is the retention: half of the seeded alerts are older.
const keep = month / 2

// retention compares a ledger of seeded deliveries while retention deletes the old ones
// with the same ledger without retention, several times alternately, because a shared
// machine varies. The scenario fails if nothing was deleted, or anything that must be
// kept.
func (s *scene) retention(many string, deliveries, rounds int) {
	for _, kind := range kinds {
		in, found := s.fresh(kind) // separate databases: deletions would affect other scenarios
		if !found {
			continue
		}
		seeded := deliveries / seedWidth
		s.seed(s.open(in.ledger), seeded)
		var forever, forgetting passages
		var deleted float64
		forever = append(forever, s.pass(in, seeded))
		for range rounds {
			forgetting = append(forgetting, s.forgetting(in, seeded))
			deleted += forgetting[len(forgetting)-1].deleted
			forever = append(forever, s.pass(in, seeded))
		}
		if deleted == 0 {
			s.Fatalf("nothing was deleted")
		}
		s.compare(name("retention", kind, many), forever, forgetting)
		s.end()
	}
}

// compare adds the figures of passages under a name.
func (s *scene) compare(what string, forever, forgetting passages) {
	whole := forever.median(func(p passage) float64 { return p.deliver })
	s.add(figure.Figure{Name: name(what, "forever"), Unit: "deliveries/s", Value: whole})
	s.add(figure.Figure{
		Name: name(what, "deliver"), Unit: "deliveries/s", Value: forgetting.median(func(p passage) float64 { return p.deliver }),
		Of: name(what, "forever"), Whole: whole,
	})
	s.add(figure.Figure{
		Name: name(what, "deliver", "forgotten"), Unit: "deliveries/s", Value: forgetting.median(func(p passage) float64 { return p.forgotten }),
		Note: "deleted meanwhile",
	})
	p99 := func(p passage) float64 { return p.p99 }
	s.add(figure.Figure{Name: name(what, "forever", "p99"), Unit: "ms", Value: forever.median(p99), Note: forever.note()})
	s.add(figure.Figure{Name: name(what, "latency", "p99"), Unit: "ms", Value: forgetting.median(p99), Note: forgetting.note()})
	s.add(figure.Figure{
		Name: name(what, "latency", "forgotten"), Unit: "deliveries/s", Value: forgetting.median(func(p passage) float64 { return p.calmly }),
		Note: "deleted meanwhile",
	})
}

// A passage is the result of one pass on a ledger.
type passage struct {
	deliver   float64 // deliveries per second, as fast as possible
	forgotten float64 // deliveries per second that were deleted meanwhile
	p99       float64 // milliseconds from the schedule of an alert to the call to the provider, at 1,000 alerts/s
	calmly    float64 // deliveries per second that were deleted meanwhile
	deleted   float64 // deliveries deleted in all
	note      string
}

// passages are the results of several passes.
type passages []passage

func (ps passages) median(of func(passage) float64) float64 {
	values := make([]float64, 0, len(ps))
	for _, p := range ps {
		values = append(values, of(p))
	}
	return figure.Median(values)
}

// note returns the last note.
func (ps passages) note() (note string) {
	for _, p := range ps {
		note = cmp.Or(p.note, note)
	}
	return note
}
