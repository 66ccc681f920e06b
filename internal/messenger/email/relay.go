package email

import (
	"encoding/base64"
	"errors"
	"net/mail"
	"net/url"
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// A relay is a mail server and the sender of its mail, as a credential names them:
//
//	smtp://user:password@relay.example.com:587?from=bongsu@example.com
//
// smtp is encrypted by STARTTLS, unless tls=off is set; smtps by implicit TLS.
type relay struct {
	call.Relay
	from *mail.Address
}

// parseRelay parses a credential. Its error does not quote it.
func parseRelay(value string) (relay, error) {
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || u.Fragment != "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return relay{}, errors.New("must be a URL such as smtp://user:password@relay.example.com:587?from=bongsu@example.com, special characters of user and password escaped as %2F")
	}
	if u.Path != "" && u.Path != "/" {
		return relay{}, errors.New("must be a URL without a path, with ?from= after the port")
	}
	// Ports: RFC 6409 (submission), RFC 8314 (submissions).
	r := relay{Relay: call.Relay{Host: u.Hostname(), Port: u.Port(), ImplicitTLS: u.Scheme == "smtps"}}
	if r.Port == "" && r.ImplicitTLS {
		r.Port = "465"
	} else if r.Port == "" {
		r.Port = "587"
	}
	r.User = u.User.Username()
	r.Password, _ = u.User.Password()
	if (r.User == "") != (r.Password == "") || strings.ContainsRune(r.User+r.Password, 0) {
		return relay{}, errors.New("must name both a user and a password, or neither")
	}
	return r, r.options(u.RawQuery)
}

// options parses the query.
func (r *relay) options(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("must have a query such as ?from=bongsu@example.com")
	}
	for name := range values {
		if name != "from" && name != "tls" {
			return errors.New("must have no query parameters other than from and tls")
		}
	}
	switch {
	case !values.Has("tls"):
	case values.Get("tls") == "off" && !r.ImplicitTLS:
		r.Unencrypted = true
	default:
		return errors.New("must have tls=off, with smtp:// only, or no tls parameter")
	}
	r.from, err = mail.ParseAddress(values.Get("from"))
	if err != nil || checkAddress(r.from.Address) != nil {
		return errors.New("must have a sender address, such as ?from=bongsu@example.com")
	}
	r.Sender = r.from.Address
	return nil
}

// checkAddress accepts a mail address of ASCII characters: others need SMTPUTF8 (RFC 6531)
// on every server on the path.
func checkAddress(value string) error {
	at, err := mail.ParseAddress(value)
	if err != nil || at.Address != value || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) || len(value) > 254 {
		return errors.New("must be a mail address such as ops@example.com")
	}
	return nil
}

// secrets returns the secrets that a response must not contain, also as AUTH encodes
// them (RFC 4616).
func (r relay) secrets(credential string) []string {
	if r.Password == "" {
		return []string{credential}
	}
	encode := base64.StdEncoding.EncodeToString
	return []string{
		credential,
		encode([]byte("\x00" + r.User + "\x00" + r.Password)),
		encode([]byte(r.Password)),
		url.UserPassword(r.User, r.Password).String(),
		r.Password,
	}
}
