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

// An alertRequest is an alert that a caller sends, with its response.
type alertRequest struct {
	target, severity, message string
	key                       string        // if set, the caller retries until a response
	after                     time.Duration // delay before the request
	more                      string        // more fields of the body, each after a comma

	id    string // if accepted
	count int    // deliveries in the response
	wrong string // a different response to a repeated request
}

// posts returns random alerts and the number of their deliveries.
func posts(rng *rand.Rand, n int) (all []*alertRequest, deliveries int) {
	severities := []string{"critical", "high", "normal", "low", "경고"}
	for i := range n {
		p := &alertRequest{severity: severities[rng.IntN(len(severities))], message: fmt.Sprintf("node %d is down", i), after: upTo(rng, 150*time.Millisecond)}
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

// drive sends all alerts by several concurrent callers, and returns when the last has a
// response or gave up.
func (s *system) drive(ctx context.Context, all []*alertRequest, accepted *counter) {
	work := make(chan *alertRequest)
	var callers sync.WaitGroup
	var requests atomic.Int64
	client := s.client()
	client.Timeout = 5 * time.Second
	for range 6 {
		callers.Go(func() {
			for p := range work {
				wait(ctx, p.after)
				at := int(requests.Add(1))
				for !s.post(ctx, client, p, at) && p.key != "" && ctx.Err() == nil {
					wait(ctx, 20*time.Millisecond)
					at++ // without a response the caller retries at the next URL
				}
				if p.key != "" && p.id != "" && at%3 == 0 {
					s.repeat(ctx, client, p, at+1)
				}
				accepted.add(1) // or it will never be
			}
		})
	}
	for _, p := range all {
		work <- p
	}
	close(work)
	callers.Wait()
}

// faultWhileBusy sends alerts, calls fault after 20 of them were accepted, and returns
// when all callers have a response or gave up, within patience.
func (s *system) faultWhileBusy(t testing.TB, all []*alertRequest, patience time.Duration, fault func()) {
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
	s.recordFault(fault)
	<-driven
}

// repeat sends an accepted alert again, with its idempotency key and to the next URL:
// the response, if any, must be the same.
func (s *system) repeat(ctx context.Context, client *http.Client, p *alertRequest, at int) {
	again := *p
	if s.post(ctx, client, &again, at) && (again.id != p.id || again.count != p.count) {
		p.wrong = fmt.Sprintf("alert %s with %d deliveries", again.id, again.count)
	}
}

// post sends an alert to one of the URLs, and reports whether it was accepted.
func (s *system) post(ctx context.Context, client *http.Client, p *alertRequest, at int) bool {
	body := fmt.Sprintf(`{"target":[%s],"severity":%q,"message":%q%s}`, p.target, p.severity, p.message, p.more)
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
	var decoded struct {
		ID        string
		UserCount int
	}
	if err != nil || res.StatusCode != http.StatusOK || json.Unmarshal(answer, &decoded) != nil {
		return false
	}
	p.id, p.count = decoded.ID, decoded.UserCount
	return true
}

// wait waits for d, or until ctx is done.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
