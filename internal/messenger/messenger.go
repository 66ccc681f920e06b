// Package messenger defines messengers, which send messages through providers: what a
// messenger promises, how it describes its addresses, and the outcome of a call.
//
// The folders below it hold the rest: call makes the calls, a package per provider
// implements the interface Messenger, all lists them, messengertest verifies the
// promises, and outcome is the codec of outcomes.
package messenger

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
)

// A Messenger sends text to users through one provider. It has no part in queues,
// ledgers or retries: it makes one call and returns the outcome.
//
// A Messenger is safe for concurrent use.
type Messenger interface {
	// Spec describes the messenger. It must always return the same.
	Spec() Spec

	// Send makes at most one call to the provider and returns its outcome. It must
	// classify the body of the response as well as its status, must return Sent only if
	// the provider confirmed it, must return when ctx ends, must read only a bounded
	// part of a response, and must put no secret into the Outcome, nor anything but
	// short, valid UTF-8 without control characters.
	Send(ctx context.Context, m Message) Outcome
}

// A Verifier is a Messenger whose provider can check an address without notifying
// anybody.
type Verifier interface {
	Messenger

	// Verify checks a credential and a destination with the provider, by calls that
	// send nothing. It returns Sent if both are valid, and otherwise keeps the promises
	// of Send.
	Verify(ctx context.Context, credential, destination string) Outcome
}

// A Message is one text for one address, with the opened credential.
type Message struct {
	DeliveryID  int64  // source of the provider's idempotency key, if it supports one
	AlertID     int64  // of the alert; 0 for a test message
	Nickname    string // of the user whose address it is, in canonical form; empty in a job of an older version
	Credential  string // in the clear; must not be logged or returned
	Destination string
	Text        string // "[severity] message", or from a text template; never empty

	Severity string    // as the caller set it, "normal" by default
	RankName string    // name of the alert's rank; empty: that of Severity
	Title    string    // one line; empty if absent
	Link     string    // http or https URL; empty if absent
	Details  []Detail  // in the caller's order
	Time     time.Time // when the alert was accepted
	Digest   string    // id of the set of deliveries of a digest, of which DeliveryID is one; empty for a single delivery
	AlertKey string    // alert key; empty if absent
	Resolved bool      // the alert is a resolution; Text mentions it too

	Acknowledged bool  // somebody takes care of what AlertKey names; Text mentions it too
	Incident     int64 // id of the incident, the same for all alerts of it; 0 without an alert key
	// Previous is the Reference of the message of the incident at this address; empty if
	// there is none, or if the messenger returns none. A messenger that has it changes that
	// message or, with Reply, answers in its thread; one that cannot sends a new message. If
	// the provider responds that the message does not exist any more, the outcome is Retry
	// with PreviousGone, and the delivery is sent again without Previous.
	Previous string
	Reply    bool
	// AckURL is a page on which a person acknowledges the incident; empty for none. A
	// messenger shows it, or a button for it, in a firing message.
	AckURL string
}

// A Detail is one additional fact of an alert.
type Detail = job.Detail

// Rank returns the rank of the alert.
func (m Message) Rank() job.Rank { return job.RankOf(cmp.Or(m.RankName, m.Severity)) }

// Status returns firing, resolved or acknowledged for a message with an alert key, else "".
func (m Message) Status() string {
	switch {
	case m.AlertKey == "":
		return ""
	case m.Resolved:
		return "resolved"
	case m.Acknowledged:
		return "acknowledged"
	default:
		return "firing"
	}
}

// IsPlain reports whether the message has only a text.
func (m Message) IsPlain() bool { return m.Title == "" && m.Link == "" && len(m.Details) == 0 }

// IdempotencyHandle returns the idempotency key of a delivery: the same for every
// attempt, and unique, since delivery ids are never reused. That of a digest is the same for every
// attempt of the same deliveries.
func (m Message) IdempotencyHandle() string {
	if m.Digest != "" {
		return "bongsu-digest-" + m.Digest
	}
	return "bongsu-" + strconv.FormatInt(m.DeliveryID, 10)
}

// A Spec describes a messenger to people and programs.
type Spec struct {
	Name        string // in addresses and queue subjects; at most 10 of a-z, 0-9
	Title       string // display name
	Credential  Setting
	Destination Setting
	// Costly marks that a message costs money: a possible duplicate is not retried,
	// unless the alert is critical.
	Costly bool
	// Idempotent marks that the provider deduplicates deliveries by their id: a retry
	// notifies no user twice.
	Idempotent bool
	// Stateful marks that each message is a record of its own at the receiver, such as an
	// incident, an item or an event: deliveries are not held back to be sent with others as one message.
	Stateful bool
	// Internal marks that the messenger delivers to a service of Bongsu: the general limits of
	// credentials and destinations, which protect accounts at providers, do not apply.
	Internal   bool
	Verifiable bool   // the messenger is a Verifier
	Limits     Limits // the provider's documented limits; configuration may override them
}

