package messenger

import (
	"cmp"
	"net/http"
	"testing"
	"time"
)

// secret is the credential of every call. Its encodings for URLs, JSON and HTML differ.
const secret = "xoxb-SECRET/+%&<token>"

// noon is the time of every clock in these tests.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A sample is the test data of a messenger for the promises.
type sample struct {
	make    func(e Endpoint) Messenger // the constructor: see maker
	message Message                    // its credential contains the word SECRET, and no other field does

	status    int    // the status with which sent means success; 0 means 200
	sent      string // the body of success
	messageID string // the recorded message id
	evidence  string // the evidence of success, if it is not the body
	refused   string // an error body with that status; empty if the status alone decides
	// means are the statuses whose classification differs from that of a response
	// without details.
	means map[int]classification
	// shortCredential is a credential of short and ordinary words, which stay in
	// evidence; empty if the messenger accepts none.
	shortCredential string
	// shown are parts of the requests for markupText, plain and with other fields.
	shown markup
}

// A markup holds parts of the requests that show markup literally.
type markup struct{ plain, full []string }

// maker returns the constructor of a messenger for a sample.
func maker[M Messenger](construct func(Endpoint) M) func(Endpoint) Messenger {
	return func(e Endpoint) Messenger { return construct(e) }
}

// ok returns the status of success.
func (s sample) ok() int { return cmp.Or(s.status, http.StatusOK) }

// by returns the kind of a status with a body that has no details.
func (s sample) by(status int, kind OutcomeKind) OutcomeKind {
	if c, ok := s.means[status]; ok {
		return c.kind
	}
	return kind
}

// at returns the messenger with its provider at base.
func (s sample) at(t *testing.T, base string) Messenger {
	t.Helper()
	return s.make(endpoint(base, newClient(t)))
}

// verifier returns the messenger as a Verifier, and skips the test if it is none.
func (s sample) verifier(t *testing.T, base string) Verifier {
	t.Helper()
	v, ok := s.at(t, base).(Verifier)
	if !ok {
		t.Skip("its provider has no call for that")
	}
	return v
}
