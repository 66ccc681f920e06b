package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A post is an alert that a caller sends, and what it was told.
type post struct {
	target, severity, message string
	key                       string        // where it is set, the caller asks until it is answered
	after                     time.Duration // the caller waits before it

	id    string // where it was accepted
	count int    // deliveries that were promised
	told  time.Time
	wrong string // an answer to the same request that is not the one before
}

// posts draws alerts, and gives them with the deliveries they make.
func posts(rng *rand.Rand, n int) (all []*post, deliveries int) {
	severities := []string{"critical", "high", "normal", "low", "경고"}
	for i := range n {
		p := &post{severity: severities[rng.IntN(len(severities))], message: fmt.Sprintf("node %d is down", i), after: upTo(rng, 150*time.Millisecond)}
		var people int
		p.target, people = aim(rng)
		deliveries += people
		if rng.IntN(3) > 0 {
			p.key = fmt.Sprintf("key %d", i)
		}
		all = append(all, p)
	}
	return all, deliveries
}

// drive lets callers send all, several at a time, and returns when the last was
// told or gave up.
func (s *system) drive(ctx context.Context, all []*post, accepted *counter) {
	work := make(chan *post)
	var callers sync.WaitGroup
	var turn atomic.Int64
	client := &http.Client{Timeout: 5 * time.Second}
	for range 6 {
		callers.Go(func() {
			for p := range work {
				wait(ctx, p.after)
				at := int(turn.Add(1))
				for !s.post(ctx, client, p, at) && p.key != "" && ctx.Err() == nil {
					wait(ctx, 20*time.Millisecond)
					at++ // a caller that gets no answer asks elsewhere
				}
				if p.key != "" && p.id != "" && at%3 == 0 {
					s.repeat(ctx, client, p, at+1)
				}
				accepted.add(1) // or it never will be
			}
		})
	}
	for _, p := range all {
		work <- p
	}
	close(work)
	callers.Wait()
}

// strikeBusy sends alerts, strikes once 20 of them were accepted, and returns when all
// callers were answered or gave up, within patience.
func (s *system) strikeBusy(t testing.TB, all []*post, patience time.Duration, strike func()) {
	t.Helper()
	accepted, driven := new(counter), make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func() {
		defer close(driven)
		s.drive(ctx, all, accepted)
	}()
	if !accepted.reach(ctx, 20) {
		t.Fatal("20 alerts were not accepted")
	}
	s.struck(strike)
	<-driven
}

// repeat sends an alert that was accepted once more, under its key and to the next of
// the system's URLs: it is answered as before, if at all.
func (s *system) repeat(ctx context.Context, client *http.Client, p *post, at int) {
	again := *p
	if s.post(ctx, client, &again, at) && (again.id != p.id || again.count != p.count) {
		p.wrong = fmt.Sprintf("alert %s with %d deliveries", again.id, again.count)
	}
}

// post sends one alert to one of the system's URLs, and reports whether it was accepted.
func (s *system) post(ctx context.Context, client *http.Client, p *post, at int) bool {
	body := fmt.Sprintf(`{"target":[%s],"severity":%q,"message":%q}`, p.target, p.severity, p.message)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.urls[at%len(s.urls)]+"/v1/alerts", strings.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	if p.key != "" {
		req.Header.Set("Idempotency-Key", p.key)
	}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	var said struct {
		ID        string
		UserCount int
	}
	if err != nil || res.StatusCode != http.StatusOK || json.Unmarshal(answer, &said) != nil {
		return false
	}
	p.id, p.count, p.told = said.ID, said.UserCount, time.Now()
	return true
}

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
