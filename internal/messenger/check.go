package messenger

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/redact"
)

// The checks that settings of several messengers share. None quotes a value.

// checkBy accepts what parse can read.
func checkBy[T any](parse func(string) (T, error)) func(string) error {
	return func(value string) error {
		_, err := parse(value)
		return err
	}
}

// checkToken accepts what can stand in an Authorization header.
func checkToken(value string) error {
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("must be a token of visible ASCII characters without spaces")
	}
	return nil
}

// checkWord accepts one word of any script.
func checkWord(value string) error {
	if value == "" || !utf8.ValidString(value) ||
		strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return errors.New("must be one word, without spaces")
	}
	return nil
}

// checkURL accepts an absolute http or https URL without a user's name. Whether http
// will do, and which hosts, an operator decides.
func checkURL(value string) error {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return errors.New("must be an absolute URL such as https://example.com/…")
	case u.User != nil:
		return errors.New("must be a URL without a user's name or password")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must be a URL that begins with https://")
	}
	return nil
}

// encrypted says whether what is sent to a URL is read on the way by nobody: it is
// encrypted, or never leaves the machine.
func encrypted(value string) bool {
	u, err := url.Parse(value)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "https", "smtps":
		return true
	case "smtp": // by STARTTLS
		return u.Query().Get("tls") != "off" || loopback(u.Hostname())
	}
	return false
}

// loopback says whether a host is this machine by its very name.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// urlSecrets are the secrets of a URL that is a password: the whole of it, with and
// without its scheme, what is asked of the host, and those words of its path and query
// that are keys. What a query calls a key, a token or a signature is one however short.
func urlSecrets(value string) []string {
	u, err := url.Parse(value)
	if err != nil {
		return []string{value}
	}
	secrets := []string{value}
	if request := u.RequestURI(); len(request) > 1 {
		secrets = append(secrets, u.Host+request, request)
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if looksLikeKey(segment) {
			secrets = append(secrets, segment)
		}
	}
	for name, values := range u.Query() {
		for _, v := range values {
			if redact.IsSecretName(name) || looksLikeKey(v) {
				secrets = append(secrets, v)
			}
		}
	}
	return secrets
}

// looksLikeKey reports whether a word of a URL is taken for a key: it is long, or not
// short and made of letters and digits, as words of people are not.
func looksLikeKey(word string) bool {
	return len(word) >= 16 || len(word) >= 8 && strings.ContainsFunc(word, unicode.IsDigit) && strings.ContainsFunc(word, unicode.IsLetter)
}
