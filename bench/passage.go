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

// pass delivers as fast as possible, and then at 1,000 alerts/s, on databases with
// users and seeded alerts, by a Bongsu with more flags. The scenario fails if the
// ledger lacks delivered alerts.
func (s *scene) pass(in databases, seeded int, more ...string) (p passage) {
	b := s.serve(in, more...)
	before := b.ledger.delivered(s, seeded)
	send := sendByConnect(b.endpoint, workers, toEach(1))
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
		s.Fatalf("%d deliveries were sent, but the ledger holds %d", count, found)
	}
	return p
}

// forgetting is a pass while old alerts are deleted. The scenario fails if a young one
// is.
func (s *scene) forgetting(in databases, seeded int) passage {
	l := s.open(in.ledger)
	begin := time.Now()
	young := begin.Add(24*time.Hour - keep) // alerts after it stay young during the pass
	count := l.seeded(s, seeded, young)
	p := s.pass(in, seeded, "--keep="+keep.String())
	if left := l.seeded(s, seeded, young); left != count {
		s.Fatalf("%d young alerts were deleted", count-left)
	}
	if l.seeded(s, seeded, time.Time{}) == l.seeded(s, seeded, begin.Add(-keep)) {
		p.note = "all old alerts were deleted before the end"
	}
	return p
}

var forgottenTotal = regexp.MustCompile(`(?m)^bongsu_alert_deliveries_forgotten_total (\S+)$`)

// forgotten returns the number of deliveries that retention deleted, from the metrics.
func (s *scene) forgotten(b *bongsu) float64 {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, b.url+"/metrics", nil)
	s.must(err)
	b.asAdmin().authorizeRequest(req)
	res, err := http.DefaultClient.Do(req)
	s.must(err)
	page, err := io.ReadAll(res.Body)
	s.must(err)
	s.must(res.Body.Close())
	match := forgottenTotal.FindSubmatch(page)
	if match == nil { // a counter without increments is not exported
		return 0
	}
	count, err := strconv.ParseFloat(string(match[1]), 64)
	s.must(err)
	return count
}

// forgottenPerSecond returns the deliveries that retention deletes per second while a
// function runs.
func (s *scene) forgottenPerSecond(b *bongsu, meanwhile func()) float64 {
	before, start := s.forgotten(b), time.Now()
	meanwhile()
	return (s.forgotten(b) - before) / time.Since(start).Seconds()
}
