package main

import (
	"github.com/bongsu-project/bongsu/bench/figure"
)

// deliver measures how many deliveries end in a second, from the first alert to when
// the ledger holds the provider's answer to the last, while alerts are sent as fast as
// they are taken.
func deliver(s *scene) {
	for _, width := range []int{1, 5, 100} {
		b := s.bongsu(s.files())
		var got delivered
		whole := beside(s.ceilingPost, func() { got = s.deliver(b, width) })
		s.must(b.Stop(s))
		s.add(figure.Figure{Name: name("deliver", width), Unit: "deliveries/s", Value: got.perSecond(), Of: "ceiling/post", Whole: whole})
		s.add(figure.Figure{Name: name("deliver", width, "accepted"), Unit: "alerts/s", Value: got.accepted.PerSecond(), Note: "taken meanwhile"})
		s.add(figure.Figure{Name: name("deliver", width, "cpu"), Unit: "s/1000", Value: got.cpu.Seconds() * 1000 / float64(got.count)})
	}
}
