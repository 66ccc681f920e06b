package messenger

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A fake is a provider with its rules, such as the mockup.
type fake interface {
	Fakes() http.Handler
	SetLimited(on bool) // whether it enforces the rate limits of providers
}

// verifyFake verifies that a messenger and the fake of its provider fit together.
func verifyFake(t *testing.T, f fake, s sample) {
	server := httptest.NewServer(f.Fakes())
	t.Cleanup(server.Close)
	m := s.make(Endpoint{Client: newClient(t), Now: time.Now, URL: server.URL}) // fakes check the time of signatures
	t.Run("accepts every content", func(t *testing.T) { fakeAcceptsContent(t, m, s) })
	t.Run("verifies the address", func(t *testing.T) { fakeVerifiesAddress(t, m, s) })
	t.Run("pauses what is too fast", func(t *testing.T) { fakePauses(t, f, m, s) })
}

// fakeAcceptsContent sends to a fake that enforces its provider's rules: it accepts any
// content of an alert.
func fakeAcceptsContent(t *testing.T, m Messenger, s sample) {
	for name, change := range map[string]func(*Message){
		"plain":            func(*Message) {},
		"all of it":        func(m *Message) { *m = full(m.Credential, m.Destination) },
		"a long text":      func(m *Message) { m.Text = strings.Repeat("봉수🔥 a_b*c <&> \"\\\n", 1_200) },
		"long in all ways": long,
		"odd characters":   func(m *Message) { m.Text, m.Title = "\u202e\u2028\u200b\x01\t\\_`|", "<!channel> \u200d" },
	} {
		message := s.message
		change(&message)
		if o := send(t.Context(), t, m, message); o.Kind != Sent {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// long lengthens all parts of a message.
func long(m *Message) {
	*m = full(m.Credential, m.Destination)
	m.Text = strings.Repeat("노드 ", 6_000)
	m.Title = strings.Repeat("제목", 100)
	m.Link += strings.Repeat("&x=1", 400)
	m.Details = nil
	for range 50 {
		m.Details = append(m.Details, Detail{Name: strings.Repeat("n", 100), Value: strings.Repeat("v", 1_000)})
	}
}

// fakePauses exceeds the provider's rate limits: it responds with a pause, with or
// without its length.
func fakePauses(t *testing.T, f fake, m Messenger, s sample) {
	f.SetLimited(true)
	for range 1_000 {
		switch o := send(t.Context(), t, m, s.message); o.Kind {
		case Sent:
		case Paused:
			return
		default:
			t.Fatalf("%+v", o)
		}
	}
	t.Error("it has no limit")
}

// fakeVerifiesAddress verifies an address that the fake accepts.
func fakeVerifiesAddress(t *testing.T, m Messenger, s sample) {
	v, ok := m.(Verifier)
	if !ok {
		t.Skip("its provider has no call for that")
	}
	o := v.Verify(t.Context(), s.message.Credential, s.message.Destination)
	sound(t, o, s.message.Credential)
	if o.Kind != Sent {
		t.Errorf("%+v", o)
	}
}