// Find returns the Spec with a name, compared case-sensitively.
func Find(specs []Spec, name string) (Spec, bool) {
	for _, s := range specs {
		if s.Name == name {
			return s, true
		}
	}
	return Spec{}, false
}

// A Setting describes one value that an address needs.
type Setting struct {
	Label  string // display name
	Hint   string // its form, and where to find it
	Secret bool   // sealed on input, never returned
	// Optional marks that an address may omit it. Such a value is a label for people,
	// unless Hint describes another use.
	Optional bool
	// Check returns an error that describes an invalid value, or nil. The error is
	// returned to callers and must not quote a secret. A nil Check accepts any value.
	Check func(value string) error
	// URL marks a URL that is called. It must be encrypted, such as https, unless an
	// operator allows http.
	URL bool
	// URLOf returns the URL in a value that holds more than a URL, or "" if the value is
	// invalid. A nil URLOf means that the value is the URL.
	URLOf func(value string) string
}

// Validate returns an error that describes an invalid value, or nil. http allows http
// URLs as well as https.
func (s Setting) Validate(value string, http bool) error {
	switch {
	case value == "" && s.Optional:
		return nil
	case value == "":
		return errors.New("must be given: " + s.Hint)
	case s.URL && !http && !isConfidential(s.url(value)):
		return errors.New("must be an encrypted URL, such as https://…")
	case s.Check == nil:
		return nil
	}
	return s.Check(value)
}

// url returns the URL of a value.
func (s Setting) url(value string) string {
	if s.URLOf == nil {
		return value
	}
	return s.URLOf(value)
}

// OutcomeKind is the result of a call. It determines the next step of the delivery.
type OutcomeKind int

// The kinds of outcomes.
const (
	Sent    OutcomeKind = iota + 1 // the provider confirmed that it accepted the message
	Retry                          // a failure that may pass
	Paused                         // the provider requested a pause; the message was not accepted
	Failed                         // the provider rejected the message; a retry would fail again
	Unknown                        // the message may have been accepted
)

// String returns the name of the kind for display.
func (k OutcomeKind) String() string {
	return [...]string{"unspecified", "sent", "retry", "paused", "failed", "unknown"}[k]
}

// Scope is the extent of a failure.
type Scope int

// The scopes of failure, from the narrowest.
const (
	NoScope          Scope = iota // the outcome is not a failure
	MessageScope                  // this message
	DestinationScope              // every message to this destination
	CredentialScope               // every message under this credential
)

// MaxExcerpt is the number of bytes of a provider's response that are kept as evidence.
const MaxExcerpt = 512

// An Outcome is the result of one call, with the evidence.
type Outcome struct {
	Kind       OutcomeKind
	Scope      Scope         // set if Kind is Failed; if it is Paused, DestinationScope pauses the destination only, anything else the credential
	Status     int           // of the provider, such as an HTTP status; 0 without a response
	Code       string        // error code of the provider; ours without a response
	MessageID  string        // the provider's id of the accepted message
	Excerpt    string        // head of the response, at most MaxExcerpt bytes, without secrets
	RetryAfter time.Duration // requested wait before a retry; 0 if none was requested
	Gone       bool          // if Failed: the provider requests no further calls to this URL
	Truncated  bool          // the text exceeded the provider's limit; its end was not sent
	// Destination is set if the provider responds that the destination has moved, and
	// the message was not accepted: this message, and every later one, must be sent to
	// the new destination. Kind is Retry then.
	Destination string
	// Reference is the messenger's reference of the message that was Sent, by which a later
	// message of the incident changes or answers it: at most MaxReference bytes, without
	// secrets. Empty if the provider has no such messages. It is that of the first message,
	// also in the outcome of a change of it.
	Reference string
	// PreviousGone is set if Message.Previous does not exist any more: nothing was sent, and
	// Kind is Retry.
	PreviousGone bool
}

// MaxReference is the maximum length of Outcome.Reference, in bytes.
const MaxReference = 500

// IsSuccess reports whether the provider responded with a 2xx.
func (o Outcome) IsSuccess() bool { return o.Status >= 200 && o.Status < 300 }
