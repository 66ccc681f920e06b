package messengertest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

func noSecretInOutcome(t *testing.T, s Sample) {
	for name, answer := range map[string]func(r *http.Request) string{
		"as text":            Echo,
		"as Slack's error":   func(r *http.Request) string { return fmt.Sprintf(`{"ok":false,"error":%q}`, Echo(r)) },
		"as Slack's id":      func(r *http.Request) string { return fmt.Sprintf(`{"ok":true,"ts":%q}`, Echo(r)) },
		"across the cut":     func(r *http.Request) string { return strings.Repeat("x", messenger.MaxExcerpt-8) + Echo(r) },
		"with control bytes": func(r *http.Request) string { return "\x00\x1b[2J\xff\r\n" + Echo(r) },
	} {
		t.Run(name, func(t *testing.T) {
			base := Provider(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, answer(r)) })
			m := s.New(Endpoint(base, NewClient(t)))
			if o := Send(t.Context(), t, m, s.Message); o.Excerpt == "" {
				t.Errorf("no excerpt: %+v", o)
			}
		})
	}
}

// noAckLinkInOutcome verifies that a response that quotes the request leaves no link to
// acknowledge an incident as evidence: it is for the receiver of the message.
func noAckLinkInOutcome(t *testing.T, s Sample) {
	base := Provider(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, Echo(r)) })
	for _, link := range []string{"https://bongsu.example/ack?token=SECRET_acknowledge", "https://bongsu.example/a/SECRET-acknowledge-0001/2?a=1&b=2"} {
		m := s.firing()
		m.AckURL = link
		_ = Send(t.Context(), t, s.At(t, base), m) // verifies the outcome
	}
}

// ordinaryWordsStay verifies that a response of ordinary words is kept as evidence,
// also if the credential consists of short or ordinary words.
func ordinaryWordsStay(t *testing.T, s Sample) {
	const quoted = "no: a bad address is not true; webhooks, services and workflows of version 1.0 in /api/v10 are at n/a, HTTP/1.1"
	base := Provider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		write(w, quoted)
	})
	m := s.New(Endpoint(base, NewClient(t)))
	if o := Send(t.Context(), t, m, s.Message); o.Excerpt != quoted {
		t.Errorf("%q", o.Excerpt)
	}
	if s.ShortCredential == "" {
		return
	}
	message := s.Message
	message.Credential = s.ShortCredential
	if o := m.Send(t.Context(), message); o.Excerpt != quoted {
		t.Errorf("with a short credential: %q", o.Excerpt)
	}
}

// otherSpellingsOfSecrets has providers quote secrets in another case, or short
// ones next to their names.
func otherSpellingsOfSecrets(t *testing.T, s Sample) {
	var quoted string
	base := Provider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		write(w, quoted)
	})
	m := s.New(Endpoint(base, NewClient(t)))
	for _, quoted = range []string{strings.ToLower(s.Message.Credential), strings.ToUpper(s.Message.Credential), url.QueryEscape(strings.ToLower(s.Message.Credential))} {
		if o := Send(t.Context(), t, m, s.Message); strings.Contains(strings.ToLower(o.Excerpt), "secret") {
			t.Errorf("%q leaves %q", quoted, o.Excerpt)
		}
	}
}

// CheckEvidence verifies the evidence of a messenger with a credential for a response that
// quotes parts of it.
func CheckEvidence(t *testing.T, s Sample, credential, body, want string) {
	t.Helper()
	base := Provider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		write(w, body)
	})
	m := s.Message
	m.Credential = credential
	if o := s.At(t, base).Send(t.Context(), m); o.Excerpt != want {
		t.Errorf("%s: %q makes %q, want %q", credential, body, o.Excerpt, want)
	}
}
