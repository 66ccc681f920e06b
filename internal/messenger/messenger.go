// Package messenger knows the ways to reach people: what an address of each
// needs, how it is called, and what its answers mean.
package messenger

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
)

// A Messenger sends text to people by one provider. It knows nothing of queues,
// ledgers or retries: it makes one call and says what came of it.
//
// A Messenger is safe for concurrent use.
type Messenger interface {
	// Spec describes the messenger. It must be the same each time.
	Spec() Spec

	// Send makes at most one call to the provider and says what came of it. It
	// must decide from the body of the answer as well as its status, must answer
	// Sent only where the provider said so, must return when ctx ends, must read
	// only a bounded part of an answer, and must put no secret into the Outcome,
	// nor anything but short, valid UTF-8 without control characters.
	Send(ctx context.Context, m Message) Outcome
}

// A Verifier is a Messenger whose provider can say whether an address would work,
// without telling anybody.
type Verifier interface {
	Messenger

	// Verify asks the provider about a credential and a destination, by calls that
	// send nothing. It answers Sent where both would do, and keeps the promises of
	// Send otherwise.
	Verify(ctx context.Context, credential, destination string) Outcome
}

// A Message is one text for one address, opened for the call.
type Message struct {
	DeliveryID  int64  // where the provider takes an idempotency handle, it comes from this
	Credential  string // in the clear; must not be logged or returned
	Destination string
	Text        string // "[severity] message", or what a template made of it; never empty

	Severity string    // the caller's word, "normal" where there was none
	Urgency  string    // the name of the rank of the alert; empty: that of Severity
	Title    string    // in one line; empty for none
	Link     string    // an http or https URL; empty for none
	Details  []Detail  // in the caller's order
	Time     time.Time // when the alert was accepted
	Key      string    // names the thing that the alert is about; empty for none
	Resolved bool      // the thing that Key names is over; Text says so too
}

// A Detail is one more fact of an alert.
type Detail = job.Detail

// rank returns the rank of the alert.
func (m Message) rank() job.Rank { return job.RankOf(cmp.Or(m.Urgency, m.Severity)) }

// status returns firing or resolved for a message of a key, else nothing.
func (m Message) status() string {
	switch {
	case m.Key == "":
		return ""
	case m.Resolved:
		return "resolved"
	default:
		return "firing"
	}
}

// Plain says whether the message is its text and nothing more.
func (m Message) Plain() bool { return m.Title == "" && m.Link == "" && len(m.Details) == 0 }

// handle is what an idempotent provider knows a delivery by: the same for every try,
// and no other delivery's, as ids are never given again.
func (m Message) handle() string { return "bongsu-" + strconv.FormatInt(m.DeliveryID, 10) }

// A Spec describes a messenger to people and programs.
type Spec struct {
	Name        string // what addresses and queue subjects call it; at most 10 of a-z, 0-9
	Title       string // what people call it
	Credential  Setting
	Destination Setting
	// Costly says that a message costs money: one that may have been sent is not sent
	// again, unless it is critical.
	Costly bool
	// Idempotent says that the provider knows a delivery again that it was sent
	// before, by its id: to send it again tells nobody twice.
	Idempotent bool
	Verifiable bool   // the messenger is a Verifier
	Limits     Limits // those the provider tells of; configuration may set others
}

// A Setting describes one value that an address needs.
type Setting struct {
	Label  string // names it for people
	Hint   string // what it looks like, and where to find it
	Secret bool   // sealed when it enters, never answered
	// Optional says that an address may do without it. It is a label for people then,
	// where the hint says nothing else.
	Optional bool
	// Check says what is wrong with a value, or nil. Its error is for outsiders
	// and must not quote a secret. A nil Check accepts any value.
	Check func(value string) error
	// URL says that it is where calls go to, encrypted, as by https, unless an operator
	// allows http.
	URL bool
}

// Accept says what is wrong with a value, or nil. http lets URLs be http as well as
// https.
func (s Setting) Accept(value string, http bool) error {
	switch {
	case value == "" && s.Optional:
		return nil
	case value == "":
		return errors.New("must be given: " + s.Hint)
	case s.URL && !http && !encrypted(value):
		return errors.New("must be a URL whose calls are encrypted, such as https://…")
	case s.Check == nil:
		return nil
	}
	return s.Check(value)
}

// Kind is what came of a call, and so decides what happens next.
type Kind int

// The kinds of outcomes.
const (
	Sent    Kind = iota + 1 // the provider said that it took the message
	Retry                   // it failed in a way that may pass
	Paused                  // the provider asked to wait; the message was not taken
	Failed                  // the provider refused, and would again
	Unknown                 // the request may have been carried out
)

// String names the kind as it stands on screens.
func (k Kind) String() string {
	return [...]string{"unspecified", "sent", "retry", "paused", "failed", "unknown"}[k]
}

// Scope is what a failure would fail again.
type Scope int

// The scopes of failure, from the narrowest.
const (
	NoScope          Scope = iota // the outcome is no failure
	MessageScope                  // this message
	DestinationScope              // every message to this destination
	CredentialScope               // every message under this credential
)

// MaxExcerpt is how many bytes of a provider's answer are kept as evidence.
const MaxExcerpt = 512

// An Outcome is what came of one call, with the evidence.
type Outcome struct {
	Kind      Kind
	Scope     Scope         // set where Kind is Failed; where it is Paused, what must wait: the credential unless it is DestinationScope
	Status    int           // the provider's, such as an HTTP status; 0 where no answer came
	Code      string        // the provider's word for it; ours where no answer came
	MessageID string        // the provider's id of the message it took
	Excerpt   string        // the head of the answer, at most MaxExcerpt bytes, without secrets
	After     time.Duration // how long the provider asked to wait; 0 where it did not say
	Gone      bool          // of Failed: the provider wants never to be called that way again
	Cut       bool          // the text was longer than the provider takes; its end was not sent
	// Destination is set where the provider says that what was at the destination is
	// at another one now, and the message was not taken: this one, and every later
	// message, must be sent to that one. Kind is Retry then.
	Destination string
}
