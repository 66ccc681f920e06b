package sender

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/seal"
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
func (pl *pipeline) attempt(ctx context.Context, t *task) (r result, over bool) {
	start := pl.Now()
	view := pl.slotView(t)
	if status := view.credentialView.Status(); !status.RefusedUntil.IsZero() {
		t.refused = status.Code // refused since it was claimed
	}
	if t.refused != "" {
		pl.refusals.count(t.credential.ID)
		return result{hand: t.message, report: &Report{DeliveryID: t.delivery.ID, Fence: t.claim.Fence, StartTime: start, EndTime: start, Outcome: refusalOutcome(t.refused)}}, true
	}
	if start.Add(pl.timeout).After(t.claim.LeaseExpireTime) {
		pl.Log.Warn("delivery deferred: its lease would expire before the call ends", "messenger", pl.name, "delivery", t.delivery.ID)
		return pl.deferTask(t, start, deferralLease), true
	}
	if view.isMissed() { // while waiting for a worker
		return pl.reslot(t)
	}
	credential, err := pl.Key.OpenForOwner(t.delivery.SealedCredential, pl.owner(t))
	if err != nil { // a problem of our seal key, not a refusal by the provider
		return result{hand: t.message, report: &Report{DeliveryID: t.delivery.ID, Fence: t.claim.Fence, StartTime: start, EndTime: start, Outcome: unreadableOutcome(err)}}, true
	}
	breaker := pl.breakers.forKey(t.credential.ID)
	if !breaker.allow(t.delivery.Destination) {
		return pl.deferTask(t, start.Add(max(breaker.openFor(), probeInterval)+rand.N(probeInterval)), deferralBreaker), true //nolint:gosec // spreads load
	}
	pl.Metrics.Waited(pl.name, start.Sub(t.taken))
	calling, cancel := context.WithTimeout(ctx, pl.timeout)
	outcome := pl.callProvider(calling, t, credential)
	cancel()
	end := pl.Now()
	breaker.record(t.delivery.Destination, outcome.Kind)
	pl.Metrics.Attempted(pl.name, outcome, end.Sub(start))
	report := &Report{DeliveryID: t.delivery.ID, Fence: t.claim.Fence, StartTime: start, EndTime: end, Outcome: outcome}
	report.SealedCredential = pl.resealForMove(t, credential, outcome)
	return result{hand: t.message, called: true, report: report}, true
}

// owner returns the address that the credential of a task is sealed for.
func (pl *pipeline) owner(t *task) seal.Owner {
	return seal.Owner{Nickname: t.delivery.Nickname, Messenger: pl.name, Destination: t.delivery.Destination}
}

// resealForMove returns the credential sealed for the delivery's new destination, or nil if
// the provider returned none.
func (pl *pipeline) resealForMove(t *task, credential string, o messenger.Outcome) []byte {
	if o.Destination == "" {
		return nil
	}
	of := pl.owner(t)
	of.Destination = o.Destination
	sealed, err := pl.Key.SealForOwner(credential, of)
	if err != nil {
		pl.Log.Error("cannot seal a credential for its new destination", "messenger", pl.name, "delivery", t.delivery.ID, "error", err)
		return nil
	}
	return sealed
}

// shareResult shares the outcome of a call. That may take longer than the lease, so the report
// is queued first.
func (pl *pipeline) shareResult(ctx context.Context, t *task, r *Report) {
	if open := pl.breakers.forKey(t.credential.ID).openFor(); open > 0 {
		pl.publishBreaker(ctx, t, r.EndTime.Add(open))
	}
	pl.shareOutcome(ctx, t, r.Outcome, r.EndTime)
	pl.reportMove(ctx, t, r.Outcome)
}

