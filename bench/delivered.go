package main

import (
	"context"
	"time"

	"github.com/bongsu-project/bongsu/bench/fake"
	"github.com/bongsu-project/bongsu/bench/load"
)

// A delivered is the result of sending alerts.
type delivered struct {
	count    int           // deliveries that were called and recorded as completed
	elapsed  time.Duration // from the first call to the last record
	accepted load.Result
	cpu      time.Duration // CPU time of the process that accepts alerts
	tally    *fake.Tally
}

func (d delivered) perSecond() float64 { return float64(d.count) / d.elapsed.Seconds() }

// deliver sends alerts for a time, after a short warm-up, and waits until all
// deliveries are recorded. A duplicate fails the scenario.
func (s *scene) deliver(b *bongsu, width int) delivered {
	send := sendByConnect(b.endpoint, workers, toEach(width))
	warm := s.deliverBy(b, width, load.Closed{Callers: workers, Time: s.Time / 5}, send)
	got := s.deliverBy(b, width, load.Closed{Callers: workers, Time: s.Time}, send)
	s.must(warm.tally.Check())
	s.must(got.tally.Check())
	return got
}

// fastest is a rate in alerts/s above that of any machine.
const fastest = 100_000

// deliverTogether is deliver for alerts to single users, size of them in a request.
func (s *scene) deliverTogether(b *bongsu, size int) delivered {
	send := sendTogether(b.endpoint, workers, toEach(1), size)
	warm := s.deliverCalls(b, 1, size, load.Closed{Callers: workers, Time: s.Time / 5}, send)
	got := s.deliverCalls(b, 1, size, load.Closed{Callers: workers, Time: s.Time}, send)
	s.must(warm.tally.Check())
	s.must(got.tally.Check())
	return got
}

// deliverBy sends alerts by a load, and waits until all deliveries are recorded.
func (s *scene) deliverBy(b *bongsu, width int, l load.Closed, send load.Call) delivered {
	return s.deliverCalls(b, width, 1, l, send)
}

// deliverCalls is deliverBy for calls that send size alerts each. accepted counts the calls.
func (s *scene) deliverCalls(b *bongsu, width, size int, l load.Closed, send load.Call) delivered {
	if l.Most == 0 {
		l.Most = max(int(fastest*l.Time.Seconds())/width/size, 1)
	}
	got := delivered{tally: s.fake.Expect(l.Most*size, width)}
	cpu, start := s.cpu(b), time.Now()
	got.accepted = s.run(l, send)
	got.count = got.accepted.Count * width * size
	s.received(got.tally, got.count)
	s.recorded(b)
	got.elapsed, got.cpu = time.Since(start), s.cpu(b)-cpu
	return got
}

// received waits until the fake received count calls.
func (s *scene) received(tally *fake.Tally, count int) {
	s.wait(func(ctx context.Context) error { return tally.Wait(ctx, count) })
}

// recorded waits until all accepted deliveries are completed in the ledger.
func (s *scene) recorded(b *bongsu) {
	s.wait(func(ctx context.Context) error { return b.ledger.empty(ctx) })
}
