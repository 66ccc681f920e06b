package sender

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// attempt makes one call to the provider and gives what came of it. Where the
// lease would run out meanwhile it makes none and gives nil: another may claim the
// delivery then.
func (l *lane) attempt(ctx context.Context, t task) *Report {
	start := l.Now()
	if start.Add(l.Timeout).After(t.claim.Expire) {
		l.Log.Warn("a lease ran out before its delivery was sent", "messenger", l.name, "delivery", t.delivery.ID)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	outcome := l.call(ctx, t)
	end := l.Now()
	l.Observe(l.name, outcome, end.Sub(start))
	return &Report{DeliveryID: t.delivery.ID, Fence: t.claim.Fence, Start: start, End: end, Outcome: outcome}
}

// call opens the credential, for this call only, and sends.
func (l *lane) call(ctx context.Context, t task) (outcome messenger.Outcome) {
	defer func() {
		if p := recover(); p != nil { // one messenger's fault must not end the others
			l.Log.Error("a messenger panicked", "messenger", l.name, "delivery", t.delivery.ID, "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			outcome = messenger.Outcome{Kind: messenger.Unknown, Code: "panic"}
		}
	}()
	credential, err := l.Key.Open(t.delivery.SealedCredential, l.name)
	if err != nil {
		return messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "credential_unreadable", Excerpt: err.Error()}
	}
	return l.messenger.Send(ctx, messenger.Message{
		DeliveryID:  t.delivery.ID,
		Credential:  credential,
		Destination: t.delivery.Destination,
		Text:        t.hand.Job.Text,
	})
}
