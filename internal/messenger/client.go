package messenger

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// A ClientConfig says where calls may go. Its zero value lets them go to public
// addresses only.
type ClientConfig struct {
	Anywhere bool           // to every address: for URLs that an operator has set
	Allowed  []netip.Prefix // to these, though they are not public
	// Proxy is the URL of a proxy; nil takes what the environment says. Where calls go
	// through one, their destinations are looked at before, unless they may go anywhere.
	Proxy *url.URL
	// Fixed says that no user gives the hosts: a proxy is asked for them unlooked at, as
	// where only the proxy can resolve their names.
	Fixed bool
}

// forbidden is the evidence of a call that was not made because of its address.
const forbidden = "not called: the host's address is a loopback, private, link-local or reserved one, which a " +
	"user-given URL must not lead to; an operator can allow it by --allow-destinations"

// callTimeout bounds a whole call, its answer included.
const callTimeout = 30 * time.Second

// NewClient makes an HTTP client that calls to many providers share. Its pool fits
// hundreds of calls at once to one provider, and it lets go of idle connections
// before the providers' side does, since a request written to a connection that is
// being closed ends as Unknown. Addresses are looked at when they are dialled, after
// names were resolved: a name that changes its mind gains nothing. Of what goes through
// a proxy they are looked at before it is asked.
func NewClient(c ClientConfig) *http.Client {
	proxy := http.ProxyFromEnvironment
	if c.Proxy != nil {
		proxy = http.ProxyURL(c.Proxy)
	}
	if c.Anywhere {
		return &http.Client{Timeout: callTimeout, Transport: newTransport(proxy, dialer.DialContext)}
	}
	g := c.guard(proxy)
	return &http.Client{Timeout: callTimeout, Transport: &guardedTransport{
		proxy:   proxy,
		guard:   g,
		fixed:   c.Fixed,
		direct:  newTransport(nil, g.dial),
		proxied: newTransport(proxy, dialer.DialContext),
	}}
}

func newTransport(proxy func(*http.Request) (*url.URL, error), dial Dial) *http.Transport {
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            dial,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           2048,
		MaxIdleConnsPerHost:    512,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: maxAnswer,
		DisableCompression:     true, // answers are small, and stay what was sent
	}
}

// A Dial opens a connection.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// NewDial makes what opens connections to providers that do not speak HTTP: to where
// the calls of NewClient may go, but through no proxy.
func NewDial(c ClientConfig) Dial {
	if c.Anywhere {
		return dialer.DialContext
	}
	return c.guard(http.ProxyFromEnvironment).dial
}

// dialer opens connections to everywhere.
var dialer = &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
