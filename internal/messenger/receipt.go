package messenger

import "net/url"

// A Receiver is a Messenger whose provider says later what became of a message that it
// had taken.
type Receiver interface {
	Messenger

	// Receipt reads what the provider said of a delivery, a form and its signature. It
	// must return fault.ErrInvalid where that is not signed with the credential that the
	// delivery was sent with, or for another delivery, and where it says nothing of a
	// message. It keeps the promises of Send for the Outcome.
	Receipt(delivery int64, form url.Values, signature, credential string) (Receipt, error)
}

// A Receipt is what a provider says later of a message that it had taken. Receipts
// may come twice, late, and in any order: after a Final one nothing that another says
// counts.
type Receipt struct {
	MessageID string // that of the Outcome of Send
	Status    string // the provider's word, such as delivered
	Final     bool   // no other word will follow
	// Outcome is what the word comes to: Sent, also where the message is still on its
	// way, or else how it failed.
	Outcome Outcome
}
