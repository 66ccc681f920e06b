package messenger

import "net/url"

// A ReceiptParser is a Messenger whose provider sends receipts for the messages that it
// accepted.
type ReceiptParser interface {
	Messenger

	// ParseReceipt parses a callback of the provider for a delivery, a form and its
	// signature. It must return fault.ErrInvalid if the signature is not by the
	// credential that the delivery was sent with, or is for another delivery, and if
	// the form has no status of a message. It keeps the promises of Send for the
	// Outcome.
	ParseReceipt(delivery int64, form url.Values, signature, credential string) (Receipt, error)
}

// A Receipt is a provider's report about a message that it accepted. Receipts may be
// duplicated, late, and in any order: after a Final one, others are ignored.
type Receipt struct {
	MessageID string // that of the Outcome of Send
	Status    string // the provider's status, such as delivered
	Final     bool   // no other status follows
	// Outcome is the classification of the status: Sent, also while the message is in
	// transit, or else the failure.
	Outcome Outcome
}
