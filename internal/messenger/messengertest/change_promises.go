package messengertest

import (
	"cmp"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// A GoneResponse is a response to a change of a message that does not exist any more, or
// that the provider changes no more.
type GoneResponse struct {
	Status int // 0 means that of success
	Body   string
}

// firing returns the message of the sample as the first one of an incident.
func (s Sample) firing() messenger.Message {
	m := s.Message
	m.AlertKey, m.Incident = "node1", 41
	return m
}

// Change returns the sample of a change of the message that Sent confirms.
func (s Sample) Change() Sample {
	s.Message = s.firing()
	s.Message.AlertID, s.Message.DeliveryID, s.Message.Previous = s.Message.AlertID+1, s.Message.DeliveryID+1, s.Reference
	s.Sent = cmp.Or(s.Changed, s.Sent)
	return s
}

// reply returns the sample of an answer in the thread of the message that Sent confirms.
func (s Sample) reply() Sample {
	sent := s.Sent
	s = s.Change()
	s.Message.Reply, s.Sent = true, sent
	return s
}

// referenceReturned verifies that the first message of an incident has a reference, and
// that a message without an incident needs none.
func referenceReturned(t *testing.T, s Sample) {
	m := s.At(t, s.confirming(t, s.Sent))
	if o := Send(t.Context(), t, m, s.firing()); o.Kind != messenger.Sent || o.Reference != s.Reference {
		t.Errorf("%+v, want the reference %q", o, s.Reference)
	}
}

// referenceStays verifies that changes and answers have the reference of the changed
// message, so that the next change has it too.
func referenceStays(t *testing.T, s Sample) {
	if s.Reference == "" {
		t.Skip("the messenger returns no references")
	}
	for name, sample := range map[string]Sample{"change": s.Change(), "reply": s.reply()} {
		m := s.At(t, s.confirming(t, sample.Sent))
		if o := Send(t.Context(), t, m, sample.Message); o.Kind != messenger.Sent || o.Reference != s.Reference || o.MessageID != s.MessageID {
			t.Errorf("%s: %+v, want the reference %q and the id %q", name, o, s.Reference, s.MessageID)
		}
	}
}

// referenceIsClean verifies that no response, such as one with a long id or with the
// credential as the id, makes a reference that cannot be recorded.
func referenceIsClean(t *testing.T, s Sample) {
	if s.MessageID == "" {
		t.Skip("responses have no id")
	}
	quoted := string(call.JSON(s.Message.Credential))
	for _, id := range []string{strings.Repeat("7", 2*messenger.MaxReference), quoted[1 : len(quoted)-1], "a b", "é\u0007"} {
		m := s.At(t, s.confirming(t, strings.ReplaceAll(s.Sent, s.MessageID, id)))
		_ = Send(t.Context(), t, m, s.firing()) // verifies the outcome
	}
}

// otherReferenceIgnored verifies that a Previous that is not a reference of the messenger
// makes a new message.
func otherReferenceIgnored(t *testing.T, s Sample) {
	m := s.firing()
	want := withoutHeader(Request(t, s, m, false))
	for _, previous := range []string{"?", "a:b:c", "../x"} {
		m.Previous = previous
		if got := withoutHeader(Request(t, s, m, false)); got != want {
			t.Errorf("with Previous %q:\n%s\nwant\n%s", previous, got, want)
		}
	}
}

// withoutHeader returns a request without its header, whose signature may be of the host.
func withoutHeader(request []byte) string {
	line, rest, _ := strings.Cut(string(request), "\n")
	_, body, _ := strings.Cut(rest, "\n\n")
	return line + "\n" + body
}

// previousGone verifies that a change of a message that does not exist any more is a Retry
// without it, after one call; and that such a response to a new message is not.
func previousGone(t *testing.T, s Sample) {
	for _, gone := range s.Gone {
		calls := 0
		base := Provider(t, func(w http.ResponseWriter, _ *http.Request) {
			calls++
			w.WriteHeader(cmp.Or(gone.Status, s.ok()))
			_, _ = io.WriteString(w, gone.Body)
		})
		m := s.At(t, base)
		calls = 0
		if o := Send(t.Context(), t, m, s.Change().Message); o.Kind != messenger.Retry || !o.PreviousGone || o.RetryAfter != 0 || calls != 1 {
			t.Errorf("%s: %+v after %d calls", gone.Body, o, calls)
		}
		if o := Send(t.Context(), t, m, s.firing()); o.Kind == messenger.Sent || o.PreviousGone {
			t.Errorf("%s to a new message: %+v", gone.Body, o)
		}
	}
}

// confirming starts a provider that responds with a body and the status of success.
func (s Sample) confirming(t *testing.T, body string) string {
	t.Helper()
	return Provider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(s.ok())
		_, _ = io.WriteString(w, body)
	})
}
