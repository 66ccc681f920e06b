package messengertest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// A Fake is a provider with its rules, such as the mockup.
type Fake interface {
	Fakes() http.Handler
	SetLimited(on bool) // whether it enforces the rate limits of providers
	Reset()             // deletes all messages, and turns the rate limits off
	// MessageTexts returns the texts of the messages that its users see, the oldest first.
	MessageTexts() []string
}

// RunFake verifies that a messenger and the fake of its provider fit together.
func RunFake(t *testing.T, f Fake, s Sample) {
	server := httptest.NewServer(f.Fakes())
	t.Cleanup(server.Close)
	m := s.New(call.Endpoint{Client: NewClient(t), Now: time.Now, URL: server.URL}) // fakes check the time of signatures
	t.Run("accepts every content", func(t *testing.T) { fakeAcceptsContent(t, m, s) })
	t.Run("verifies the address", func(t *testing.T) { fakeVerifiesAddress(t, m, s) })
	t.Run("changes a message", func(t *testing.T) { fakeChanges(t, f, m, s) })
	t.Run("the response to a change is lost", func(t *testing.T) { fakeResponseLost(t, f, s) })
	t.Run("a message is gone", func(t *testing.T) { fakeMessageGone(t, f, m, s) })
	t.Run("pauses what is too fast", func(t *testing.T) { fakePauses(t, f, m, s) })
}

// fakeAcceptsContent sends to a fake that enforces its provider's rules: it accepts any
// content of an alert.
func fakeAcceptsContent(t *testing.T, m messenger.Messenger, s Sample) {
	for _, c := range []struct { // in this order: an end follows its beginning
		name   string
		change func(*messenger.Message)
	}{
		{"plain", func(*messenger.Message) {}},
		{"all of it", func(m *messenger.Message) { *m = FullMessage(m.Credential, m.Destination) }},
		{"a long text", func(m *messenger.Message) { m.Text = strings.Repeat("봉수🔥 a_b*c <&> \"\\\n", 1_200) }},
		{"long in all ways", long},
		{"an incident", func(m *messenger.Message) { m.AlertKey, m.AckURL = "k", "https://bongsu.example/ack?t=1" }},
		{"its end", func(m *messenger.Message) { m.AlertKey, m.Resolved = "k", true }},
		{"a long incident", func(m *messenger.Message) {
			long(m)
			m.AlertKey, m.AckURL = "k", "https://bongsu.example/ack?t="+strings.Repeat("x", 1_000)
		}},
		{"its long end", func(m *messenger.Message) {
			long(m)
			m.AlertKey, m.Acknowledged = "k", true
		}},
		{"odd characters", func(m *messenger.Message) { m.Text, m.Title = "\u202e\u2028\u200b\x01\t\\_`|", "<!channel> \u200d" }},
	} {
		message := s.Message
		c.change(&message)
		if o := Send(t.Context(), t, m, message); o.Kind != messenger.Sent {
			t.Errorf("%s: %+v", c.name, o)
		}
	}
}

// long lengthens all parts of a message.
func long(m *messenger.Message) {
	*m = FullMessage(m.Credential, m.Destination)
	m.Text = strings.Repeat("노드 ", 6_000)
	m.Title = strings.Repeat("제목", 100)
	m.Link += strings.Repeat("&x=1", 400)
	m.Details = nil
	for range 50 {
		m.Details = append(m.Details, messenger.Detail{Name: strings.Repeat("n", 100), Value: strings.Repeat("v", 1_000)})
	}
}

