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
	client := &http.Client{Timeout: 5 * time.Second}
	for range 6 {
		callers.Go(func() {
			for p := range work {
				wait(ctx, p.after)
				for !s.post(ctx, client, p) && p.key != "" && ctx.Err() == nil {
					wait(ctx, 20*time.Millisecond)
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

// post sends one alert, and says whether it was accepted.
func (s *system) post(ctx context.Context, client *http.Client, p *post) bool {
	body := fmt.Sprintf(`{"target":[%s],"severity":%q,"message":%q}`, p.target, p.severity, p.message)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/alerts", strings.NewReader(body))
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
