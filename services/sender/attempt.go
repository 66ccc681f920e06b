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
	// goneTime is how long a URL that its provider reports as gone for good is not
	// called. Then one delivery probes it, because people do restore such URLs. An
	// address with another URL has another key.
	goneTime = 23 * time.Hour
	// shareTimeout is the timeout for sharing an outcome with the other senders.
	shareTimeout = 3 * time.Second
)

// attempt makes one call to the provider and returns its result. If the lease would
// expire during the call, or the breaker is open, it makes no call and defers the
// delivery. If the delivery missed its slot, over is false: another slot is reserved for
// it.
func (l *lane) attempt(ctx context.Context, t *task) (r result, over bool) {
	start := l.Now()
	turn := l.turn(t)
	if status := turn.credentialView.Status(); !status.RefusedUntil.IsZero() {
		t.refused = status.Code // refused since it was claimed
	}
	if t.refused != "" {
		l.refusals.count(t.credential.ID)
		return result{hand: t.hand, report: &Report{DeliveryID: t.delivery.ID, Fence: t.claim.Fence, Start: start, End: start, Outcome: refusal(t.refused)}}, true
	}
	if start.Add(l.timeout).After(t.claim.Expire) {
		l.Log.Warn("delivery deferred: its lease would expire before the call ends", "messenger", l.name, "delivery", t.delivery.ID)
		return l.put(t, start, becauseLease), true
	}
	if turn.missed() { // while waiting for a worker
		return l.late(t)
	}
	credential, err := l.Key.OpenFor(t.delivery.SealedCredential, l.owner(t))
	if err != nil { // a problem of our seal key, not a refusal by the provider
		return result{hand: t.hand, report: &Report{DeliveryID: t.delivery.ID, Fence: t.claim.Fence, Start: start, End: start, Outcome: unreadable(err)}}, true
	}
	breaker := l.breakers.of(t.credential.ID)
	if !breaker.let(t.delivery.Destination) {
		return l.put(t, start.Add(max(breaker.closedIn(), probeWait)+rand.N(probeWait)), becauseBreaker), true //nolint:gosec // spreads load
	}
	l.Meter.Waited(l.name, start.Sub(t.taken))
	calling, cancel := context.WithTimeout(ctx, l.timeout)
	outcome := l.call(calling, t, credential)
	cancel()
	end := l.Now()
	breaker.record(t.delivery.Destination, outcome.Kind)
	l.Meter.Attempted(l.name, outcome, end.Sub(start))
	report := &Report{DeliveryID: t.delivery.ID, Fence: t.claim.Fence, Start: start, End: end, Outcome: outcome}
	report.SealedCredential = l.resealed(t, credential, outcome)
	return result{hand: t.hand, called: true, report: report}, true
}

// owner returns the address that the credential of a task is sealed for.
func (l *lane) owner(t *task) seal.Owner {
	return seal.Owner{Nickname: t.delivery.Nickname, Messenger: l.name, Destination: t.delivery.Destination}
}

// resealed returns the credential sealed for the delivery's new destination, or nil if
// the provider returned none.
func (l *lane) resealed(t *task, credential string, o messenger.Outcome) []byte {
	if o.Destination == "" {
		return nil
	}
	of := l.owner(t)
	of.Destination = o.Destination
	sealed, err := l.Key.SealFor(credential, of)
	if err != nil {
		l.Log.Error("cannot seal a credential for its new destination", "messenger", l.name, "delivery", t.delivery.ID, "error", err)
		return nil
	}
	return sealed
}

// tell shares the outcome of a call. That may take longer than the lease, so the report
// is queued first.
func (l *lane) tell(ctx context.Context, t *task, r *Report) {
	if open := l.breakers.of(t.credential.ID).closedIn(); open > 0 {
		l.noteBreaker(ctx, t, r.End.Add(open))
	}
	l.share(ctx, t, r.Outcome, r.End)
	l.move(ctx, t, r.Outcome)
}