// fakeChanges changes a message, twice in the same way, as after a timeout, and with every
// content: users see one message with the last text. An answer is another message.
func fakeChanges(t *testing.T, f Fake, m messenger.Messenger, s Sample) {
	f.Reset()
	first := Send(t.Context(), t, m, s.firing())
	if s.Reference == "" || first.Kind != messenger.Sent {
		t.Skip("the messenger returns no references")
	}
	change := s.Change().Message
	change.Previous, change.AckURL = first.Reference, "https://bongsu.example/ack/1"
	resolved := change
	resolved.Resolved, resolved.AckURL = true, ""
	full := change
	long(&full)
	full.AlertKey, full.Previous, full.AckURL = change.AlertKey, change.Previous, change.AckURL
	for i, message := range []messenger.Message{change, full, full, resolved, change, resolved, resolved} {
		message.Text += " again"
		o := Send(t.Context(), t, m, message)
		if o.Kind != messenger.Sent || o.Reference != first.Reference {
			t.Errorf("change %d: %+v, want the reference %q", i, o, first.Reference)
		}
	}
	if texts := f.MessageTexts(); len(texts) != 1 || !strings.Contains(texts[0], "node1 down again") {
		t.Errorf("users see %q", texts)
	}
	resolved.Reply = true
	if o := Send(t.Context(), t, m, resolved); o.Kind != messenger.Sent || o.Reference == "" {
		t.Errorf("reply: %+v", o)
	}
}

// fakeResponseLost loses the response to a change that the provider carried out: the outcome
// is Unknown, and after the same change again users see one message with its text.
func fakeResponseLost(t *testing.T, f Fake, s Sample) {
	f.Reset()
	fakes := f.Fakes()
	var lose atomic.Bool
	base := Provider(t, func(w http.ResponseWriter, r *http.Request) {
		if !lose.Load() {
			fakes.ServeHTTP(w, r)
			return
		}
		fakes.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	})
	m := s.New(call.Endpoint{Client: NewClient(t), Now: time.Now, URL: base})
	first := Send(t.Context(), t, m, s.firing())
	if s.Reference == "" || first.Kind != messenger.Sent {
		t.Skip("the messenger returns no references")
	}
	change := s.Change().Message
	change.Previous, change.Text = first.Reference, "[normal] node1 down again"
	lose.Store(true)
	if o := Send(t.Context(), t, m, change); o.Kind != messenger.Unknown {
		t.Errorf("without a response: %+v", o)
	}
	lose.Store(false)
	if o := Send(t.Context(), t, m, change); o.Kind != messenger.Sent || o.Reference != first.Reference {
		t.Errorf("again: %+v", o)
	}
	if texts := f.MessageTexts(); len(texts) != 1 || !strings.Contains(texts[0], "node1 down again") {
		t.Errorf("users see %q", texts)
	}
}

// fakeMessageGone changes a message that was deleted: nothing is sent, and without it the
// message is a new one.
func fakeMessageGone(t *testing.T, f Fake, m messenger.Messenger, s Sample) {
	if len(s.Gone) == 0 {
		t.Skip("the provider has no such response")
	}
	f.Reset()
	first := Send(t.Context(), t, m, s.firing())
	f.Reset()
	change := s.Change().Message
	change.Previous = first.Reference
	if o := Send(t.Context(), t, m, change); o.Kind != messenger.Retry || !o.PreviousGone || len(f.MessageTexts()) != 0 {
		t.Errorf("%+v, and users see %q", o, f.MessageTexts())
	}
	change.Previous = ""
	if o := Send(t.Context(), t, m, change); o.Kind != messenger.Sent || o.Reference == "" || len(f.MessageTexts()) != 1 {
		t.Errorf("%+v, and users see %q", o, f.MessageTexts())
	}
}

// fakePauses exceeds the provider's rate limits: it responds with a pause, with or
// without its length.
func fakePauses(t *testing.T, f Fake, m messenger.Messenger, s Sample) {
	f.SetLimited(true)
	for range 1_000 {
		switch o := Send(t.Context(), t, m, s.Message); o.Kind {
		case messenger.Sent:
		case messenger.Paused:
			return
		default:
			t.Fatalf("%+v", o)
		}
	}
	t.Error("it has no limit")
}

// fakeVerifiesAddress verifies an address that the fake accepts.
func fakeVerifiesAddress(t *testing.T, m messenger.Messenger, s Sample) {
	v, ok := m.(messenger.Verifier)
	if !ok {
		t.Skip("its provider has no call for that")
	}
	o := v.Verify(t.Context(), s.Message.Credential, s.Message.Destination)
	CheckOutcome(t, o, s.Message.Credential)
	if o.Kind != messenger.Sent {
		t.Errorf("%+v", o)
	}
}
