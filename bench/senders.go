package main

import (
	"path/filepath"
	"slices"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
)

// senders measures one process that takes alerts with one process that sends them, and
// with two: whether the second is worth its place, and whether anybody is told twice.
func senders(s *scene) {
	var two, again float64
	one := beside(func() float64 {
		perSecond, _ := s.apart(1)
		return perSecond
	}, func() { two, again = s.apart(2) })
	s.add(figure.Figure{Name: "senders/1", Unit: "deliveries/s", Value: one})
	s.add(figure.Figure{Name: "senders/2", Unit: "deliveries/s", Value: two, Of: "senders/1", Whole: one})
	s.add(figure.Figure{Name: "senders/2/again", Unit: "told twice", Value: again})
}

// apart runs Bongsu in parts with so many senders, and gives their deliveries a second
// and how many of them were told twice.
func (s *scene) apart(count int) (perSecond, again float64) {
	in := s.files()
	_, nats := s.binaries.NATS(s, s.folder(), -1)
	part := func(service string, more ...string) string {
		p := s.binaries.Serve(s, slices.Concat(unlimited, []string{
			"--services=" + service, "--" + service + "-addr=127.0.0.1:0", "--data=" + s.folder(),
			"--seal-key-file=" + s.key, "--provider-url=" + s.fake.URL,
		}, more)...)
		return p.URLs(s, 1)[service]
	}
	groups := part("group", "--directory-url="+in.directory)
	p := s.binaries.Serve(s, slices.Concat(unlimited, []string{
		"--services=alert", "--alert-addr=127.0.0.1:0", "--data=" + filepath.Dir(in.ledger), "--group-url=" + groups, "--nats-url=" + nats,
	})...)
	b := &bongsu{Process: p, url: p.URLs(s, 1)["alert"], ledger: s.open(in.ledger)}
	s.settle(groups, people, widths...)
	for range count {
		part("sender", "--alert-url="+b.url, "--nats-url="+nats)
	}
	send := sendByConnect(b.url, workers, toEach(1))
	warm := s.deliverBy(b, 1, load.Closed{Callers: workers, Time: s.Time / 5}, send)
	got := s.deliverBy(b, 1, load.Closed{Callers: workers, Time: s.Time}, send)
	s.end()
	return got.perSecond(), float64(warm.tally.Again() + got.tally.Again())
}
