package messenger

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestWithout(t *testing.T) {
	for name, c := range map[string]struct{ secret, excerpt, want string }{
		"plain":              {"T0KEN", "your T0KEN is bad", "your [redacted] is bad"},
		"lines":              {"T", "a\r\nb\tc", "a  b c"},
		"control":            {"T0KEN", "T0\x00KEN", "T0\uFFFDKEN"},
		"bad UTF-8":          {"T0KEN", "a\xffb", "a\uFFFDb"},
		"cut on a character": {"T0KEN", strings.Repeat("봉", 200), strings.Repeat("봉", MaxExcerpt/3)},
		"cut in the secret":  {"T0KEN-12", strings.Repeat("x", MaxExcerpt-2) + "T0KEN-12", strings.Repeat("x", MaxExcerpt-2) + "[r"},
	} {
		if got := (Outcome{Kind: Failed, Excerpt: c.excerpt}).redacted(c.secret).Excerpt; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestOrdinaryWordsStay verifies that a response of ordinary words is kept as evidence,
// also if the credential consists of short or ordinary words.
func TestOrdinaryWordsStay(t *testing.T) {
	const said = "no: a bad address is not true; webhooks, services and workflows of version 1.0 in /api/v10 are at n/a, HTTP/1.1"
	base := provider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		write(w, said)
	})
	each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
		if o := send(t.Context(), t, m, s.message); o.Excerpt != said {
			t.Errorf("%q", o.Excerpt)
		}
	})
	for name, credential := range map[string]string{
		"webhook":   "https://example.com/a?x=1&sig=b&v=true",
		"discord":   "https://discord.com/api/webhooks/1/a?thread_id=1",
		"slackhook": "https://hooks.slack.com/services/T/B/a",
		"teams":     "https://example.com/workflows/a/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=a",
		"twilio":    "ACa:a:1234",
		"sns":       "AKIA:a:us-east-1",
		"ntfy":      "https://ntfy.sh#a",
		"slack":     "a",
		"telegram":  "1:a",
	} {
		t.Run("short "+name, func(t *testing.T) {
			m := samples[name].message
			m.Credential = credential
			if o := find(t, name, base).Send(t.Context(), m); o.Excerpt != said {
				t.Errorf("%q", o.Excerpt)
			}
		})
	}
}

// TestSecretsInOtherSpellings has providers quote secrets in another case, or short
// ones next to their names.
func TestSecretsInOtherSpellings(t *testing.T) {
	var said string
	base := provider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		write(w, said)
	})
	each(t, base, newClient(t), func(t *testing.T, m Messenger, s sample) {
		for _, said = range []string{strings.ToLower(s.message.Credential), strings.ToUpper(s.message.Credential), url.QueryEscape(strings.ToLower(s.message.Credential))} {
			if o := send(t.Context(), t, m, s.message); strings.Contains(strings.ToLower(o.Excerpt), "secret") && !strings.HasPrefix(m.Spec().Name, "ntfy") {
				t.Errorf("%q leaves %q", said, o.Excerpt)
			}
		}
	})
	for _, c := range []struct{ name, credential, said, want string }{
		{"teams", "https://example.com/workflows/x?sig=ab", "bad sig=ab", "bad sig=[redacted]"},
		{"teams", "https://example.com/workflows/x?sig=ab", `{"sig":"AB"}`, `{"sig":"[redacted]"}`},
		{"webhook", "https://example.com/hook?sig=abcde", "sig abcde is bad", "sig [redacted] is bad"},
		{"webhook", "https://example.com/hook/k3y-of-hook", "K3Y-OF-HOOK%2F", "[redacted]%2F"},
		{"webhook", "https://example.com/a", `no route "/a"`, `no route "[redacted]"`},
		{"webhook", "https://example.com/a", "no route https://EXAMPLE.com/a", "no route [redacted]"},
	} {
		m := samples[c.name].message
		m.Credential, said = c.credential, c.said
		if o := find(t, c.name, base).Send(t.Context(), m); o.Excerpt != c.want {
			t.Errorf("%s: %q makes %q, want %q", c.credential, c.said, o.Excerpt, c.want)
		}
	}
}
