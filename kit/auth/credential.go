package auth

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// A credential is the contents of an Authorization header.
type credential struct {
	text  string
	basic bool // of the scheme Basic, in which only keys are accepted
}

// errMalformed is the refusal of an Authorization header that holds neither a key nor a token.
var errMalformed = &Refusal{Reason: Malformed, Text: "invalid Authorization header: send it as Bearer with an API key or a token, or as Basic with an API key as the password"}

// credentialOf returns the credential of a request. It returns false if the request has
// none, and errMalformed for more than one or an unknown scheme.
func credentialOf(header http.Header) (c credential, ok bool, err error) {
	values := header["Authorization"]
	switch {
	case len(values) == 0:
		return c, false, nil
	case len(values) > 1:
		return c, false, errMalformed
	}
	if c, ok = parseAuthorization(values[0]); !ok {
		return c, false, errMalformed
	}
	return c, true, nil
}

// parseAuthorization parses the value of an Authorization header. The credential of the
// scheme Basic is the password or, if that is empty, the user: in http://KEY@host the key is
// the user.
func parseAuthorization(value string) (credential, bool) {
	scheme, text, _ := strings.Cut(value, " ")
	text = strings.Trim(text, " ")
	switch {
	case text == "":
		return credential{}, false
	case strings.EqualFold(scheme, "Bearer"):
		return credential{text: text}, true
	case !strings.EqualFold(scheme, "Basic"):
		return credential{}, false
	}
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return credential{}, false
	}
	user, password, ok := strings.Cut(string(decoded), ":")
	if password == "" {
		password = user
	}
	if !ok || password == "" {
		return credential{}, false
	}
	return credential{text: password, basic: true}, true
}
