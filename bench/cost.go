package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
)

// cost measures the resources of an idle Bongsu, and of one with 100,000 queued
// deliveries.
func cost(s *scene) {
	program, err := os.Stat(s.binaries.Bongsu)
	s.must(err)
	s.add(figure.Figure{Name: "cost/program", Unit: "MiB", Value: float64(program.Size()) / (1 << 20)})
	in := s.files()
	s.add(figure.Figure{Name: "cost/start/first", Unit: "ms", Value: milliseconds(s.start(in))})
	s.add(figure.Figure{Name: "cost/start/again", Unit: "ms", Value: milliseconds(s.start(in))})

	b := s.bongsu(s.files())
	s.deliverBy(b, 1, load.Closed{Callers: 1, Most: 10}, sendByConnect(b.endpoint, 1, toEach(1)))
	s.rest(calm)
	cpu := s.cpu(b)
	s.rest(calm)
	s.add(figure.Figure{Name: "cost/idle", Unit: "ms/s", Value: milliseconds(s.cpu(b)-cpu) / calm.Seconds(), Note: "CPU time at rest"})
	rest, _ := s.memory(b)
	s.add(figure.Figure{Name: "cost/rss/rest", Unit: "MiB", Value: rest})
	b.Kill()
	s.queued(100_000)
}

// backlog measures the memory with 1,000,000 queued deliveries.
func backlog(s *scene) { s.queued(1_000_000) }

// calm is the time after which a process is idle.
const calm = 3 * time.Second

// start measures the time from exec until Bongsu is ready, on new or existing
// databases.
func (s *scene) start(in databases) time.Duration {
	begin := time.Now()
	b := s.launch(in)
	s.wait(func(ctx context.Context) error { return ready(ctx, b.url) })
	took := time.Since(begin)
	s.must(b.Stop(s))
	return took
}

// ready waits until a Bongsu is ready.
func ready(ctx context.Context, url string) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, res.Body)
		err = errors.Join(err, res.Body.Close())
		if err != nil || res.StatusCode == http.StatusOK {
			return err
		}
	}
}

// queued sends alerts while the provider pauses for an hour, and measures the memory
// with all deliveries queued.
func (s *scene) queued(count int) {
	const width = 100
	b := s.bongsu(s.files())
	s.fake.Expect(0, 1)
	s.fake.Pause(time.Hour)
	defer s.fake.Pause(0)
	s.forgetMost(b)
	got := s.run(load.Closed{Callers: workers, Most: count / width}, sendByConnect(b.endpoint, workers, toEach(width)))
	s.say("%d queued after %s", count, got.Elapsed.Round(time.Millisecond))
	s.rest(calm)
	if waiting := b.ledger.waiting(s); waiting != count {
		s.Fatalf("%d of %d deliveries are queued", waiting, count)
	}
	now, most := s.memory(b)
	s.add(figure.Figure{Name: name("cost/rss", count), Unit: "MiB", Value: now, Note: fmt.Sprintf("%.0f at most while they came", most)})
	b.Kill()
}
