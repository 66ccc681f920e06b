// Package sender is the service that works the queue: it takes jobs, finds out when
// their deliveries may be sent, claims those that may be soon, calls the provider,
// reports what came of it, and only then lets its jobs go. What may be sent later
// only goes back to the ledger. The order is the promise: a sender that dies at any
// point loses nothing.
package sender

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/pace"
	"github.com/bongsu-project/bongsu/internal/seal"
)

// Jobs are the jobs of one messenger.
type Jobs interface {
	// Run fetches jobs until ctx ends, and then gives back what nobody took.
	Run(ctx context.Context) error
	// Take waits for jobs and takes them with what else is there, until they carry
	// enough deliveries, the most urgent first. It returns the error of ctx when that
	// ends before.
	Take(ctx context.Context, enough int) ([]job.Taken, error)
}

// A Dispatch grants deliveries and records what came of them, in bulk.
type Dispatch interface {
	// Claim grants deliveries under a lease; what is missing in the answer must not
	// be sent. A request that was not answered may have been granted: it is asked
	// again by the same name, and granted the same. Another request needs another.
	Claim(ctx context.Context, request [16]byte, ids []int64) (map[int64]Claim, error)
	// Free answers with those of ids that Claim would grant now, and with the slots that
	// were reserved for them, empty for none. It holds nothing.
	Free(ctx context.Context, ids []int64) (slots map[int64]string, err error)
	// Report records outcomes. late holds the deliveries that another has claimed
	// since, or that have ended; nothing was changed for them.
	Report(ctx context.Context, reports []Report) (late []int64, err error)
	// Defer gives deliveries back for a later time, at no cost. What has ended, or is
	// held under another fence, stays as it is.
	Defer(ctx context.Context, ds []Deferral) error
	// Release makes due at once what was deferred by a messenger with slots, and answers
	// with how much that is: its slots come up sooner than they did.
	Release(ctx context.Context, messenger string) (int, error)
	// Move tells the directory that what was at a destination is at another now.
	Move(ctx context.Context, m Move) error
}

// A Move is what a provider says of a destination.
type Move struct{ Messenger, CredentialKey, From, To string }

// A Deferral lets a delivery wait for its provider.
type Deferral struct {
	DeliveryID int64
	Fence      int64 // of its claim; 0 where it was not claimed
	Time       time.Time
	Wait       time.Duration // the longest, as the clock may be put right before it is sent
	Slots      string        // what was reserved; the job brings it back
}

// A Meter is told what senders do. Its methods are called by many at once.
type Meter interface {
	// Attempted is told of every call to a provider.
	Attempted(messenger string, o messenger.Outcome, took time.Duration)
	// Waited is told how long after it was taken a delivery was called for.
	Waited(messenger string, wait time.Duration)
	// Deferred is told of every delivery that was given back, and why.
	Deferred(messenger, why string)
	// Paused is told when a provider asked to wait.
	Paused(messenger string, wait time.Duration)
	// Refused is told when a provider refused a credential.
	Refused(messenger string)
	// Broke is told when a breaker changed: closed, open or half-open.
	Broke(messenger, from, to string)
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
	// SealedCredential is the delivery's, sealed for Outcome.Destination; nil where that
	// is empty.
	SealedCredential []byte
}

// A Sender sends what is queued. Its fields must be set before Run.
type Sender struct {
	Messengers []messenger.Messenger
	Jobs       func(messenger string) Jobs // the jobs of a messenger, asked for once each
	Dispatch   Dispatch
	Key        *seal.Key
	Workers    int                                  // calls at a time, for each messenger
	Timeout    func(messenger string) time.Duration // of one call to a provider; shorter than a lease
	Now        func() time.Time
	Log        *slog.Logger
	Meter      Meter

	Pace    *pace.Pacer // it must run, and stop last
	Limits  func(messenger.Spec) messenger.Limits
	Breaker BreakerConfig
	// RefusalTime is how long a credential is left alone that its provider refused,
	// before one delivery tries it again. It must be above 0.
	RefusalTime time.Duration
}

// Run sends until ctx ends, and then finishes and reports what it has claimed. No
// messenger waits for another.
func (s *Sender) Run(ctx context.Context) error {
	var g errgroup.Group
	link, slots := newLink(s.Log), &outage{log: s.Log}
	for _, m := range s.Messengers {
		l := newLane(s, m, link)
		l.slots = slots
		g.Go(func() error { return l.run(ctx) })
	}
	return g.Wait()
}
