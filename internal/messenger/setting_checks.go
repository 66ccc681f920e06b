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

// CheckBy returns a check that accepts the values that parse accepts.
func CheckBy[T any](parse func(string) (T, error)) func(string) error {
	return func(value string) error {
		_, err := parse(value)
		return err
	}
}

// CheckToken accepts a value that is valid in an Authorization header.
func CheckToken(value string) error {
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("must be a token of visible ASCII characters without spaces")
	}
	return nil
}

// CheckWord accepts one word in any script.
func CheckWord(value string) error {
	if value == "" || !utf8.ValidString(value) ||
		strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return errors.New("must be one word, without spaces")
	}
	return nil
}

// CheckURL accepts an absolute http or https URL without userinfo. Whether http is
// allowed, and to which hosts, is configured by the operator.
func CheckURL(value string) error {
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
		return u.Query().Get("tls") != "off" || IsLoopback(u.Hostname())
	}
	return false
}

// IsLoopback reports whether a host name is localhost or a loopback address.
func IsLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
