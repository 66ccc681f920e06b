package cluster

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/test/judge"
)

const (
	// callTimeout is how long a caller waits for a response.
	callTimeout = 10 * time.Second
	// retryTime is how long a caller retries.
	retryTime = 30 * time.Second
)

// A failure is a failed attempt of a caller.
type failure struct {
	at   time.Time // it began
	edge int       // number
	err  error
}

// An alert is an alert of a caller, with the outcome.
type alert struct {
	judge.Promise
	failures []failure
	accepted time.Time
	took     time.Duration // the accepted attempt
}

// A load sends alerts at a constant rate to all edges in turn: a slow response delays no other
// alert. Every alert has an idempotency key, so its caller may retry: if the connection
// failed, the edge is unavailable, or it did not respond in time, at the other edge.
type load struct {
	prefix string // of the messages
	edges  []alertv1connect.AlertServiceClient
	rng    *rand.Rand

	mu   sync.Mutex
	sent []*alert

	pending sync.WaitGroup
	numbers atomic.Int64
}

// run sends perSecond alerts per second until ctx ends, and waits for the last response.
func (l *load) run(ctx context.Context, perSecond int) {
	ticker := time.NewTicker(time.Second / time.Duration(perSecond))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			req := l.next()
			l.pending.Go(func() { l.send(context.WithoutCancel(ctx), req) })
		case <-ctx.Done():
			l.pending.Wait()
			return
		}
	}
}

// next returns a random alert to one to three users.
func (l *load) next() *alertv1.SendAlertRequest {
	number := l.numbers.Add(1)
	req := &alertv1.SendAlertRequest{
		Severity: []string{"critical", "high", "normal", "low"}[l.rng.IntN(4)], Message: fmt.Sprintf("%s: node %d is down", l.prefix, number),
		IdempotencyKey: fmt.Sprintf("%s %d", l.prefix, number),
	}
	first := l.rng.IntN(users)
	for i := range 1 + l.rng.IntN(3) {
		req.Target = append(req.Target, fmt.Sprintf("@user%d", 1+(first+i)%users))
	}
	return req
}

// send sends an alert, with retries, and records the outcome.
func (l *load) send(ctx context.Context, req *alertv1.SendAlertRequest) {
	a := &alert{Promise: judge.Promise{Message: req.GetMessage()}}
	ctx, cancel := context.WithTimeout(ctx, retryTime)
	defer cancel()
	edge := int(l.numbers.Load()) % len(l.edges)
	for ctx.Err() == nil {
		start := time.Now()
		res, err := l.call(ctx, edge, req)
		if err == nil {
			a.ID, a.Count, a.accepted, a.took = res.GetId(), int(res.GetUserCount()), time.Now(), time.Since(start)
			break
		}
		a.failures = append(a.failures, failure{start, edge + 1, err})
		if code := connect.CodeOf(err); connect.IsWireError(err) && code != connect.CodeUnavailable && code != connect.CodeDeadlineExceeded {
			break
		}
		if len(a.failures) > 1 {
			wait(ctx, 200*time.Millisecond)
		}
		edge = (edge + 1) % len(l.edges)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, a)
}

func (l *load) call(ctx context.Context, edge int, req *alertv1.SendAlertRequest) (*alertv1.SendAlertResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return l.edges[edge].SendAlert(ctx, req)
}

// promises returns the alerts as promises.
func (l *load) promises() (all []judge.Promise) {
	for _, a := range l.sent {
		all = append(all, a.Promise)
	}
	return all
}

// accepted returns when alerts were accepted.
func (l *load) accepted() (all []time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.sent {
		if a.ID != "" {
			all = append(all, a.accepted)
		}
	}
	return all
}

// slowest returns the duration of the slowest call that was accepted.
func (l *load) slowest() (most time.Duration) {
	for _, a := range l.sent {
		most = max(most, a.took)
	}
	return most
}

// seen returns the failures that callers saw. Where an edge itself was away, a caller sees
// only what fails at the other edge, too.
func (l *load) seen(away map[int][]span) (all []failure) {
	for _, a := range l.sent {
		if len(a.failures) == 1 && a.ID != "" {
			first := a.failures[0]
			if slices.ContainsFunc(away[first.edge], func(s span) bool { return s.overlaps(first.at, callTimeout) }) {
				continue
			}
		}
		if len(a.failures) > 0 {
			all = append(all, a.failures[0])
		}
	}
	return all
}

// A span is a time interval.
type span struct{ start, end time.Time }

// overlaps reports whether something that began at a time, and took at most some more, may
// have overlapped the span.
func (s span) overlaps(at time.Time, most time.Duration) bool {
	return at.Before(s.end) && at.Add(most).After(s.start)
}
