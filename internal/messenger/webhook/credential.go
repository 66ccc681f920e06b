package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// A parsedCredential is an endpoint with its authentication:
//
//	https://user:password@example.com/hook#whsec_…&bearer=TOKEN&header=X-Team:ops
//
// The fragment is not part of the URL. Its parts, separated by &, are optional: the
// signing secret, a bearer token, and up to maxHeaders headers. & and % within
// them are escaped as %26 and %25.
type parsedCredential struct {
	address string
	secret  call.SigningSecret // zero if calls are not signed
	header  http.Header        // from the credential, including Authorization
	secrets []string           // that a response must not contain
}

// maxHeaders is the maximum number of headers in a credential.
const maxHeaders = 10

// parseCredential parses a credential. Its error does not quote it.
func parseCredential(credential string) (parsedCredential, error) {
	address, options, given := strings.Cut(credential, "#")
	u, err := url.Parse(address)
	if err != nil {
		return parsedCredential{}, messenger.CheckURL(address)
	}
	c := parsedCredential{header: http.Header{}, secrets: []string{credential}}
	if err := c.user(u.User); err != nil {
		return parsedCredential{}, err
	}
	u.User = nil
	c.address = u.String()
	c.secrets = append(c.secrets, call.URLSecrets(c.address)...)
	if err := messenger.CheckURL(c.address); err != nil || !given {
		return c, err
	}
	for i, option := range strings.Split(options, "&") {
		if err := c.option(option, i == 0); err != nil {
			return parsedCredential{}, err
		}
	}
	return c, nil
}

// user sets basic authentication from the userinfo (RFC 7617).
func (c *parsedCredential) user(user *url.Userinfo) error {
	if user == nil {
		return nil
	}
	password, _ := user.Password()
	if user.Username() == "" || password == "" || strings.Contains(user.Username(), ":") || strings.ContainsFunc(user.Username()+password, isControl) {
		return errors.New("must name both a user and a password before the @, or neither")
	}
	basic := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
	c.header.Set("Authorization", "Basic "+basic)
	c.secrets = append(c.secrets, basic, user.Username()+":"+password, password)
	return nil
}

// option parses one part of the fragment.
func (c *parsedCredential) option(option string, first bool) error {
	name, value, named := strings.Cut(option, "=")
	plain, err := url.PathUnescape(value)
	switch {
	case named && name == "bearer":
		if err != nil || messenger.CheckToken(plain) != nil {
			return errors.New("must have a token of visible characters after bearer=, with & and % as %26 and %25")
		}
		return c.set("Authorization", "Bearer "+plain, plain)
	case named && name == "header":
		key, text, ok := strings.Cut(plain, ":")
		if err != nil || !ok {
			return errors.New("must have a name and a value after header=, such as header=X-Team:ops, with & and % as %26 and %25")
		}
		return c.set(key, strings.TrimSpace(text), strings.TrimSpace(text))
	case first:
		return c.sign(option)
	}
	return errors.New("must have nothing after the # but a signing secret first, bearer=… and header=…, separated by &")
}

// sign sets the signing secret.
func (c *parsedCredential) sign(key string) error {
	secret, err := call.ParseSigningSecret(key)
	if err != nil {
		return errors.New("must have a signing secret after the #, whsec_ and 24 to 64 bytes in Base64, or bearer=… or header=…")
	}
	c.secret, c.secrets = secret, append(c.secrets, key, strings.TrimPrefix(key, "whsec_"))
	return nil
}

// headerName matches the name of a header (RFC 9110, 5.6.2).
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// reservedHeaders are the reserved headers, which a credential cannot set: they belong to
// the connection, the body, or the signature.
var reservedHeaders = []string{
	"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host", "Keep-Alive",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// set adds a header. secret is the secret part of its value.
func (c *parsedCredential) set(name, value, secret string) error {
	key := http.CanonicalHeaderKey(name)
	switch {
	case !headerName.MatchString(name):
		return errors.New("must have a header name before the :, such as header=X-Team:ops")
	case slices.Contains(reservedHeaders, key), strings.HasPrefix(key, "Webhook-"), strings.HasPrefix(key, "Proxy-"), strings.HasPrefix(key, "Sec-"):
		return fmt.Errorf("must not set the reserved header %s", key)
	case value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
		return errors.New("must have a value of visible ASCII characters for each header")
	case c.header[key] != nil:
		return fmt.Errorf("must set the header %s once: user and password, bearer=… and header=Authorization:… set the same", key)
	case len(c.header) == maxHeaders:
		return fmt.Errorf("must set at most %d headers", maxHeaders)
	}
	c.header[key] = []string{value}
	c.secrets = append(c.secrets, value, secret)
	if _, word, ok := strings.Cut(value, " "); ok && key == "Authorization" { // of a scheme such as Token
		c.secrets = append(c.secrets, word)
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func checkCredential(value string) error {
	_, err := parseCredential(value)
	return err
}
