package call

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/redact"
)

// URLSecrets returns the secrets of a URL that is a credential: the whole URL, with and
// without its scheme, its request URI, and the parts of its path and query that look
// like keys. Query parameters with a secret name are secrets, whatever their length.
func URLSecrets(value string) []string {
	u, err := url.Parse(value)
	if err != nil {
		return []string{value}
	}
	secrets := []string{value}
	if request := u.RequestURI(); len(request) > 1 {
		secrets = append(secrets, u.Host+request, request)
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if looksLikeSecret(segment) {
			secrets = append(secrets, segment)
		}
	}
	for name, values := range u.Query() {
		for _, v := range values {
			if redact.IsSecretName(name) || looksLikeSecret(v) {
				secrets = append(secrets, v)
			}
		}
	}
	return secrets
}

// looksLikeSecret reports whether a part of a URL is taken for a key: it has at least 16
// bytes, or at least 8 with both letters and digits.
func looksLikeSecret(word string) bool {
	return len(word) >= 16 || len(word) >= 8 && strings.ContainsFunc(word, unicode.IsDigit) && strings.ContainsFunc(word, unicode.IsLetter)
}

// AckSecrets returns the secrets of the AckURL of a message, which providers may repeat in
// their responses: whoever has it can acknowledge the incident.
func AckSecrets(m messenger.Message) []string {
	if m.AckURL == "" {
		return nil
	}
	return URLSecrets(m.AckURL)
}
