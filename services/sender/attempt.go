package sender

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/seal"
)

const (
	// shortPause is the pause if a provider requests one without a duration.
	shortPause = time.Second
	// goneRefusalTime is how long a URL that its provider reports as gone for good is not
	// called. Then one delivery probes it, because people do restore such URLs. An
	// address with another URL has another key.
	goneRefusalTime = 23 * time.Hour
	// shareTimeout is the timeout for sharing an outcome with the other senders.
	shareTimeout = 3 * time.Second
)

// attempt makes one call to the provider and returns its result. If the lease would
// expire during the call, or the breaker is open, it makes no call and defers the
// delivery. If the delivery missed its slot, over is false: another slot is reserved for
// it.
func (l *pipeline) attempt(ctx context.Context, t *task) (r result, over bool) {
	start := l.Now()
	turn := l.slotView(t)
	if status := turn.credentialView.Status(); !status.RefusedUntil.IsZero() {
		t.refused = status.Code // refused since it was claimed
	}
	if t.refused != "" {
		l.refusals.count(t.credential.ID)
		return result{hand: t.message, report: &Report{DeliveryID: t.delivery.ID, Fence: t.claim.Fence, Start: start, End: start, Outcome: refusalOutcome(t.refused)}}, true
	}
	if start.Add(l.timeout).After(t.claim.Expire) {
		l.Log.Warn("delivery deferred: its lease would expire before the call ends", "messenger", l.name, "delivery", t.delivery.ID)
		return l.deferTask(t, start, deferralLease), true
	}
	if turn.isMissed() { // while waiting for a worker
		return l.reslot(t)
	}
	credential, err := l.Key.OpenForOwner(t.delivery.SealedCredential, l.owner(t))
	if err != nil { // a problem of our seal key, not a refusal by the provider
		return result{hand: t.message, report: &Report{DeliveryID: t.delivery.ID, Fence: t.claim.Fence, Start: start, End: start, Outcome: unreadableOutcome(err)}}, true
	}
	breaker := l.breakers.forKey(t.credential.ID)
	if !breaker.allow(t.delivery.Destination) {
		return l.deferTask(t, start.Add(max(breaker.openFor(), probeInterval)+rand.N(probeInterval)), deferralBreaker), true //nolint:gosec // spreads load
	}
	l.Metrics.Waited(l.name, start.Sub(t.taken))
	calling, cancel := context.WithTimeout(ctx, l.timeout)
	outcome := l.callProvider(calling, t, credential)
	cancel()
	end := l.Now()
	breaker.record(t.delivery.Destination, outcome.Kind)
	l.Metrics.Attempted(l.name, outcome, end.Sub(start))
	report := &Report{DeliveryID: t.delivery.ID, Fence: t.claim.Fence, Start: start, End: end, Outcome: outcome}
	report.SealedCredential = l.resealForMove(t, credential, outcome)
	return result{hand: t.message, called: true, report: report}, true
}

// owner returns the address that the credential of a task is sealed for.
func (l *pipeline) owner(t *task) seal.Owner {
	return seal.Owner{Nickname: t.delivery.Nickname, Messenger: l.name, Destination: t.delivery.Destination}
}

// resealForMove returns the credential sealed for the delivery's new destination, or nil if
// the provider returned none.
func (l *pipeline) resealForMove(t *task, credential string, o messenger.Outcome) []byte {
	if o.Destination == "" {
		return nil
	}
	of := l.owner(t)
	of.Destination = o.Destination
	sealed, err := l.Key.SealForOwner(credential, of)
	if err != nil {
		l.Log.Error("cannot seal a credential for its new destination", "messenger", l.name, "delivery", t.delivery.ID, "error", err)
		return nil
	}
	return sealed
}

// shareResult shares the outcome of a call. That may take longer than the lease, so the report
// is queued first.
func (l *pipeline) shareResult(ctx context.Context, t *task, r *Report) {
	if open := l.breakers.forKey(t.credential.ID).openFor(); open > 0 {
		l.publishBreaker(ctx, t, r.End.Add(open))
	}
	l.shareOutcome(ctx, t, r.Outcome, r.End)
	l.reportMove(ctx, t, r.Outcome)
}

