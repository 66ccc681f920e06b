// Package inbox delivers to the inboxes of the inbox service.
//
// Limits: none of a provider.
//
// Outcomes: Sent if the item is stored. The inbox service stores a delivery once, by its id, so
// that a retry notifies no user twice.
package inbox

import (
	"context"
	"errors"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// A Store stores messages in inboxes. It is safe for concurrent use.
type Store interface {
	// Store stores a message in the inbox of its user and returns after the commit. A message
	// whose delivery is stored already is not stored again. The messages of an incident are one
	// item, which a later one changes. It returns fault.ErrInvalid for a
	// message that can never be stored; after any other error it may be stored.
	Store(ctx context.Context, m messenger.Message) error
}

// Messenger stores messages in inboxes.
type Messenger struct{ inboxes Store }

var _ messenger.Messenger = Messenger{}

// New returns a messenger that stores messages in inboxes. They may be nil if it sends
// nothing.
func New(inboxes Store) Messenger { return Messenger{inboxes} }

// Spec describes an address: it is the user's own inbox, so there is nothing to set.
func (Messenger) Spec() messenger.Spec {
	return messenger.Spec{
		Name:  "inbox",
		Title: "Inbox",
		Credential: messenger.Setting{
			Label:    "None",
			Hint:     "leave it empty: the inbox needs no credential",
			Secret:   true,
			Optional: true,
			Check:    checkEmpty,
		},
		Destination: messenger.Setting{
			Label:    "None",
			Hint:     "leave it empty: the inbox is that of the user",
			Optional: true,
			Check:    checkEmpty,
		},
		Idempotent: true,
		Stateful:   true,
		Internal:   true,
	}
}

// checkEmpty refuses every value. A setting that is empty is not checked.
func checkEmpty(string) error { return errors.New("must be empty: the inbox is that of the user") }

// Send stores the message.
func (i Messenger) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	if m.Nickname == "" {
		return call.BadDestination(errors.New("the delivery names no user"))
	}
	err := i.inboxes.Store(ctx, m)
	switch {
	case err == nil:
		return messenger.Outcome{Kind: messenger.Sent, MessageID: m.IdempotencyHandle()}
	case errors.Is(err, fault.ErrInvalid):
		return call.Redact(messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "invalid_message", Excerpt: err.Error()})
	case ctx.Err() != nil:
		return messenger.Outcome{Kind: messenger.Unknown, Code: "timeout"}
	}
	return call.Redact(messenger.Outcome{Kind: messenger.Unknown, Code: "inbox_unavailable", Excerpt: err.Error()})
}
