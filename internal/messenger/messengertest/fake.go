package messengertest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// A Fake is a provider with its rules, such as the mockup.
type Fake interface {
	Fakes() http.Handler
	SetLimited(on bool) // whether it enforces the rate limits of providers
}

// RunFake verifies that a messenger and the fake of its provider fit together.
func RunFake(t *testing.T, f Fake, s Sample) {
	server := httptest.NewServer(f.Fakes())
	t.Cleanup(server.Close)
	m := s.New(call.Endpoint{Client: NewClient(t), Now: time.Now, URL: server.URL}) // fakes check the time of signatures
	t.Run("accepts every content", func(t *testing.T) { fakeAcceptsContent(t, m, s) })
	t.Run("verifies the address", func(t *testing.T) { fakeVerifiesAddress(t, m, s) })
	t.Run("pauses what is too fast", func(t *testing.T) { fakePauses(t, f, m, s) })
}

// fakeAcceptsContent sends to a fake that enforces its provider's rules: it accepts any
// content of an alert.
func fakeAcceptsContent(t *testing.T, m messenger.Messenger, s Sample) {
	for name, change := range map[string]func(*messenger.Message){
		"plain":            func(*messenger.Message) {},
		"all of it":        func(m *messenger.Message) { *m = FullMessage(m.Credential, m.Destination) },
		"a long text":      func(m *messenger.Message) { m.Text = strings.Repeat("봉수🔥 a_b*c <&> \"\\\n", 1_200) },
		"long in all ways": long,
		"odd characters":   func(m *messenger.Message) { m.Text, m.Title = "\u202e\u2028\u200b\x01\t\\_`|", "<!channel> \u200d" },
	} {
		message := s.Message
		change(&message)
		if o := Send(t.Context(), t, m, message); o.Kind != messenger.Sent {
			t.Errorf("%s: %+v", name, o)
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
