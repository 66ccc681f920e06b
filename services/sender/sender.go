// Package sender sends the deliveries of queued jobs. Each messenger has a pipeline of its
// own, and each stage of it is a type:
//
//	jobs -> take -> plan -> claim -> schedule -> call -> report -> ack
//	                 |                ^   |       |
//	                 v                |   v       v
//	               defer -> ack       +- reslot <-+
//
// In this order:
//   - take takes jobs while the alert service responds, and nacks them otherwise.
//   - plan determines when their deliveries may be sent: it reserves slots, and looks at
//     pauses, refusals and breakers. Deliveries that may be sent only later are deferred.
//   - claim claims the others from the alert service, a claim batch at a time. It drops
//     deliveries that another sender has claimed, or that are completed.
//   - defer records the deferrals of unclaimed deliveries, beside the other stages.
//   - schedule keeps claimed deliveries until their slots come up, and then passes them to
//     the workers, the most urgent first.
//   - call makes one call to the provider, and shares a pause, a refusal or an open breaker
//     with the other senders.
//   - reslot reserves other slots for claimed deliveries that missed theirs.
//   - report records outcomes, and the deferrals of claimed deliveries that could not be sent
//     in time, from schedule, call or reslot.
//
// A queue message is acked when all of its deliveries are recorded. The order is a
// guarantee: a sender that dies at any point loses nothing, since the queue redelivers the
// message, or the leases of its claims expire. When the sender stops, each stage finishes
// the work of the one before it.
//
// A stage is a struct in the file of its name, and no other stage accesses its fields. take,
// plan and claim share a goroutine, since up to the claim the taken jobs are nacked as a
// whole; call has a goroutine for each worker, the others have one each. State that stages
// share is in types that are safe for concurrent use: the queues between stages, the
// breakers, the size of a claim batch, the link to the alert service. pipeline.go connects
// the stages.
package sender

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// JobSource is a source of the jobs of one messenger.
type JobSource interface {
	// Run fetches jobs until ctx ends, and then nacks those that were not taken.
	Run(ctx context.Context) error
	// Take waits for jobs and returns those that are available, until they hold enough
	// deliveries, the most urgent first. It returns the error of ctx if that ends before.
	Take(ctx context.Context, enough int) ([]job.QueueMessage, error)
}

// A Dispatch claims deliveries and records their outcomes, in batches. All times are by the
// clock of the sender.
type Dispatch interface {
	// Claim claims deliveries under a lease; deliveries missing in the result must not be
	// sent. A request without a response may have been granted: a retry with the same
	// request ID returns the same claims. Another request needs another ID.
	Claim(ctx context.Context, request [16]byte, ids []int64) (map[int64]dispatch.Claim, error)
	// Claimable returns those of ids that are claimable now, with the slots that were
	// reserved for them, empty for none. It claims nothing.
	Claimable(ctx context.Context, ids []int64) (slots map[int64]string, err error)
	// Report records outcomes. late holds the deliveries that were claimed again or
	// completed since; they are unchanged.
	Report(ctx context.Context, reports []dispatch.Report) (late []int64, err error)
	// Defer defers deliveries, without an attempt. Deliveries that are completed, or
	// claimed under another fencing token, are unchanged.
	Defer(ctx context.Context, ds []dispatch.Deferral) error
	// Release makes the deliveries of a messenger that were deferred with slots due at
	// once, and returns their number: their slots come up sooner than before. A deferral for
	// lack of a slot counts as one with slots.
	Release(ctx context.Context, messenger string) (int, error)
	// MoveDestination records a new destination in the directory.
	MoveDestination(ctx context.Context, m DestinationMove) error
}

// A DestinationMove is a new destination that a provider returned for an old one.
type DestinationMove struct{ Messenger, CredentialFingerprint, From, To string }

// Metrics records metrics of senders. It must be safe for concurrent use.
type Metrics interface {
	// Attempted records a call to a provider.
	Attempted(messenger string, o messenger.Outcome, took time.Duration)
	// Waited records the time from taking a delivery to its call.
	Waited(messenger string, wait time.Duration)
	// Deferred records a deferred delivery and the reason.
	Deferred(messenger, why string)
	// Paused records a pause that a provider requested.
	Paused(messenger string, wait time.Duration)
	// Refused records a credential that a provider refused.
	Refused(messenger string)
	// BreakerChanged records a state change of a breaker: closed, open or half-open.
	BreakerChanged(messenger, from, to string)
}

// A Sender sends queued deliveries. Its fields must be set before Run.
type Sender struct {
	Messengers []messenger.Messenger
	Jobs       func(messenger string) JobSource // called once per messenger
	Dispatch   Dispatch
	Key        *seal.Keyring
	Workers    int                                  // concurrent calls per messenger
	Timeout    func(messenger string) time.Duration // of one call to a provider; shorter than a lease
	Now        func() time.Time
	Log        *slog.Logger
	Metrics    Metrics
	Tracer     *telemetry.Tracer // nil records no spans

	Limiter *ratelimit.Limiter // its Run must be running, and stop last
	Limits  func(messenger.Spec) messenger.Limits
	Breaker BreakerConfig
	// RefusalTime is how long a refused credential is not called, before one delivery
	// probes it. It must be above 0.
	RefusalTime time.Duration
	// AckURL returns the acknowledgment link of an incident for the user with a nickname; nil
	// if messages have no such links.
	AckURL func(incident int64, nickname string) string
}

// Run sends until ctx ends, and then finishes and reports the claimed deliveries.
// Messengers do not block each other.
func (s *Sender) Run(ctx context.Context) error {
	var g errgroup.Group
	link, outage := newAlertLink(s.Log), &slotOutage{log: s.Log}
	for _, m := range s.Messengers {
		p := newPipeline(s, m, link, outage)
		g.Go(func() error { return p.run(ctx) })
	}
	return g.Wait()
}
