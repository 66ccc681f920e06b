package sender

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/kit/seal"
)

// A callStage calls the provider: its workers take ready tasks, and pass on a result for
// each. Its methods are safe for concurrent use by the workers.
type callStage struct {
	name      string // of the messenger
	messenger messenger.Messenger
	log       *slog.Logger
	now       func() time.Time
	metrics   Metrics
	spans     spans
	key       *seal.Keyring
	timeout   time.Duration // of a call
	limiter   *ratelimit.Limiter
	breakers  *breakers
	refusals  *refusalCounter
	deferrer  *deferrer
	share     *outcomeSharer
	ackURL    func(incident int64, nickname string) string // nil for no links

	ready   *readyQueue  // from the schedule stage
	reslots *reslotQueue // to the reslot stage
	results resultQueue  // to the report stage
}

// run is one worker: it attempts one delivery after the other until the ready queue is
// closed and empty, even after ctx ended. The result is passed on first, since sharing the
// outcome may take longer than the lease.
func (s *callStage) run(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for t := s.ready.take(); t != nil; t = s.ready.take() {
		r, ended := s.attempt(ctx, t)
		if r.report != nil && !r.called {
			s.spans.recordUncalled(ctx, t, r.report)
		}
		if ended {
			s.results.add(r)
		}
		if r.called {
			s.share.run(ctx, t, r.report)
		}
	}
}

// attempt makes one call to the provider and returns its result. If the lease would
// expire during the call, or the breaker is open, it makes no call and defers the
// delivery. If the delivery missed its slot, ended is false: another slot is reserved for
// it.
func (s *callStage) attempt(ctx context.Context, t *task) (r result, ended bool) {
	start := s.now()
	view := viewSlots(s.limiter, t)
	if status := view.credentialView.Status(); !status.RefusedUntil.IsZero() {
		t.refused = status.Code // refused since it was claimed
	}
	if t.refused != "" {
		s.refusals.count(t.credential.ID)
		return uncalled(t, start, refusalOutcome(t.refused)), true
	}
	if start.Add(s.timeout).After(t.claim.LeaseExpireTime) {
		t.logger(s.log).Warn("delivery deferred: its lease would expire before the call ends")
		return s.deferrer.deferUntil(t, start, deferralLease), true
	}
	if view.isMissed() { // while waiting for a worker
		return s.reslots.addMissed(t)
	}
	credential, err := s.key.OpenForOwner(t.delivery.SealedCredential, t.owner(s.name))
	if err != nil { // a problem of our seal key, not a refusal by the provider
		return uncalled(t, start, unreadableOutcome(err)), true
	}
	breaker := s.breakers.forKey(t.credential.ID)
	if !breaker.allow(t.delivery.Destination) {
		return s.deferrer.deferUntil(t, start.Add(max(breaker.openFor(), probeInterval)+rand.N(probeInterval)), deferralBreaker), true //nolint:gosec // spreads load
	}
	s.metrics.Waited(s.name, start.Sub(t.taken))
	callCtx, cancel := context.WithTimeout(ctx, s.timeout)
	callCtx, span := s.spans.startAttempt(callCtx, t)
	outcome := s.callProvider(callCtx, t, credential)
	endAttempt(span, outcome)
	cancel()
	end := s.now()
	breaker.record(t.delivery.Destination, outcome)
	s.metrics.Attempted(s.name, outcome, end.Sub(start))
	report := &dispatch.Report{DeliveryID: t.delivery.ID, Fence: t.claim.Fence, StartTime: start, EndTime: end, Outcome: outcome}
	report.SealedCredential = s.resealForMove(t, credential, outcome)
	return t.reported(report, true), true
}

// uncalled returns the result of a task that ends without a call.
func uncalled(t *task, at time.Time, o messenger.Outcome) result {
	return t.reported(&dispatch.Report{DeliveryID: t.delivery.ID, Fence: t.claim.Fence, StartTime: at, EndTime: at, Outcome: o}, false)
}

// resealForMove returns the credential sealed for the delivery's new destination, or nil if
// the provider returned none.
func (s *callStage) resealForMove(t *task, credential string, o messenger.Outcome) []byte {
	if o.Destination == "" {
		return nil
	}
	owner := t.owner(s.name)
	owner.Address = o.Destination
	sealed, err := s.key.SealForOwner(credential, owner)
	if err != nil {
		t.logger(s.log).Error("cannot seal a credential for its new destination", "error", err)
		return nil
	}
	return sealed
}

// callProvider sends the message of a task. A panic of the messenger becomes an unknown
// outcome.
func (s *callStage) callProvider(ctx context.Context, t *task, credential string) (outcome messenger.Outcome) {
	defer func() {
		if p := recover(); p != nil { // a panic of one messenger must not stop the others
			t.logger(s.log).Error("messenger panicked", "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			outcome = messenger.Outcome{Kind: messenger.Unknown, Code: "panic"}
		}
	}()
	content := t.job.Content
	m := messenger.Message{
		DeliveryID:  t.delivery.ID,
		AlertID:     t.job.AlertID,
		Nickname:    t.delivery.Nickname,
		Credential:  credential,
		Destination: t.delivery.Destination,
		Text:        content.Text,
		Severity:    content.Severity,
		RankName:    t.job.Rank.String(),
		Title:       content.Title,
		Link:        content.Link,
		Details:     content.Details,
		Time:        content.Time,
		AlertKey:    content.AlertKey,
		Resolved:    content.Resolved,

		Acknowledged: content.Acknowledged,
		Incident:     content.Incident,
		Previous:     t.delivery.Previous,
		Reply:        content.Reply,
		AckURL:       s.ackURLOf(t),
	}
	t.digestMessage(&m)
	outcome = s.messenger.Send(ctx, m)
	if m.Digest != "" {
		outcome.Reference = "" // a later message of one incident must not change that of all
	}
	// Otherwise a messenger that sets it for a new message would be called again without end.
	outcome.PreviousGone = outcome.PreviousGone && t.delivery.Previous != ""
	return outcome
}

// ackURLOf returns the acknowledgment link of a firing alert of an incident for the recipient of a
// task, or "".
func (s *callStage) ackURLOf(t *task) string {
	content := t.job.Content
	if s.ackURL == nil || content.Incident == 0 || content.Resolved || content.Acknowledged || t.delivery.Nickname == "" {
		return ""
	}
	return s.ackURL(content.Incident, t.delivery.Nickname)
}

// refusalOutcome returns the outcome of a delivery that fails without a call.
func refusalOutcome(code string) messenger.Outcome {
	return messenger.Outcome{
		Kind:  messenger.Failed,
		Scope: messenger.CredentialScope,
		Code:  code,
		Excerpt: "not called: the provider refused this credential shortly before, with this code; " +
			"correct the credential and replay the delivery",
	}
}

// unreadableOutcome returns the outcome for a credential that cannot be opened. If its seal
// key is unknown, the delivery is retried: the seal key file may not have reached this
// machine yet.
func unreadableOutcome(err error) messenger.Outcome {
	switch {
	case errors.Is(err, seal.ErrUnknownKey):
		return messenger.Outcome{Kind: messenger.Retry, Code: "seal_key_unknown", Excerpt: err.Error()}
	case errors.Is(err, seal.ErrUnknownOwner): // a job of an older alert service
		return messenger.Outcome{Kind: messenger.Retry, Code: "seal_owner_unknown", Excerpt: err.Error()}
	}
	return messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "credential_unreadable", Excerpt: err.Error()}
}
