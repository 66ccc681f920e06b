package messengertest

import (
	"cmp"
	"net/http"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// Secret is the credential of every call. Its encodings for URLs, JSON and HTML differ.
const Secret = "xoxb-SECRET/+%&<token>"

// Noon is the time of every clock in these tests.
var Noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A Sample is the test data of a messenger for the promises.
type Sample struct {
	New     func(e call.Endpoint) messenger.Messenger // the constructor: see Maker
	Message messenger.Message                         // its credential contains the word SECRET, and no other field does

	Status    int    // the status with which sent means success; 0 means 200
	Sent      string // the body of success
	MessageID string // the recorded message id
	Evidence  string // the evidence of success, if it is not the body
	// Reference is that of the message that Sent confirms; empty if the messenger returns none.
	Reference string
	// Changed is the body of success of a change of that message; empty means Sent.
	Changed string
	// Gone are responses to a change of a message that does not exist any more.
	Gone    []GoneResponse
	Refused string // an error body with that status; empty if the status alone decides
	// Means are the statuses whose classification differs from that of a response
	// without details.
	Means map[int]call.Classification
	// ShortCredential is a credential of short and ordinary words, which stay in
	// evidence; empty if the messenger accepts none.
	ShortCredential string
	// Shown are parts of the requests for MarkupText, plain and with other fields.
	Shown Markup
}

// A Markup holds parts of the requests that show markup literally.
type Markup struct{ Plain, Full []string }

// Maker returns the constructor of a messenger for a sample.
func Maker[M messenger.Messenger](construct func(call.Endpoint) M) func(call.Endpoint) messenger.Messenger {
	return func(e call.Endpoint) messenger.Messenger { return construct(e) }
}

// ok returns the status of success.
func (s Sample) ok() int { return cmp.Or(s.Status, http.StatusOK) }

// by returns the kind of a status with a body that has no details.
func (s Sample) by(status int, kind messenger.OutcomeKind) messenger.OutcomeKind {
	if c, ok := s.Means[status]; ok {
		return c.Kind
	}
	return kind
}

// At returns the messenger with its provider at base.
func (s Sample) At(t *testing.T, base string) messenger.Messenger {
	t.Helper()
	return s.New(Endpoint(base, NewClient(t)))
}

// verifier returns the messenger as a Verifier, and skips the test if it is none.
func (s Sample) verifier(t *testing.T, base string) messenger.Verifier {
	t.Helper()
	v, ok := s.At(t, base).(messenger.Verifier)
	if !ok {
		t.Skip("its provider has no call for that")
	}
	return v
}
