package alert

import (
	"context"
	"time"
)

// A Receipt is what a provider reports about a message after it took it. The zero Receipt
// means none.
type Receipt struct {
	MessageID string // the provider's; never empty
	Status    string // the provider's; never empty
	Code      string // why the message was not delivered; empty if the provider returned no code
	Time      time.Time
	Final     bool // no other receipt follows
	Failed    bool // Final, and the message was not delivered
}

// Undelivered is the reason of a delivery that is Failed because the provider reported so
// after it took the message.
const Undelivered = "undelivered"

// ReadStatus is the Status of a Receipt of a message that was read.
const ReadStatus = "read"

// ReceiptStore records receipts.
type ReceiptStore interface {
	// CredentialOf returns the SealedCredential of a delivery, with the Nickname and the
	// Destination that it is sealed for. It must return fault.ErrNotFound if no delivery
	// by that messenger has the id.
	CredentialOf(ctx context.Context, delivery int64, messenger string) (Delivery, error)
	// RecordReceipt makes r the Receipt of a delivery, unless its message already has a
	// Final receipt, or was followed by another message. Receipts may come before the report of
	// the attempt. It must return fault.ErrNotFound if no delivery has the id.
	//
	// A delivery that is Sent by that message, or is reported as that later, becomes
	// Failed if r is Failed, for reason Undelivered. Then, if no other of its chain is
	// Sent, the others that were Canceled as NotNeeded while they waited, whose alert was
	// not canceled and has not expired, return to their previous state, and the chain
	// advances: see Dispatcher.
	RecordReceipt(ctx context.Context, delivery int64, r Receipt) error
}
