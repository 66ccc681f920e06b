package sender

import (
	"context"
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

const (
	// shortPause is the pause if a provider requests one without a duration.
	shortPause = time.Second
	// goneRefusalTime is how long a URL that its provider reports as gone for good is not
	// called. Then one delivery probes it, because people do restore such URLs. An
	// address with another URL has another limiter key.
	goneRefusalTime = 23 * time.Hour
	// shareTimeout is the timeout for sharing an outcome with the other senders.
	shareTimeout = 3 * time.Second
)

// An outcomeSharer shares outcomes beyond their deliveries: pauses, refusals and open
// breakers with all senders, new destinations with the directory. It is part of the call
// stage, and safe for concurrent use by the workers.
type outcomeSharer struct {
	messenger     string
	credentialURL bool // the credential is a URL
	log           *slog.Logger
	metrics       Metrics
	limiter       *ratelimit.Limiter
	breakers      *breakers
	refusals      *refusalCounter
	refusalTime   time.Duration
	dispatch      Dispatch
}

// run shares the outcome of a call.
func (s *outcomeSharer) run(ctx context.Context, t *task, r *dispatch.Report) {
	if open := s.breakers.forKey(t.credential.ID).openFor(); open > 0 {
		s.publishBreaker(ctx, t, r.EndTime.Add(open))
	}
	s.updateLimiter(ctx, t, r.Outcome, r.EndTime)
	s.reportMove(ctx, t, r.Outcome)
}

// updateLimiter changes the limiter state that all senders share, by the outcome of a call.
func (s *outcomeSharer) updateLimiter(ctx context.Context, t *task, o messenger.Outcome, now time.Time) {
	if t.credential.ID == "" {
		return
	}
	var err error
	switch {
	case o.Kind == messenger.Paused:
		key, wait := t.credential.Key, max(o.RetryAfter, shortPause)
		if o.Scope == messenger.DestinationScope && t.destination.ID != "" {
			key = t.destination.Key
		}
		s.metrics.Paused(s.messenger, wait)
		t.logger(s.log).Info("provider requested a pause", "key", key.ID, "wait", wait, "code", o.Code)
		err = withShareTimeout(ctx, func(ctx context.Context) error { return s.limiter.Pause(ctx, key, now.Add(wait), o.Code) })
	case o.Kind == messenger.Failed && (o.Scope == messenger.CredentialScope || o.Gone && s.credentialURL):
		err = withShareTimeout(ctx, func(ctx context.Context) error { return s.markRefused(ctx, t, o, now) })
	case o.Kind != messenger.Retry && s.limiter.View(t.credential.Key).Status().Code != "":
		s.log.Info("provider accepts a refused credential again", "key", t.credential.ID,
			"failed_without_call", s.refusals.reset(t.credential.ID))
		err = withShareTimeout(ctx, func(ctx context.Context) error { return s.limiter.ClearRefusal(ctx, t.credential.Key) })
	}
	if err != nil {
		s.log.Warn("cannot share limiter state with other senders", "key", t.credential.ID, "error", err)
	}
}

// withShareTimeout calls share with a timeout of shareTimeout.
func withShareTimeout(ctx context.Context, share func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, shareTimeout)
	defer cancel()
	return share(ctx)
}

// reportMove reports a new destination to the directory. If that fails, the provider returns
// it again for the next delivery to the old one.
func (s *outcomeSharer) reportMove(ctx context.Context, t *task, o messenger.Outcome) {
	if o.Destination == "" || t.delivery.CredentialFingerprint == "" {
		return
	}
	moved := DestinationMove{s.messenger, t.delivery.CredentialFingerprint, t.delivery.Destination, o.Destination}
	if err := withShareTimeout(ctx, func(ctx context.Context) error { return s.dispatch.MoveDestination(ctx, moved) }); err != nil {
		t.logger(s.log).Warn("cannot report a new destination to the directory", "error", err)
		return
	}
	t.logger(s.log).Info("provider returned a new destination")
}

// publishBreaker publishes an open breaker for display. Nothing depends on it.
func (s *outcomeSharer) publishBreaker(ctx context.Context, t *task, until time.Time) {
	if err := withShareTimeout(ctx, func(ctx context.Context) error { return s.limiter.SetBreakerOpen(ctx, t.credential.Key, until) }); err != nil {
		s.log.Debug("cannot publish an open breaker", "key", t.credential.ID, "error", err)
	}
}

// markRefused marks a credential that its provider refused, or a URL that is gone, as
// refused, and logs it once for all its deliveries.
func (s *outcomeSharer) markRefused(ctx context.Context, t *task, o messenger.Outcome, now time.Time) error {
	until := now.Add(s.refusalTime)
	if o.Gone {
		until = now.Add(max(s.refusalTime, goneRefusalTime))
	}
	first, err := s.limiter.MarkRefused(ctx, t.credential.Key, o.Code, until)
	if first {
		s.metrics.Refused(s.messenger)
		t.logger(s.log).Error("provider refused a credential, its deliveries fail: correct it and replay them",
			"key", t.credential.ID, "code", o.Code, "until", until,
			"failed_without_call", s.refusals.reset(t.credential.ID))
	}
	return err
}
