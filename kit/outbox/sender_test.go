package outbox_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/outbox"
)

// A letter is a message of a box.
type letter struct {
	text    string
	attempt int
	due     time.Time
}

// A box is an outbox in memory.
type box struct {
	mu      sync.Mutex
	letters []letter
	failing error
	begin   time.Time
	sent    []string // with the time of each
	results []int
	refused []string
}

func (b *box) find(text string) *letter {
	i := slices.IndexFunc(b.letters, func(l letter) bool { return l.text == text })
	return &b.letters[i]
}

// Claim implements outbox.Outbox.
func (b *box) Claim(_ context.Context, now, until time.Time, limit int) (claimed []letter, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.letters {
		if l := &b.letters[i]; !l.due.After(now) && len(claimed) < limit {
			l.due = until
			l.attempt++
			claimed = append(claimed, *l)
		}
	}
	return claimed, nil
}

// Send implements outbox.Outbox.
func (b *box) Send(ctx context.Context, l letter) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch l.text {
	case "hang":
		b.mu.Unlock()
		<-ctx.Done()
		b.mu.Lock()
		b.sent = append(b.sent, l.text+" "+time.Since(b.begin).String())
		return 0, ctx.Err()
	case "bad":
		return 0, fault.Invalidf("too long")
	}
	b.sent = append(b.sent, l.text+" "+time.Since(b.begin).String())
	return len(b.sent), b.failing
}

// Sent implements outbox.Outbox.
func (b *box) Sent(_ context.Context, l letter, result int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.results = append(b.results, result)
	b.letters = slices.DeleteFunc(b.letters, func(other letter) bool { return other.text == l.text })
	return nil
}

// Refused implements outbox.Outbox.
func (b *box) Refused(_ context.Context, l letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = append(b.refused, l.text)
	b.letters = slices.DeleteFunc(b.letters, func(other letter) bool { return other.text == l.text })
	return nil
}

// Delay implements outbox.Outbox.
func (b *box) Delay(_ context.Context, l letter, due time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.find(l.text).due = due
	return nil
}

// Describe implements outbox.Outbox.
func (b *box) Describe(l letter) (attempt int, attributes []any) {
	return l.attempt, []any{"text", l.text}
}

// run runs a sender of letters for a time.
func run(t *testing.T, d time.Duration, b *box, texts ...string) {
	t.Helper()
	b.begin = time.Now()
	for _, text := range texts {
		b.letters = append(b.letters, letter{text: text})
	}
	s := outbox.NewSender("test", b, time.Now, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	time.Sleep(d)
	cancel()
	kittest.NoError(t, <-done)
}

// TestSend checks that each message is sent once.
func TestSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{}
		run(t, time.Minute, b, "one", "two")
		slices.Sort(b.sent)
		slices.Sort(b.results)
		kittest.Equal(t, b.sent, []string{"one 0s", "two 0s"})
		kittest.Equal(t, b.results, []int{1, 2})
	})
}

// TestRetry checks that a message is sent again after longer and longer waits, and delays no other.
func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{failing: errors.New("away")}
		run(t, 100*time.Second, b, "one")
		kittest.Equal(t, b.sent, []string{"one 0s", "one 1s", "one 3s", "one 7s", "one 15s", "one 31s", "one 1m1s", "one 1m31s"})
	})
}

// TestRefused checks that a message that can never be sent is not sent again.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{}
		run(t, time.Minute, b, "bad", "good")
		kittest.Equal(t, b.refused, []string{"bad"})
		kittest.Equal(t, b.sent, []string{"good 0s"})
	})
}

// TestHang checks that sending a message ends before another process may claim it.
func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{}
		run(t, 3500*time.Millisecond, b, "hang")
		kittest.Equal(t, b.sent, []string{"hang 3s"})
	})
}