// share updates the limiter state of the key by an outcome, for all senders.
func (l *lane) share(ctx context.Context, t *task, o messenger.Outcome, now time.Time) {
	if t.credential.ID == "" {
		return
	}
	var err error
	switch {
	case o.Kind == messenger.Paused:
		key, wait := t.credential.Key, max(o.After, shortPause)
		if o.Scope == messenger.DestinationScope && t.destination.ID != "" {
			key = t.destination.Key
		}
		l.Meter.Paused(l.name, wait)
		l.Log.Info("provider requested a pause", "messenger", l.name, "key", key.ID, "wait", wait, "code", o.Code)
		err = soon(ctx, func(ctx context.Context) error { return l.Pace.Pause(ctx, key, now.Add(wait), o.Code) })
	case o.Kind == messenger.Failed && (o.Scope == messenger.CredentialScope || o.Gone && l.messenger.Spec().Credential.URL):
		err = soon(ctx, func(ctx context.Context) error { return l.refuse(ctx, t, o, now) })
	case o.Kind != messenger.Retry && l.Pace.View(t.credential.Key).Status().Code != "":
		l.Log.Info("provider accepts a refused credential again", "messenger", l.name, "key", t.credential.ID,
			"failed_without_call", l.refusals.reset(t.credential.ID))
		err = soon(ctx, func(ctx context.Context) error { return l.Pace.Accept(ctx, t.credential.Key) })
	}
	if err != nil {
		l.Log.Warn("cannot share limiter state with other senders", "messenger", l.name, "key", t.credential.ID, "error", err)
	}
}

// soon calls a function with a timeout of shareTimeout.
func soon(ctx context.Context, tell func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, shareTimeout)
	defer cancel()
	return tell(ctx)
}

// move reports a new destination to the directory. If that fails, the provider returns it
// again for the next delivery to the old one.
func (l *lane) move(ctx context.Context, t *task, o messenger.Outcome) {
	if o.Destination == "" || t.delivery.CredentialKey == "" {
		return
	}
	moved := Move{l.name, t.delivery.CredentialKey, t.delivery.Destination, o.Destination}
	if err := soon(ctx, func(ctx context.Context) error { return l.Dispatch.Move(ctx, moved) }); err != nil {
		l.Log.Warn("cannot report a new destination to the directory", "messenger", l.name, "delivery", t.delivery.ID, "error", err)
		return
	}
	l.Log.Info("provider returned a new destination", "messenger", l.name, "delivery", t.delivery.ID)
}

// noteBreaker publishes an open breaker for display. Nothing depends on it.
func (l *lane) noteBreaker(ctx context.Context, t *task, until time.Time) {
	if err := soon(ctx, func(ctx context.Context) error { return l.Pace.Broken(ctx, t.credential.Key, until) }); err != nil {
		l.Log.Debug("cannot publish an open breaker", "messenger", l.name, "key", t.credential.ID, "error", err)
	}
}

// refuse marks a credential that its provider refused, or a URL that is gone, as refused,
// and logs it once for all its deliveries.
func (l *lane) refuse(ctx context.Context, t *task, o messenger.Outcome, now time.Time) error {
	until := now.Add(l.RefusalTime)
	if o.Gone {
		until = now.Add(max(l.RefusalTime, goneTime))
	}
	news, err := l.Pace.Refuse(ctx, t.credential.Key, o.Code, until)
	if news {
		l.Meter.Refused(l.name)
		l.Log.Error("provider refused a credential, its deliveries fail: correct it and replay them",
			"messenger", l.name, "key", t.credential.ID, "code", o.Code, "until", until,
			"delivery", t.delivery.ID, "failed_without_call", l.refusals.reset(t.credential.ID))
	}
	return err
}

// call sends the message of a task. A panic of the messenger becomes an unknown outcome.
func (l *lane) call(ctx context.Context, t *task, credential string) (outcome messenger.Outcome) {
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
		Urgency:     t.job.Rank.String(),
		Title:       content.Title,
		Link:        content.Link,
		Details:     content.Details,
		Time:        content.Time,
		Key:         content.Key,
		Resolved:    content.Resolved,
	})
}

// unreadable returns the outcome for a credential that cannot be opened. If its seal key
// is unknown, the delivery is retried: the seal key file may not have reached this
// machine yet.
func unreadable(err error) messenger.Outcome {
	switch {
	case errors.Is(err, seal.ErrUnknownKey):
		return messenger.Outcome{Kind: messenger.Retry, Code: "seal_key_unknown", Excerpt: err.Error()}
	case errors.Is(err, seal.ErrUnknownOwner): // a job of an older alert service
		return messenger.Outcome{Kind: messenger.Retry, Code: "seal_owner_unknown", Excerpt: err.Error()}
	}
	return messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "credential_unreadable", Excerpt: err.Error()}
}
