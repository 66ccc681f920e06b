// Package outbox sends the messages of an outbox: messages that a service stored with the change
// that they are about, until they are sent. Several processes share an outbox.
package outbox

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// claimTime is how long a claimed message is kept from other processes: the time after which
	// they send those of one that was killed.
	claimTime = 4 * time.Second
	// sendTimeout is the timeout of sending one. It is shorter than claimTime.
	sendTimeout = 3 * time.Second
	// queryInterval is the time between two queries for due messages.
	queryInterval = time.Second
	// queryLimit is the maximum number of messages of a query, which are sent concurrently.
	queryLimit = 16
	// minRetry and maxRetry are the first and the longest wait after a failure; each wait doubles
	// the one before.
	minRetry, maxRetry = time.Second, 30 * time.Second
)

// An Outbox holds messages M, and sends them, with a result R.
type Outbox[M, R any] interface {
	// Claim returns messages that are due at the time now, at most limit of them. Of those that
	// must be sent in an order, it returns the first only. Nobody else gets them until the time
	// until.
	Claim(ctx context.Context, now, until time.Time, limit int) ([]M, error)
	// Send sends a message. It must return fault.ErrInvalid if it can never be sent, and must be
	// safe to repeat.
	Send(ctx context.Context, m M) (R, error)
	// Sent stores that a message was sent, and Refused that it can never be sent. It is not
	// claimed again.
	Sent(ctx context.Context, m M, result R) error
	Refused(ctx context.Context, m M) error
	// Delay makes a message due at a time.
	Delay(ctx context.Context, m M, due time.Time) error
	// Describe returns the number of claims of a message, and the attributes that identify it in
	// the log.
	Describe(m M) (attempt int, attributes []any)
}

// A Sender sends the messages of an outbox.
type Sender[M, R any] struct {
	outbox Outbox[M, R]
	now    func() time.Time
	log    *slog.Logger

	notified chan struct{} // buffers one notification
}

// NewSender returns the sender of an outbox. name is that of the outbox in the log.
func NewSender[M, R any](name string, outbox Outbox[M, R], now func() time.Time, log *slog.Logger) *Sender[M, R] {
	return &Sender[M, R]{outbox: outbox, now: now, log: log.With("outbox", name), notified: make(chan struct{}, 1)}
}

// Notify wakes the sender up for new messages. It does not block.
func (s *Sender[M, R]) Notify() {
	select {
	case s.notified <- struct{}{}:
	default:
	}
}

// Run runs until ctx ends. Messages of its last moments are sent after the next start, or by
// another process.
func (s *Sender[M, R]) Run(ctx context.Context) error {
	ticker := time.NewTicker(queryInterval)
	defer ticker.Stop()
	failing := false
	for {
		err := s.sendDue(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			s.log.Warn("reading due messages failed; retrying", "error", err)
		}
		failing = err != nil
		select {
		case <-ticker.C:
		case <-s.notified:
		case <-ctx.Done():
			return nil
		}
	}
}

// sendDue sends messages until none is due.
func (s *Sender[M, R]) sendDue(ctx context.Context) error {
	for ctx.Err() == nil {
		now := s.now()
		claimed, err := s.outbox.Claim(ctx, now, now.Add(claimTime), queryLimit)
		if err != nil || len(claimed) == 0 {
			return err
		}
		var all errgroup.Group
		for _, m := range claimed {
			all.Go(func() error { return s.send(ctx, m) })
		}
		if err := all.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// send sends a message. It returns an error of the store only.
func (s *Sender[M, R]) send(ctx context.Context, m M) error {
	result, err := s.sendOnce(ctx, m)
	if err == nil {
		return s.outbox.Sent(ctx, m, result)
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the message stays, and is claimed again
	}
	attempt, attributes := s.outbox.Describe(m)
	attributes = append(attributes, "error", err)
	if errors.Is(err, fault.ErrInvalid) {
		s.log.Error("a message was refused", attributes...)
		return s.outbox.Refused(ctx, m)
	}
	if attempt == 1 {
		s.log.Warn("sending a message failed; retrying", attributes...)
	}
	wait := min(minRetry<<min(max(attempt-1, 0), 10), maxRetry)
	return s.outbox.Delay(ctx, m, s.now().Add(wait))
}

func (s *Sender[M, R]) sendOnce(ctx context.Context, m M) (R, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return s.outbox.Send(ctx, m)
}