// shareOutcome updates the limiter state of the key by an outcome, for all senders.
func (pl *pipeline) shareOutcome(ctx context.Context, t *task, o messenger.Outcome, now time.Time) {
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
		pl.Metrics.Paused(pl.name, wait)
		pl.Log.Info("provider requested a pause", "messenger", pl.name, "key", key.ID, "wait", wait, "code", o.Code)
		err = withShareTimeout(ctx, func(ctx context.Context) error { return pl.Limiter.Pause(ctx, key, now.Add(wait), o.Code) })
	case o.Kind == messenger.Failed && (o.Scope == messenger.CredentialScope || o.Gone && pl.messenger.Spec().Credential.URL):
		err = withShareTimeout(ctx, func(ctx context.Context) error { return pl.markRefused(ctx, t, o, now) })
	case o.Kind != messenger.Retry && pl.Limiter.View(t.credential.Key).Status().Code != "":
		pl.Log.Info("provider accepts a refused credential again", "messenger", pl.name, "key", t.credential.ID,
			"failed_without_call", pl.refusals.reset(t.credential.ID))
		err = withShareTimeout(ctx, func(ctx context.Context) error { return pl.Limiter.ClearRefusal(ctx, t.credential.Key) })
	}
	if err != nil {
		pl.Log.Warn("cannot share limiter state with other senders", "messenger", pl.name, "key", t.credential.ID, "error", err)
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
func (pl *pipeline) reportMove(ctx context.Context, t *task, o messenger.Outcome) {
	if o.Destination == "" || t.delivery.CredentialFingerprint == "" {
		return
	}
	moved := DestinationMove{pl.name, t.delivery.CredentialFingerprint, t.delivery.Destination, o.Destination}
	if err := withShareTimeout(ctx, func(ctx context.Context) error { return pl.Dispatch.MoveDestination(ctx, moved) }); err != nil {
		pl.Log.Warn("cannot report a new destination to the directory", "messenger", pl.name, "delivery", t.delivery.ID, "error", err)
		return
	}
	pl.Log.Info("provider returned a new destination", "messenger", pl.name, "delivery", t.delivery.ID)
}

// publishBreaker publishes an open breaker for display. Nothing depends on it.
func (pl *pipeline) publishBreaker(ctx context.Context, t *task, until time.Time) {
	if err := withShareTimeout(ctx, func(ctx context.Context) error { return pl.Limiter.SetBreakerOpen(ctx, t.credential.Key, until) }); err != nil {
		pl.Log.Debug("cannot publish an open breaker", "messenger", pl.name, "key", t.credential.ID, "error", err)
	}
}

// markRefused marks a credential that its provider refused, or a URL that is gone, as refused,
// and logs it once for all its deliveries.
func (pl *pipeline) markRefused(ctx context.Context, t *task, o messenger.Outcome, now time.Time) error {
	until := now.Add(pl.RefusalTime)
	if o.Gone {
		until = now.Add(max(pl.RefusalTime, goneRefusalTime))
	}
	news, err := pl.Limiter.MarkRefused(ctx, t.credential.Key, o.Code, until)
	if news {
		pl.Metrics.Refused(pl.name)
		pl.Log.Error("provider refused a credential, its deliveries fail: correct it and replay them",
			"messenger", pl.name, "key", t.credential.ID, "code", o.Code, "until", until,
			"delivery", t.delivery.ID, "failed_without_call", pl.refusals.reset(t.credential.ID))
	}
	return err
}

// callProvider sends the message of a task. A panic of the messenger becomes an unknown outcome.
func (pl *pipeline) callProvider(ctx context.Context, t *task, credential string) (outcome messenger.Outcome) {
	defer func() {
		if p := recover(); p != nil { // a panic of one messenger must not stop the others
			pl.Log.Error("messenger panicked", "messenger", pl.name, "delivery", t.delivery.ID, "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			outcome = messenger.Outcome{Kind: messenger.Unknown, Code: "panic"}
		}
	}()
	content := t.job.Content
	return pl.messenger.Send(ctx, messenger.Message{
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
