// Package sender is the service that works the queue: it takes jobs, claims their
// deliveries, calls the provider, reports what came of it, and only then lets the
// job go. The order is the promise: a sender that dies at any point loses nothing.
package sender

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/seal"
)

// Jobs are the jobs of one messenger.
type Jobs interface {
	// Run fetches jobs until ctx ends, and then gives back what nobody took.
	Run(ctx context.Context) error
	// Take waits for a job and takes it with what else is there, at most most, the
	// most urgent first. It returns the error of ctx when that ends before.
	Take(ctx context.Context, most int) ([]job.Taken, error)
}

// A Dispatch grants deliveries and records what came of them, in bulk.
type Dispatch interface {
	// Claim grants deliveries under a lease; what is missing in the answer must not
	// be sent.
	Claim(ctx context.Context, ids []int64) (map[int64]Claim, error)
	// Report records outcomes. late holds the deliveries that another has claimed
	// since, or that have ended; nothing was changed for them.
	Report(ctx context.Context, reports []Report) (late []int64, err error)
}

// A Claim is the right to send one delivery, once, until its lease ends.
type Claim struct {
	Fence  int64
	Expire time.Time
}

// A Report is what came of a claim.
type Report struct {
	DeliveryID int64
	Fence      int64
	Start, End time.Time
	Outcome    messenger.Outcome
}

// A Sender sends what is queued. Its fields must be set before Run.
type Sender struct {
	Messengers []messenger.Messenger
	Jobs       func(messenger string) Jobs // the jobs of a messenger, asked for once each
	Dispatch   Dispatch
	Key        *seal.Key
	Workers    int           // calls at a time, for each messenger
	Timeout    time.Duration // of one call to a provider; shorter than a lease
	Now        func() time.Time
	Log        *slog.Logger
	Observe    func(messenger string, o messenger.Outcome, took time.Duration) // called once an attempt, by many at once
}

// Run sends until ctx ends, and then finishes and reports what it has claimed. No
// messenger waits for another.
func (s *Sender) Run(ctx context.Context) error {
	var g errgroup.Group
	for _, m := range s.Messengers {
		l := &lane{Sender: s, messenger: m, name: m.Spec().Name}
		g.Go(func() error { return l.run(ctx) })
	}
	return g.Wait()
}
