package main

import (
	"github.com/bongsu-project/bongsu/bench/figure"
)

// halfLimited sets the rate limit of destinations to half that of the credential, so
// that a slot is reserved under each destination too.
const halfLimited = "--destination-limit=50000/s"

// deliver measures completed deliveries per second, from the first alert until the
// ledger holds the provider's response to the last, while alerts are sent as fast as
// they are accepted.
func deliver(s *scene) {
	for _, width := range []int{1, 5, 100} {
		s.deliverAs(name("deliver", width), width)
	}
	s.deliverAs(name("deliver", "paced", 100), 100, halfLimited)
	s.deliverCounted("deliver/batched", batched, func(b *bongsu) delivered { return s.deliverTogether(b, batched) })
}

// batched is the number of alerts in a request of deliver/batched.
const batched = 100

// deliverAs measures that under a name, for alerts to width users, with more flags.
func (s *scene) deliverAs(what string, width int, more ...string) {
	s.deliverCounted(what, 1, func(b *bongsu) delivered { return s.deliver(b, width) }, more...)
}

// deliverCounted measures what play delivers by calls that send size alerts each.
func (s *scene) deliverCounted(what string, size int, play func(*bongsu) delivered, more ...string) {
	b := s.bongsu(s.files(), more...)
	var got delivered
	whole := beside(s.ceilingPost, func() { got = play(b) })
	s.must(b.Stop(s))
	s.add(figure.Figure{Name: what, Unit: "deliveries/s", Value: got.perSecond(), Of: "ceiling/post", Whole: whole})
	accepted := float64(size) * got.accepted.PerSecond()
	s.add(figure.Figure{Name: name(what, "accepted"), Unit: "alerts/s", Value: accepted, Note: "accepted meanwhile"})
	s.add(figure.Figure{Name: name(what, "cpu"), Unit: "s/1000", Value: got.cpu.Seconds() * 1000 / float64(got.count)})
}
