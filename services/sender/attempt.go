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
	// shortPause is the pause where a provider asks for one and does not say how long.
	shortPause = time.Second
	// goneTime is how long a URL is left alone that its provider wants never to be called
	// again: for good, but for one call in so long a time, since people do set things up
	// again. An address that is given another URL is another key.
	goneTime = 23 * time.Hour
	// shareTimeout bounds how long it is tried to tell the other senders.
	shareTimeout = 3 * time.Second
)

// attempt makes one call to the provider and gives what came of it. Where the
// lease would run out meanwhile, or the breaker is open, it makes none, and the
// delivery goes back. Where it came too late for its slot it is not over: another is
// taken for it.
func (l *lane) attempt(ctx context.Context, t *task) (r result, over bool) {
	start := l.Now()
	turn := l.turn(t)
	if status := turn.credentialView.Status(); !status.RefusedUntil.IsZero() {
		t.refused = status.Code // while it waited
	}
	if t.refused != "" {
		l.refusals.count(t.credential.ID)
		return result{hand: t.hand, report: &Report{DeliveryID: t.delivery.ID, Fence: t.claim.Fence, Start: start, End: start, Outcome: refusal(t.refused)}}, true
	}
	if start.Add(l.timeout).After(t.claim.Expire) {
		l.Log.Warn("a lease would have run out before its delivery was sent", "messenger", l.name, "delivery", t.delivery.ID)
		return l.put(t, start, becauseLease), true
	}
	if turn.missed() { // while it waited for a worker
		return l.late(t)
	}
	credential, err := l.Key.OpenFor(t.delivery.SealedCredential, l.owner(t))
	if err != nil { // that is between us and our seal key; the provider refuses nothing
		return result{hand: t.hand, report: &Report{DeliveryID: t.delivery.ID, Fence: t.claim.Fence, Start: start, End: start, Outcome: unreadable(err)}}, true
	}
	breaker := l.breakers.of(t.credential.ID)
	if !breaker.let(t.delivery.Destination) {
		return l.put(t, start.Add(max(breaker.closedIn(), probeWait)+rand.N(probeWait)), becauseBreaker), true //nolint:gosec // it spreads load
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

// resealed returns the credential sealed for the destination that the delivery has from
// now on, where the provider names another; nil where it does not.
func (l *lane) resealed(t *task, credential string, o messenger.Outcome) []byte {
	if o.Destination == "" {
		return nil
	}
	of := l.owner(t)
	of.Destination = o.Destination
	sealed, err := l.Key.SealFor(credential, of)
	if err != nil {
		l.Log.Error("a credential cannot be sealed for a destination that is another now", "messenger", l.name, "delivery", t.delivery.ID, "error", err)
		return nil
	}
	return sealed
}

// tell tells others what came of a call. That may take longer than the lease lasts, so the
// report is on its way before.
func (l *lane) tell(ctx context.Context, t *task, r *Report) {
	if open := l.breakers.of(t.credential.ID).closedIn(); open > 0 {
		l.noteBreaker(ctx, t, r.End.Add(open))
	}
	l.share(ctx, t, r.Outcome, r.End)
	l.move(ctx, t, r.Outcome)
}

// share tells all senders what the outcome says of the key.
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
		l.Log.Info("a provider asks to wait", "messenger", l.name, "key", key.ID, "wait", wait, "code", o.Code)
		err = soon(ctx, func(ctx context.Context) error { return l.Pace.Pause(ctx, key, now.Add(wait), o.Code) })
	case o.Kind == messenger.Failed && (o.Scope == messenger.CredentialScope || o.Gone && l.messenger.Spec().Credential.URL):
		err = soon(ctx, func(ctx context.Context) error { return l.refuse(ctx, t, o, now) })
	case o.Kind != messenger.Retry && l.Pace.View(t.credential.Key).Status().Code != "":
		l.Log.Info("a provider takes a credential again that it had refused", "messenger", l.name, "key", t.credential.ID,
			"ended_without_a_call", l.refusals.reset(t.credential.ID))
		err = soon(ctx, func(ctx context.Context) error { return l.Pace.Accept(ctx, t.credential.Key) })
	}
	if err != nil {
		l.Log.Warn("the other senders could not be told how a key stands", "messenger", l.name, "key", t.credential.ID, "error", err)
	}
}

// soon tells others something, and gives up when that takes long.
func soon(ctx context.Context, tell func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, shareTimeout)
	defer cancel()
	return tell(ctx)
}

// move tells the directory where a destination is now. Where that fails, the next
// delivery to the old one is told so by the provider again.
func (l *lane) move(ctx context.Context, t *task, o messenger.Outcome) {
	if o.Destination == "" || t.delivery.CredentialKey == "" {
		return
	}
	moved := Move{l.name, t.delivery.CredentialKey, t.delivery.Destination, o.Destination}
	if err := soon(ctx, func(ctx context.Context) error { return l.Dispatch.Move(ctx, moved) }); err != nil {
		l.Log.Warn("the directory could not be told where a destination is now", "messenger", l.name, "delivery", t.delivery.ID, "error", err)
		return
	}
	l.Log.Info("a destination is another now, its provider says", "messenger", l.name, "delivery", t.delivery.ID)
}

// noteBreaker shows people an open breaker. Nothing depends on it.
func (l *lane) noteBreaker(ctx context.Context, t *task, until time.Time) {
	if err := soon(ctx, func(ctx context.Context) error { return l.Pace.Broken(ctx, t.credential.Key, until) }); err != nil {
		l.Log.Debug("an open breaker cannot be shown", "messenger", l.name, "key", t.credential.ID, "error", err)
	}
}

// refuse leaves a credential alone that its provider refuses, or a URL that is gone,
// and tells the operator, once for all its deliveries.
func (l *lane) refuse(ctx context.Context, t *task, o messenger.Outcome, now time.Time) error {
	until := now.Add(l.RefusalTime)
	if o.Gone {
		until = now.Add(max(l.RefusalTime, goneTime))
	}
	news, err := l.Pace.Refuse(ctx, t.credential.Key, o.Code, until)
	if news {
		l.Meter.Refused(l.name)
		l.Log.Error("a provider refuses a credential: its deliveries end as failed, replay them when it is right",
			"messenger", l.name, "key", t.credential.ID, "code", o.Code, "until", until,
			"delivery", t.delivery.ID, "ended_without_a_call", l.refusals.reset(t.credential.ID))
	}
	return err
}

// call sends.
func (l *lane) call(ctx context.Context, t *task, credential string) (outcome messenger.Outcome) {
	defer func() {
		if p := recover(); p != nil { // one messenger's fault must not end the others
			l.Log.Error("a messenger panicked", "messenger", l.name, "delivery", t.delivery.ID, "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
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

// unreadable is the evidence of a delivery whose credential cannot be opened. One
// that was sealed under a key that is not here waits for it: the file may be on its
// way to this machine.
func unreadable(err error) messenger.Outcome {
	switch {
	case errors.Is(err, seal.ErrUnknownKey):
		return messenger.Outcome{Kind: messenger.Retry, Code: "seal_key_unknown", Excerpt: err.Error()}
	case errors.Is(err, seal.ErrUnknownOwner): // the job is of an older alert service
		return messenger.Outcome{Kind: messenger.Retry, Code: "seal_owner_unknown", Excerpt: err.Error()}
	}
	return messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "credential_unreadable", Excerpt: err.Error()}
}
