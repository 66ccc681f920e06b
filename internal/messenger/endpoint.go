package messenger

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
)

// An Endpoint is how a messenger reaches its provider.
type Endpoint struct {
	Client *http.Client // as NewClient makes it; its transport and its timeout are used
	Dial   Dial         // as NewDial makes it, for what does not speak HTTP
	Now    func() time.Time
	// URL stands in place of the scheme and the host of every call, such as a fake's
	// or a gateway's. Empty calls the provider itself.
	URL string
	// HTTP lets calls go to user-given URLs that are http.
	HTTP bool
	// CallbackURL is the URL under which providers reach this Bongsu, to say later what
	// became of a message. Empty asks them for no such word.
	CallbackURL string
	// byUser says that calls go to URLs that users have given, unless URL is set.
	byUser bool
	// roots certify those that do not speak HTTP; nil means whom the system trusts.
	roots *x509.CertPool
}

// at is where a call to address goes.
func (e Endpoint) at(address string) string {
	if e.URL == "" {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return strings.TrimRight(e.URL, "/") + u.RequestURI()
}

// post makes one POST. Its header is used as it is.
func (e Endpoint) post(ctx context.Context, address string, body []byte, header http.Header) reply {
	return e.request(ctx, http.MethodPost, address, bytes.NewReader(body), header)
}

// get makes one GET. Its header is used as it is.
func (e Endpoint) get(ctx context.Context, address string, header http.Header) reply {
	return e.request(ctx, http.MethodGet, address, http.NoBody, header)
}

func (e Endpoint) request(ctx context.Context, method, address string, body io.Reader, header http.Header) reply {
	ctx, cancel := within(ctx, e.Client.Timeout)
	defer cancel()
	var begun begun
	req, err := http.NewRequestWithContext(begun.watch(ctx), method, e.at(address), body)
	if err != nil {
		return reply{impossible: true}
	}
	if e.URL == "" && !e.HTTP && req.URL.Scheme != "https" {
		return reply{impossible: true}
	}
	if header != nil {
		req.Header = header
	}
	// A name and a password in an operator's URL are for the gateway, as http.Client has it.
	if user := req.URL.User; user != nil && req.Header.Get("Authorization") == "" {
		password, _ := user.Password() // none is an empty one
		req.SetBasicAuth(user.Username(), password)
	}
	return call(e.Client, req, &begun)
}

// given returns the endpoint of a messenger that calls URLs that users have given.
func (e Endpoint) given() Endpoint {
	e.byUser = true
	return e
}

// outcome is what a reply means by its status alone.
func (e Endpoint) outcome(r reply) Outcome {
	o := r.outcome(e.Now())
	if e.byUser && e.URL == "" && r.status == 0 {
		return o.vague()
	}
	return o
}

// vague is the outcome of a call to a user-given URL that had no answer, without what it
// would tell of a network that only this process sees: whether a port is closed or
// filtered, and addresses.
func (o Outcome) vague() Outcome {
	switch o.Code {
	case "connection_refused", "dial_error", "connection_error", "timeout", "tls_error", "connection_lost":
	case "dns_error":
		o.Excerpt = "the name of the host cannot be resolved"
		return o
	default:
		return o
	}
	switch {
	case o.Kind == Unknown:
		o.Excerpt = "the connection broke, or no answer came in time, after the request may have been sent"
	case o.Code == "tls_error":
		o.Excerpt = "no encrypted connection that can be trusted"
	case o.Kind == Retry:
		o.Code, o.Excerpt = "unreachable", "no connection to the host: whether it refused, did not answer, or cannot be reached is not told of URLs that users give"
	}
	return o
}

// marshal is v as JSON, with nothing escaped for HTML. v must be fit for JSON.
func marshal(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // what messengers say is made of strings
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
