package call

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// A ClientConfig restricts the destinations of calls. Its zero value allows public
// addresses only.
type ClientConfig struct {
	AllowAll bool           // allows every address: for URLs that an operator has set
	Allowed  []netip.Prefix // allows these addresses, although they are not public
	// Proxy is the URL of a proxy; nil uses the environment. The destinations of calls
	// through a proxy are checked before the call, unless AllowAll or PinnedAddresses is
	// set.
	Proxy *url.URL
	// PinnedAddresses marks that no host is user-given: destinations of calls through a
	// proxy are not checked, since only the proxy may be able to resolve their names.
	PinnedAddresses bool
}

// evidenceForbidden is the evidence of a call that was not made because of its address.
const evidenceForbidden = "not called: user-given URLs must not resolve to a loopback, private, link-local or " +
	"reserved address; an operator can allow it by --allow-destinations"

// callTimeout is the timeout of a whole call, including its response.
const callTimeout = 30 * time.Second

// NewClient returns an HTTP client for calls to many providers. Its connection pool
// fits hundreds of concurrent calls to one provider. It closes idle connections earlier
// than providers do, since a request written to a connection that is being closed ends
// as Unknown. Addresses are checked when they are dialled, after name resolution, which
// makes DNS rebinding ineffective. For calls through a proxy, addresses are checked
// before the request to the proxy.
func NewClient(c ClientConfig) *http.Client {
	proxy := http.ProxyFromEnvironment
	if c.Proxy != nil {
		proxy = http.ProxyURL(c.Proxy)
	}
	if c.AllowAll {
		return &http.Client{Timeout: callTimeout, Transport: newTransport(proxy, dialer.DialContext)}
	}
	g := c.guard(proxy)
	return &http.Client{Timeout: callTimeout, Transport: &guardedTransport{
		proxy:   proxy,
		guard:   g,
		fixed:   c.PinnedAddresses,
		direct:  newTransport(nil, g.DialContext),
		proxied: newTransport(proxy, dialer.DialContext),
	}}
}

func newTransport(proxy func(*http.Request) (*url.URL, error), dial DialFunc) *http.Transport {
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            dial,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           2048,
		MaxIdleConnsPerHost:    512,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: MaxResponseBytes,
		DisableCompression:     true, // responses are small, and are recorded as they were sent
	}
}

// A DialFunc opens a connection.
type DialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// NewDialer returns the dialer for providers that do not use HTTP. It allows the same
// destinations as NewClient, and uses no proxy.
func NewDialer(c ClientConfig) DialFunc {
	if c.AllowAll {
		return dialer.DialContext
	}
	return c.guard(http.ProxyFromEnvironment).DialContext
}

// dialer connects to every address.
var dialer = &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
