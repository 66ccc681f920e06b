package main

import (
	"context"
	"time"

	"github.com/bongsu-project/bongsu/bench/fake"
	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
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

// A delivered is what came of alerts.
type delivered struct {
	count    int           // deliveries, each told once and recorded as sent
	elapsed  time.Duration // from the first call to the last record
	accepted load.Result
	cpu      time.Duration // of the process that took the alerts
}

func (d delivered) perSecond() float64 { return float64(d.count) / d.elapsed.Seconds() }

// deliver sends alerts for a time, after a short while of warming up, and waits until
// all are recorded. It ends the scene where one was lost or told twice.
func (s *scene) deliver(b *bongsu, width int) delivered {
	send := sendByConnect(b.url, workers, toEach(width))
	s.sent(b, width, send, s.Time/5)
	return s.sent(b, width, send, s.Time)
}

// fastest is more alerts a second than any machine takes.
const fastest = 100_000

func (s *scene) sent(b *bongsu, width int, send load.Call, d time.Duration) delivered {
	most := max(int(fastest*d.Seconds())/width, 1)
	tally := s.fake.Expect(most, width)
	cpu, start := s.cpu(b), time.Now()
	accepted := s.run(load.Closed{Callers: workers, Time: d, Most: most}, send)
	got := delivered{count: accepted.Count * width, accepted: accepted}
	s.told(tally, got.count)
	s.recorded(b)
	got.elapsed, got.cpu = time.Since(start), s.cpu(b)-cpu
	s.must(tally.Check())
	return got
}

// told waits until the fake was told so much.
func (s *scene) told(tally *fake.Tally, count int) {
	s.wait(func(ctx context.Context) error { return tally.Wait(ctx, count) })
}
