package main

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
)

// pass delivers as fast as can be, and then at 1,000 alerts a second, on databases with
// people and so many seeded alerts, by a Bongsu with more flags. It ends the scene where
// the ledger does not hold what was delivered.
func (s *scene) pass(in databases, seeded int, more ...string) (p passage) {
	b := s.serve(in, more...)
	before := b.ledger.delivered(s, seeded)
	send := sendByConnect(b.url, workers, toEach(1))
	warm := s.deliverBy(b, 1, load.Closed{Callers: workers, Time: s.Time / 5}, send)
	s.must(warm.tally.Check())
	var got delivered
	p.forgotten = s.forgottenPerSecond(b, func() { got = s.deliverBy(b, 1, load.Closed{Callers: workers, Time: s.Time}, send) })
	s.must(got.tally.Check())
	p.deliver = got.perSecond()
	var waits []time.Duration
	p.calmly = s.forgottenPerSecond(b, func() { waits, p.note = s.waits(b, load.Open{Rate: 1000, Time: s.Time, Callers: 1024}) })
	p.p99 = milliseconds(figure.Percentile(waits, 99))
	p.deleted = s.forgotten(b)
	s.must(b.Stop(s))
	count := warm.count + got.count + len(waits)
	if found := b.ledger.delivered(s, seeded) - before; found != count {
		s.Fatalf("%d were delivered, and the ledger holds %d of them", count, found)
	}
	return p
}

// forgetting is a pass while old alerts are forgotten. It ends the scene where a young
// one was.
func (s *scene) forgetting(in databases, seeded int) passage {
	l := s.open(in.ledger)
	begin := time.Now()
	young := begin.Add(24*time.Hour - keep) // what came after it stays young meanwhile
	count := l.seeded(s, seeded, young)
	p := s.pass(in, seeded, "--keep="+keep.String())
	if left := l.seeded(s, seeded, young); left != count {
		s.Fatalf("%d young alerts were forgotten", count-left)
	}
	if l.seeded(s, seeded, time.Time{}) == l.seeded(s, seeded, begin.Add(-keep)) {
		p.note = "all that was old was forgotten before the end"
	}
	return p
}

var forgottenTotal = regexp.MustCompile(`(?m)^bongsu_alert_deliveries_forgotten_total (\S+)$`)

// forgotten is how many deliveries a Bongsu says that it has forgotten.
func (s *scene) forgotten(b *bongsu) float64 {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, b.url+"/metrics", nil)
	s.must(err)
	res, err := http.DefaultClient.Do(req)
	s.must(err)
	page, err := io.ReadAll(res.Body)
	s.must(err)
	s.must(res.Body.Close())
	said := forgottenTotal.FindSubmatch(page)
	if said == nil { // it is silent on what it has not done
		return 0
	}
	count, err := strconv.ParseFloat(string(said[1]), 64)
	s.must(err)
	return count
}

// forgottenPerSecond is how many deliveries a Bongsu forgets a second while something
// is done.
func (s *scene) forgottenPerSecond(b *bongsu, meanwhile func()) float64 {
	before, start := s.forgotten(b), time.Now()
	meanwhile()
	return (s.forgotten(b) - before) / time.Since(start).Seconds()
}
