package redact

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// URLSecrets returns the secrets of a URL or a connection string: user and password, and the
// values of parameters with secret names. A value that is not a URL is returned as a
// whole.
func URLSecrets(value string) []string {
	if strings.Contains(value, "://") {
		var secrets []string
		for part := range strings.SplitSeq(value, ",") { // NATS accepts several
			u, err := url.Parse(strings.TrimSpace(part))
			if err != nil {
				return []string{value}
			}
			secrets = append(secrets, userinfoSecrets(u.User)...)
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

// userinfoSecrets returns the secrets of the userinfo of a URL: a password, or the token that
// stands alone.
func userinfoSecrets(user *url.Userinfo) []string {
	if user == nil {
		return nil
	}
	password, given := user.Password()
	if !given {
		return []string{user.Username()}
	}
	return []string{user.String(), password}
}

// IsSecretName reports whether the name of an option or a parameter marks its value as
// a secret.
func IsSecretName(name string) bool { return secretName.MatchString(name) }

var (
	secretName = regexp.MustCompile(`(?i)pass|pwd|secret|token|key|sig|auth|cred|code|hash|hmac|jwt|session`)
	keyword    = regexp.MustCompile(`([A-Za-z_]+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']+)`)
	userinfo   = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/?#\s"'<>]*@`)
)

// errNoURL replaces parse errors, whose text quotes the value.
var errNoURL = errors.New("invalid URL")

// Error returns err with a text without the secrets of the given URLs and connection
// strings, and without the userinfo of any other URL. The text of a URL parse error is
// dropped, because it quotes parts of the value. errors.Is matches the original error;
// errors.As does not, because some libraries keep their configuration in their errors.
func Error(err error, values ...string) error {
	if err == nil {
		return nil
	}
	var failed *url.Error
	if errors.As(err, &failed) && failed.Op == "parse" {
		return &redactedError{text: errNoURL.Error(), err: err}
	}
	var secrets []string
	for _, value := range values {
		secrets = append(secrets, URLSecrets(value)...)
	}
	text := Text(err.Error(), secrets...)
	return &redactedError{text: userinfo.ReplaceAllString(text, "$1"+Placeholder+"@"), err: err}
}

// A redactedError error has the identity of another error and its own text.
type redactedError struct {
	text string
	err  error
}

// Error returns the redacted text.
func (r *redactedError) Error() string { return r.text }

// Is reports whether the original error is target.
func (r *redactedError) Is(target error) bool { return errors.Is(r.err, target) }
