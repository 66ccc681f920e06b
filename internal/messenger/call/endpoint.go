// Package call makes the calls of messengers to their providers, by HTTP and by SMTP.
//
// An Endpoint makes one call: it follows no redirect, reads a bounded part of the
// response, and notes whether the request may have reached the provider. Clients and
// dialers block addresses that user-given URLs must not reach, also behind a proxy. The
// response has an outcome by its status alone, which a messenger refines by the body, and
// Redact makes evidence of it: without secrets, in one line, and cut.
//
// The package has nothing of a single provider; the messengers of all build on it.
package call

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// An Endpoint configures the calls of a messenger to its provider.
type Endpoint struct {
	Client *http.Client // from NewClient; its transport and its timeout are used
	Dial   DialFunc     // from NewDialer, for protocols other than HTTP
	Now    func() time.Time
	// URL replaces the scheme and the host of every call, such as by those of a fake or
	// a gateway. Empty calls the provider itself.
	URL string
	// HTTP allows calls to user-given http URLs.
	HTTP bool
	// CallbackURL is the base URL of this Bongsu for callbacks, by which providers send
	// receipts. Empty requests no callbacks.
	CallbackURL string
	// MaxSMSSegments is the maximum number of segments of an SMS. 0 is the maximum length
	// that providers accept.
	MaxSMSSegments int
	// byUser marks calls to user-given URLs, unless URL is set.
	byUser bool
	// Roots are the trusted certificates for protocols other than HTTP; nil uses those
	// of the system.
	Roots *x509.CertPool
}

// URLOf returns the URL to call for address.
func (e Endpoint) URLOf(address string) string {
	if e.URL == "" {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return strings.TrimRight(e.URL, "/") + u.RequestURI()
}

// Post makes one POST request with exactly this header.
func (e Endpoint) Post(ctx context.Context, address string, body []byte, header http.Header) Response {
	return e.request(ctx, http.MethodPost, address, bytes.NewReader(body), header)
}

// Call makes one request with exactly this header, by any method. It is never repeated on
// another connection, whatever its method and its header.
func (e Endpoint) Call(ctx context.Context, method, address string, body []byte, header http.Header) Response {
	if len(body) == 0 && method != http.MethodGet {
		return e.request(ctx, method, address, http.NoBody, header)
	}
	return e.request(ctx, method, address, singleReader{bytes.NewReader(body)}, header)
}

// A singleReader is a body that net/http cannot read twice: net/http repeats a request
// that it takes for idempotent, such as GET, if the connection is lost without a response.
type singleReader struct{ *bytes.Reader }

// Get makes one GET request with exactly this header.
func (e Endpoint) Get(ctx context.Context, address string, header http.Header) Response {
	return e.request(ctx, http.MethodGet, address, http.NoBody, header)
}

func (e Endpoint) request(ctx context.Context, method, address string, body io.Reader, header http.Header) Response {
	ctx, cancel := withTimeout(ctx, e.Client.Timeout)
	defer cancel()
	var written requestWritten
	req, err := http.NewRequestWithContext(written.watch(ctx), method, e.URLOf(address), body)
	if err != nil {
		return Response{InvalidURL: true}
	}
	if e.URL == "" && !e.HTTP && req.URL.Scheme != "https" {
		return Response{InvalidURL: true}
	}
	if single, ok := body.(singleReader); ok {
		req.ContentLength = int64(single.Len())
	}
	if header != nil {
		req.Header = header
	}
	// Userinfo in an operator's URL is for the gateway, as in http.Client.
	if user := req.URL.User; user != nil && req.Header.Get("Authorization") == "" {
		password, _ := user.Password() // a missing password is empty
		req.SetBasicAuth(user.Username(), password)
	}
	return do(e.Client, req, &written)
}

// ForUserURL returns the endpoint for a messenger that calls user-given URLs.
func (e Endpoint) ForUserURL() Endpoint {
	e.byUser = true
	return e
}

// Outcome returns the outcome of a response by its status alone.
func (e Endpoint) Outcome(r Response) messenger.Outcome {
	o := r.Outcome(e.Now())
	if e.byUser && e.URL == "" && r.Status == 0 {
		return hideNetwork(o)
	}
	return o
}

// hideNetwork returns the outcome of a call to a user-given URL without a response,
// without details of a network that only this process can reach: whether a port is
// closed or filtered, and addresses.
func hideNetwork(o messenger.Outcome) messenger.Outcome {
	switch o.Code {
	case "connection_refused", "dial_error", "connection_error", "timeout", "tls_error", "connection_lost":
	case "dns_error":
		o.Excerpt = "the name of the host cannot be resolved"
		return o
	default:
		return o
	}
	switch {
	case o.Kind == messenger.Unknown:
		o.Excerpt = "connection lost or timed out after the request may have been sent"
	case o.Code == "tls_error":
		o.Excerpt = "TLS handshake failed, or the certificate is not trusted"
	case o.Kind == messenger.Retry:
		o.Code, o.Excerpt = "unreachable", "connection failed; the cause is not shown for user-given URLs"
	}
	return o
}

// JSON returns v as JSON, without HTML escapes. It panics if v cannot be encoded.
func JSON(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // request bodies consist of strings
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
