package httpx

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/texttemplate"
)

// A request is a compiled Request. It is safe for concurrent use.
type request struct {
	of      Request
	method  string
	origin  *url.URL // literal scheme and host; nil if they are those of originOf
	baseURL string   // name of the parameter that is the URL, if origin is nil
	address *texttemplate.Template
	headers []headerTemplate
	body    *texttemplate.Template
	isJSON  bool
	key     *texttemplate.Template // nil if the request is not signed
	signed  *texttemplate.Template
	rule    outcomeRule
	costly  bool // a message costs money
}

type headerTemplate struct {
	name  string
	value *texttemplate.Template
}

var (
	// literalOrigin matches a URL whose scheme and host are literal.
	literalOrigin = regexp.MustCompile(`^https?://[^/?#@{}\s\\]+(?:[/?]|$)`)
	// paramOrigin matches a URL that begins with a parameter.
	paramOrigin = regexp.MustCompile(`^\{\{-? *\.Param\.([a-z][a-zA-Z0-9_]*) *-?\}\}`)
	paramName   = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]{0,39}$`)
	paramUse    = regexp.MustCompile(`\.Param\.([a-zA-Z0-9_]*)`)
)

// headerName matches the name of a header (RFC 9110, 5.6.2).
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// reservedHeaders belong to the connection; a template cannot set them.
var reservedHeaders = []string{
	"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Expect", "Host", "Keep-Alive",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// compile validates a Request with these parameters. The names of fields in its errors
// are those of YAML and JSON. Errors may quote the templates.
func compile(of Request, params []Param) (*request, error) {
	r := &request{of: of, method: of.Method}
	if r.method == "" {
		r.method = http.MethodPost
	}
	if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch}, r.method) {
		return nil, errors.New("method must be GET, POST, PUT or PATCH")
	}
	if r.method == http.MethodGet && of.Body != "" {
		return nil, errors.New("body must be empty for the method GET")
	}
	if err := r.compileURL(params); err != nil {
		return nil, err
	}
	for field, text := range r.texts() {
		for _, use := range paramUse.FindAllStringSubmatch(text, -1) {
			if !slices.ContainsFunc(params, func(p Param) bool { return p.Name == use[1] }) {
				return nil, fmt.Errorf("%s uses .Param.%s, which is not in params", field, use[1])
			}
		}
	}
	var err error
	if r.address, err = texttemplate.Parse(of.URL); err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if r.body, err = texttemplate.Parse(of.Body); err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	if err := r.compileHeaders(); err != nil {
		return nil, err
	}
	if err := r.compileSign(); err != nil {
		return nil, err
	}
	if err := of.Text.check(); err != nil {
		return nil, err
	}
	r.rule, err = compileOutcome(of)
	return r, err
}

// texts returns the templates by field.
func (r *request) texts() map[string]string {
	texts := map[string]string{"url": r.of.URL, "body": r.of.Body}
	for name, value := range r.of.Headers {
		texts["headers: "+name] = value
	}
	if r.of.Sign != nil {
		texts["sign: key"], texts["sign: text"] = r.of.Sign.Key, r.of.Sign.Text
	}
	return texts
}

// compileURL sets the origin, which no part of an alert or a destination can change.
func (r *request) compileURL(params []Param) error {
	if match := paramOrigin.FindStringSubmatch(r.of.URL); match != nil {
		if !slices.ContainsFunc(params, func(p Param) bool { return p.URL && p.Name == match[1] }) {
			return fmt.Errorf("url begins with .Param.%s, which must be in params, with url: true", match[1])
		}
		r.baseURL = match[1]
		return nil
	}
	literal, _, _ := strings.Cut(r.of.URL, "{{")
	if !literalOrigin.MatchString(literal) || strings.Contains(r.of.URL, "{{") && !strings.ContainsAny(strings.SplitN(literal, "://", 2)[1], "/?") {
		return errors.New("url must begin with https:// and a host without a template in it, such as https://example.com/{{urlpath .Destination}}, or with a parameter that is a URL")
	}
	u, err := url.Parse(literalOrigin.FindString(literal))
	if err != nil || messenger.CheckURL(u.String()) != nil {
		return errors.New("url must be an absolute URL such as https://example.com/…")
	}
	r.origin = u
	return nil
}

// compileHeaders compiles the headers by name. A body is JSON by default.
func (r *request) compileHeaders() error {
	if len(r.of.Headers) > maxHeaders {
		return fmt.Errorf("headers must be at most %d", maxHeaders)
	}
	seen := map[string]bool{}
	for name, text := range r.of.Headers {
		key := http.CanonicalHeaderKey(name)
		switch {
		case !headerName.MatchString(name):
			return errors.New("headers must have names of RFC 9110, such as X-Team")
		case slices.Contains(reservedHeaders, key), strings.HasPrefix(key, "Proxy-"), strings.HasPrefix(key, "Sec-"):
			return fmt.Errorf("headers must not have the reserved header %s", key)
		case seen[key]:
			return fmt.Errorf("headers must have %s once", key)
		}
		seen[key] = true
		value, err := texttemplate.Parse(text)
		if err != nil {
			return fmt.Errorf("headers: %s: %w", key, err)
		}
		r.headers = append(r.headers, headerTemplate{key, value})
	}
	if !seen["Content-Type"] && r.of.Body != "" {
		value, err := texttemplate.Parse("application/json")
		if err != nil {
			return err
		}
		r.headers = append(r.headers, headerTemplate{"Content-Type", value})
	}
	slices.SortFunc(r.headers, func(a, b headerTemplate) int { return strings.Compare(a.name, b.name) })
	r.isJSON = r.of.Body != "" && (!seen["Content-Type"] || strings.Contains(strings.ToLower(r.header("Content-Type")), "json"))
	return nil
}

// header returns the template of a header, by its canonical name.
func (r *request) header(key string) string {
	for name, text := range r.of.Headers {
		if http.CanonicalHeaderKey(name) == key {
			return text
		}
	}
	return ""
}

func (r *request) compileSign() (err error) {
	if r.of.Sign == nil {
		return nil
	}
	if r.of.Sign.Key == "" || r.of.Sign.Text == "" {
		return errors.New("sign must have a key and a text")
	}
	if !slices.Contains([]string{"", "base64", "hex"}, r.of.Sign.Encoding) {
		return errors.New("sign: encoding must be base64 or hex")
	}
	if r.key, err = texttemplate.Parse(r.of.Sign.Key); err != nil {
		return fmt.Errorf("sign: key: %w", err)
	}
	if r.signed, err = texttemplate.Parse(r.of.Sign.Text); err != nil {
		return fmt.Errorf("sign: text: %w", err)
	}
	return nil
}

// maxRenderTime is the timeout of a template. The steps of a template are limited too, so
// only a process without CPU time reaches it.
const maxRenderTime = 5 * time.Second

// A rendered is a request to send.
type rendered struct {
	address string
	header  http.Header
	body    []byte
	secrets []string // the link to acknowledge, the signature, and the values of headers
	cut     bool
}

// render renders the request of a message.
func (r *request) render(m messenger.Message, params map[string]string, now time.Time) (rendered, error) {
	d := newRequestData(m, r, params)
	d.Seconds, d.Millis = fmt.Sprint(now.Unix()), fmt.Sprint(now.UnixMilli())
	made := rendered{header: http.Header{}, secrets: call.AckSecrets(m)}
	var err error
	if made.address, err = r.address.ExecuteWithin(d, maxRenderTime); err != nil {
		return made, fmt.Errorf("url: %w", err)
	}
	u, err := r.checkOrigin(made.address, params)
	if err != nil {
		return made, err
	}
	d.RequestURI = u.RequestURI()
	if d.Body, err = r.body.ExecuteWithin(d, maxRenderTime); err != nil {
		return made, fmt.Errorf("body: %w", err)
	}
	if made.body = []byte(d.Body); r.isJSON && !json.Valid(made.body) {
		return made, errors.New("body is not JSON: insert texts by {{json .Text}}")
	}
	if r.key != nil {
		if d.Signature, err = r.signature(d); err != nil {
			return made, err
		}
		made.secrets = append(made.secrets, d.Signature)
	}
	for _, h := range r.headers {
		value, err := h.value.ExecuteWithin(d, maxRenderTime)
		if err != nil {
			return made, fmt.Errorf("headers: %s: %w", h.name, err)
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return made, fmt.Errorf("headers: %s must have a value of visible ASCII characters", h.name)
		}
		made.header[h.name] = []string{value}
		made.secrets = append(made.secrets, headerSecrets(h.name, value)...)
	}
	made.cut = d.cut
	return made, nil
}

// harmlessHeaders are headers whose values are no secrets.
var harmlessHeaders = []string{"Accept", "Accept-Language", "Content-Type", "User-Agent"}

// headerSecrets returns the secrets in the value of a header.
func headerSecrets(name, value string) []string {
	if value == "" || slices.Contains(harmlessHeaders, name) {
		return nil
	}
	if _, word, ok := strings.Cut(value, " "); ok { // of a scheme such as Bearer
		return []string{value, word}
	}
	return []string{value}
}

// checkOrigin returns the parsed URL. Scheme and host must be those of the template.
func (r *request) checkOrigin(address string, params map[string]string) (*url.URL, error) {
	origin := r.origin
	if origin == nil {
		base, err := url.Parse(params[r.baseURL])
		if err != nil {
			return nil, errors.New("url is invalid")
		}
		origin = base
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != origin.Scheme || u.Host != origin.Host || u.User != nil || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil, errors.New("url is invalid: insert values by {{urlpath .Destination}} or {{urlquery .Destination}}")
	}
	return u, nil
}

func (r *request) signature(d *requestData) (string, error) {
	key, err := r.key.ExecuteWithin(d, maxRenderTime)
	if err != nil {
		return "", fmt.Errorf("sign: key: %w", err)
	}
	text, err := r.signed.ExecuteWithin(d, maxRenderTime)
	if err != nil {
		return "", fmt.Errorf("sign: text: %w", err)
	}
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = mac.Write([]byte(text)) // never fails
	if r.of.Sign.Encoding == "hex" {
		return hex.EncodeToString(mac.Sum(nil)), nil
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}
