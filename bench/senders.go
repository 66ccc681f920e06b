package main

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
)

// senders measures one accepting process with one sender process, and with two: whether
// the second increases the rate, and whether it causes duplicates. With a provider that
// responds at once the machine is the limit, which a second process does not raise:
// there alerts go to a hundred users, because otherwise accepting them would be most of
// the work. With a slow provider, the calls in flight of a process are the limit.
func senders(s *scene) {
	s.second("senders", 100, load.Closed{Callers: workers, Time: s.Time})
	s.fake.Lag(far)
	defer s.fake.Lag(0)
	s.second("senders/far", 1, load.Closed{Callers: workers, Most: int(farAlerts * s.Time.Seconds())})
}

const (
	// far is the response time of a slow provider.
	far = 50 * time.Millisecond
	// farAlerts is the number of alerts to it per second of a load.
	farAlerts = 3000
)

// second measures two senders beside one under a name and a load.
func (s *scene) second(what string, width int, l load.Closed) {
	var two, again float64
	one := beside(func() float64 {
		perSecond, _ := s.apart(1, width, l)
		return perSecond
	}, func() { two, again = s.apart(2, width, l) })
	s.add(figure.Figure{Name: what + "/1", Unit: "deliveries/s", Value: one})
	s.add(figure.Figure{Name: what + "/2", Unit: "deliveries/s", Value: two, Of: what + "/1", Whole: one})
	s.add(figure.Figure{Name: what + "/2/again", Unit: "duplicates", Value: again})
}

// apart runs Bongsu in separate processes with count senders, and returns the
// deliveries per second and the number of duplicates.
func (s *scene) apart(count, width int, l load.Closed) (perSecond, again float64) {
	in := s.files()
	_, nats := s.binaries.NATS(s, s.folder(), -1)
	part := func(service string, more ...string) string {
		p := s.binaries.Serve(s, slices.Concat(unlimited, []string{
			"--services=" + service, "--" + service + "-addr=127.0.0.1:0", "--data=" + s.folder(),
			"--seal-key-file=" + s.key, "--provider-url=" + s.fake.URL,
		}, more)...)
		return p.URLs(s, 1)[service]
	}
	groups := part("directory", "--directory-url="+in.directory)
	p := s.binaries.Serve(s, slices.Concat(unlimited, []string{
		"--services=alert", "--alert-addr=127.0.0.1:0", "--data=" + filepath.Dir(in.ledger), "--directory-service-url=" + groups, "--nats-url=" + nats,
	})...)
	b := &bongsu{Process: p, endpoint: endpoint{url: p.URLs(s, 1)["alert"]}, ledger: s.open(in.ledger)}
	s.settle(endpoint{url: groups}, people, widths...)
	for range count {
		part("sender", "--alert-url="+b.url, "--nats-url="+nats)
	}
	send := sendByConnect(b.endpoint, workers, toEach(width))
	warm := s.deliverBy(b, width, load.Closed{Callers: workers, Time: s.Time / 5}, send)
	got := s.deliverBy(b, width, l, send)
	s.end()
	return got.perSecond(), float64(warm.tally.Duplicates() + got.tally.Duplicates())
}
