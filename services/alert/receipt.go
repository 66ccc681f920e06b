package alert

import (
	"context"
	"time"
)

// A Receipt is what a provider says later of a message that it had taken. The zero
// Receipt stands for none.
type Receipt struct {
	MessageID string // the provider's; never empty
	Status    string // the provider's word; never empty
	Code      string // why the message was not delivered; empty where the provider did not say
	Time      time.Time
	Final     bool // no other word follows
	Failed    bool // Final, and the message was not delivered
}

// Undelivered is the reason of a delivery that is Failed because the provider said so
// after it had taken the message.
const Undelivered = "undelivered"

// Receipts keeps what providers say later.
type Receipts interface {
	// CredentialOf returns the SealedCredential of a delivery, with the Nickname and
	// the Destination that it is sealed for. It must return fault.ErrNotFound where no
	// delivery by that messenger has the id.
	CredentialOf(ctx context.Context, delivery int64, messenger string) (Delivery, error)
	// Receive makes r the Receipt of a delivery, but for what does not count: a word of
	// a message after a Final one of it, and a word of a message that another came
	// after. Words may come before the report of the attempt. It must return
	// fault.ErrNotFound where no delivery has the id.
	//
	// A delivery that is Sent by that message, or is so reported later, is Failed where
	// r is Failed, for reason Undelivered. Then, where nothing else of its chain is Sent,
	// the others that ended as NotNeeded while they waited, whose alert was not canceled
	// and has not expired, are as they were, and the chain goes on: see Dispatcher.
	Receive(ctx context.Context, delivery int64, r Receipt) error
}
