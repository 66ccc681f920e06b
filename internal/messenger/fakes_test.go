package messenger

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/mockup"
)

// atFakes runs promise over all messengers, with the fakes as their providers.
func atFakes(t *testing.T, promise func(t *testing.T, fakes *mockup.Mockup, m Messenger, s sample)) {
	t.Helper()
	fakes := mockup.New(nil)
	server := httptest.NewServer(fakes.Fakes())
	t.Cleanup(server.Close)
	now := Endpoint{Client: newClient(t), Now: time.Now, URL: server.URL} // the fakes check the time of signatures
	eachBy(t, now, func(t *testing.T, m Messenger, s sample) {
		fakes.Reset()
		promise(t, fakes, m, s)
	})
}

// TestFakesTakeWhatIsSent sends to fakes that enforce their providers' rules: each
// accepts any content of an alert.
func TestFakesTakeWhatIsSent(t *testing.T) {
	atFakes(t, func(t *testing.T, _ *mockup.Mockup, m Messenger, s sample) {
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
	})
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

// TestFakesPauseWhoIsTooFast exceeds the providers' rate limits: each responds with a
// pause, with or without its length.
func TestFakesPauseWhoIsTooFast(t *testing.T) {
	atFakes(t, func(t *testing.T, fakes *mockup.Mockup, m Messenger, s sample) {
		fakes.SetLimited(true)
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
	})
}

// TestFakesKnowTheirAddresses verifies addresses that the fakes accept.
func TestFakesKnowTheirAddresses(t *testing.T) {
	atFakes(t, func(t *testing.T, _ *mockup.Mockup, m Messenger, s sample) {
		v, ok := m.(Verifier)
		if !ok {
			t.Skip("its provider has no call for that")
		}
		o := v.Verify(t.Context(), s.message.Credential, s.message.Destination)
		sound(t, o, s.message.Credential)
		if o.Kind != Sent {
			t.Errorf("%+v", o)
		}
	})
}