// shareOutcome updates the limiter state of the key by an outcome, for all senders.
func (l *pipeline) shareOutcome(ctx context.Context, t *task, o messenger.Outcome, now time.Time) {
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
		l.Metrics.Paused(l.name, wait)
		l.Log.Info("provider requested a pause", "messenger", l.name, "key", key.ID, "wait", wait, "code", o.Code)
		err = withShareTimeout(ctx, func(ctx context.Context) error { return l.Limiter.Pause(ctx, key, now.Add(wait), o.Code) })
	case o.Kind == messenger.Failed && (o.Scope == messenger.CredentialScope || o.Gone && l.messenger.Spec().Credential.URL):
		err = withShareTimeout(ctx, func(ctx context.Context) error { return l.markRefused(ctx, t, o, now) })
	case o.Kind != messenger.Retry && l.Limiter.View(t.credential.Key).Status().Code != "":
		l.Log.Info("provider accepts a refused credential again", "messenger", l.name, "key", t.credential.ID,
			"failed_without_call", l.refusals.reset(t.credential.ID))
		err = withShareTimeout(ctx, func(ctx context.Context) error { return l.Limiter.ClearRefusal(ctx, t.credential.Key) })
	}
	if err != nil {
		l.Log.Warn("cannot share limiter state with other senders", "messenger", l.name, "key", t.credential.ID, "error", err)
	}
}

// withShareTimeout calls a function with a timeout of shareTimeout.
func withShareTimeout(ctx context.Context, tell func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, shareTimeout)
	defer cancel()
	return tell(ctx)
}

// reportMove reports a new destination to the directory. If that fails, the provider returns it
// again for the next delivery to the old one.
func (l *pipeline) reportMove(ctx context.Context, t *task, o messenger.Outcome) {
	if o.Destination == "" || t.delivery.CredentialFingerprint == "" {
		return
	}
	moved := DestinationMove{l.name, t.delivery.CredentialFingerprint, t.delivery.Destination, o.Destination}
	if err := withShareTimeout(ctx, func(ctx context.Context) error { return l.Dispatch.MoveDestination(ctx, moved) }); err != nil {
		l.Log.Warn("cannot report a new destination to the directory", "messenger", l.name, "delivery", t.delivery.ID, "error", err)
		return
	}
	l.Log.Info("provider returned a new destination", "messenger", l.name, "delivery", t.delivery.ID)
}

// publishBreaker publishes an open breaker for display. Nothing depends on it.
func (l *pipeline) publishBreaker(ctx context.Context, t *task, until time.Time) {
	if err := withShareTimeout(ctx, func(ctx context.Context) error { return l.Limiter.SetBreakerOpen(ctx, t.credential.Key, until) }); err != nil {
		l.Log.Debug("cannot publish an open breaker", "messenger", l.name, "key", t.credential.ID, "error", err)
	}
}

// markRefused marks a credential that its provider refused, or a URL that is gone, as refused,
// and logs it once for all its deliveries.
func (l *pipeline) markRefused(ctx context.Context, t *task, o messenger.Outcome, now time.Time) error {
	until := now.Add(l.RefusalTime)
	if o.Gone {
		until = now.Add(max(l.RefusalTime, goneRefusalTime))
	}
	news, err := l.Limiter.MarkRefused(ctx, t.credential.Key, o.Code, until)
	if news {
		l.Metrics.Refused(l.name)
		l.Log.Error("provider refused a credential, its deliveries fail: correct it and replay them",
			"messenger", l.name, "key", t.credential.ID, "code", o.Code, "until", until,
			"delivery", t.delivery.ID, "failed_without_call", l.refusals.reset(t.credential.ID))
	}
	return err
}

// callProvider sends the message of a task. A panic of the messenger becomes an unknown outcome.
func (l *pipeline) callProvider(ctx context.Context, t *task, credential string) (outcome messenger.Outcome) {
	defer func() {
		if p := recover(); p != nil { // a panic of one messenger must not stop the others
			l.Log.Error("messenger panicked", "messenger", l.name, "delivery", t.delivery.ID, "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			outcome = messenger.Outcome{Kind: messenger.Unknown, Code: "panic"}
		}
	}()
	content := t.job.Content
	return l.messenger.Send(ctx, messenger.Message{
		DeliveryID:  t.delivery.ID,
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
	})
}

// unreadableOutcome returns the outcome for a credential that cannot be opened. If its seal key
// is unknown, the delivery is retried: the seal key file may not have reached this
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
