package messenger

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func noSecretInOutcome(t *testing.T, s sample) {
	for name, answer := range map[string]func(r *http.Request) string{
		"as text":            echo,
		"as Slack's error":   func(r *http.Request) string { return fmt.Sprintf(`{"ok":false,"error":%q}`, echo(r)) },
		"as Slack's id":      func(r *http.Request) string { return fmt.Sprintf(`{"ok":true,"ts":%q}`, echo(r)) },
		"across the cut":     func(r *http.Request) string { return strings.Repeat("x", MaxExcerpt-8) + echo(r) },
		"with control bytes": func(r *http.Request) string { return "\x00\x1b[2J\xff\r\n" + echo(r) },
	} {
		t.Run(name, func(t *testing.T) {
			base := provider(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, answer(r)) })
			m := s.make(endpoint(base, newClient(t)))
			if o := send(t.Context(), t, m, s.message); o.Excerpt == "" {
				t.Errorf("no excerpt: %+v", o)
			}
		})
	}
}

// ordinaryWordsStay verifies that a response of ordinary words is kept as evidence,
// also if the credential consists of short or ordinary words.
func ordinaryWordsStay(t *testing.T, s sample) {
	const said = "no: a bad address is not true; webhooks, services and workflows of version 1.0 in /api/v10 are at n/a, HTTP/1.1"
	base := provider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		write(w, said)
	})
	m := s.make(endpoint(base, newClient(t)))
	if o := send(t.Context(), t, m, s.message); o.Excerpt != said {
		t.Errorf("%q", o.Excerpt)
	}
	if s.shortCredential == "" {
		return
	}
	message := s.message
	message.Credential = s.shortCredential
	if o := m.Send(t.Context(), message); o.Excerpt != said {
		t.Errorf("with a short credential: %q", o.Excerpt)
	}
}

// otherSpellingsOfSecrets has providers quote secrets in another case, or short
// ones next to their names.
func otherSpellingsOfSecrets(t *testing.T, s sample) {
	var said string
	base := provider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		write(w, said)
	})
	m := s.make(endpoint(base, newClient(t)))
	for _, said = range []string{strings.ToLower(s.message.Credential), strings.ToUpper(s.message.Credential), url.QueryEscape(strings.ToLower(s.message.Credential))} {
		if o := send(t.Context(), t, m, s.message); strings.Contains(strings.ToLower(o.Excerpt), "secret") {
			t.Errorf("%q leaves %q", said, o.Excerpt)
		}
	}
}

// quoted verifies the evidence of a messenger with a credential for a response that
// quotes parts of it.
func quoted(t *testing.T, s sample, credential, body, want string) {
	t.Helper()
	base := provider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		write(w, body)
	})
	m := s.message
	m.Credential = credential
	if o := s.at(t, base).Send(t.Context(), m); o.Excerpt != want {
		t.Errorf("%s: %q makes %q, want %q", credential, body, o.Excerpt, want)
	}
}
