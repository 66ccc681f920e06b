package messenger

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Validation that settings of several messengers share. No error quotes a value.

// checkBy returns a check that accepts the values that parse accepts.
func checkBy[T any](parse func(string) (T, error)) func(string) error {
	return func(value string) error {
		_, err := parse(value)
		return err
	}
}

// checkToken accepts a value that is valid in an Authorization header.
func checkToken(value string) error {
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("must be a token of visible ASCII characters without spaces")
	}
	return nil
}

// checkWord accepts one word in any script.
func checkWord(value string) error {
	if value == "" || !utf8.ValidString(value) ||
		strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return errors.New("must be one word, without spaces")
	}
	return nil
}

// checkURL accepts an absolute http or https URL without userinfo. Whether http is
// allowed, and to which hosts, is configured by the operator.
func checkURL(value string) error {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return errors.New("must be an absolute URL such as https://example.com/…")
	case u.User != nil:
		return errors.New("must be a URL without user name and password")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must be a URL that begins with https://")
	}
	return nil
}

// isConfidential reports whether calls to a URL are confidential: they are encrypted, or
// never leave the host.
func isConfidential(value string) bool {
	u, err := url.Parse(value)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "https", "smtps":
		return true
	case "smtp": // with STARTTLS
		return u.Query().Get("tls") != "off" || isLoopback(u.Hostname())
	}
	return false
}

// isLoopback reports whether a host name is localhost or a loopback address.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
