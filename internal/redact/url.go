package redact

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// Of returns what a URL or a connection string must not show: user and password, and
// the values of its options whose names speak of secrets. What is no URL is a secret
// as a whole.
func Of(value string) []string {
	if strings.Contains(value, "://") {
		var secrets []string
		for part := range strings.SplitSeq(value, ",") { // NATS takes several
			u, err := url.Parse(strings.TrimSpace(part))
			if err != nil {
				return []string{value}
			}
			secrets = append(secrets, ofUser(u.User)...)
			for name, values := range u.Query() {
				if IsSecretName(name) {
					secrets = append(secrets, values...)
				}
			}
		}
		return secrets
	}
	var secrets []string
	for _, pair := range keyword.FindAllStringSubmatch(value, -1) {
		if IsSecretName(pair[1]) {
			secrets = append(secrets, strings.Trim(pair[2], "'"))
		}
	}
	return secrets
}

// ofUser returns the secrets of what stands before the @ of a URL: a password, or a
// token that stands there alone.
func ofUser(user *url.Userinfo) []string {
	if user == nil {
		return nil
	}
	password, given := user.Password()
	if !given {
		return []string{user.Username()}
	}
	return []string{user.String(), password}
}

// IsSecretName reports whether the name of an option or a parameter says that its value
// is a secret.
func IsSecretName(name string) bool { return secretName.MatchString(name) }

var (
	secretName = regexp.MustCompile(`(?i)pass|pwd|secret|token|key|sig|auth|cred|code|hash|hmac|jwt|session`)
	keyword    = regexp.MustCompile(`([A-Za-z_]+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']+)`)
	userinfo   = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/?#\s"'<>]*@`)
)

// errNoURL stands for a library's error that quotes what it could not parse.
var errNoURL = errors.New("it is not a URL")

// Error returns err with a text in which neither the secrets of the URLs and connection
// strings stand that led to it, nor the user of any other URL. Where a library could not
// parse a URL its text is dropped: it quotes parts of what it did not understand.
// errors.Is finds what err is; errors.As does not find it, as some libraries keep their
// configuration in their errors.
func Error(err error, values ...string) error {
	if err == nil {
		return nil
	}
	var failed *url.Error
	if errors.As(err, &failed) && failed.Op == "parse" {
		return &redacted{text: errNoURL.Error(), err: err}
	}
	var secrets []string
	for _, value := range values {
		secrets = append(secrets, Of(value)...)
	}
	text := Text(err.Error(), secrets...)
	return &redacted{text: userinfo.ReplaceAllString(text, "$1"+Mark+"@"), err: err}
}

// A redacted error tells what another one is, in a text of its own.
type redacted struct {
	text string
	err  error
}

// Error returns the text without secrets.
func (r *redacted) Error() string { return r.text }

// Is reports whether the error that was redacted is the target.
func (r *redacted) Is(target error) bool { return errors.Is(r.err, target) }
