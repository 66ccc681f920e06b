package main

import (
	"github.com/bongsu-project/bongsu/bench/figure"
)

// halfLimited lets each channel be called half as often as the credential, so that each
// has a line of its own: a place in it is reserved for each call.
const halfLimited = "--destination-limit=50000/s"

// deliver measures how many deliveries end in a second, from the first alert to when
// the ledger holds the provider's answer to the last, while alerts are sent as fast as
// they are taken.
func deliver(s *scene) {
	for _, width := range []int{1, 5, 100} {
		s.deliverAs(name("deliver", width), width)
	}
	s.deliverAs(name("deliver", "paced", 100), 100, halfLimited)
}

// deliverAs measures that under a name, of alerts to so many, with more flags.
func (s *scene) deliverAs(what string, width int, more ...string) {
	b := s.bongsu(s.files(), more...)
	var got delivered
	whole := beside(s.ceilingPost, func() { got = s.deliver(b, width) })
	s.must(b.Stop(s))
	s.add(figure.Figure{Name: what, Unit: "deliveries/s", Value: got.perSecond(), Of: "ceiling/post", Whole: whole})
	s.add(figure.Figure{Name: name(what, "accepted"), Unit: "alerts/s", Value: got.accepted.PerSecond(), Note: "taken meanwhile"})
	s.add(figure.Figure{Name: name(what, "cpu"), Unit: "s/1000", Value: got.cpu.Seconds() * 1000 / float64(got.count)})
}
