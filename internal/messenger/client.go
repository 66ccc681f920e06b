package messenger

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"code.dny.dev/ssrf"
)

// A ClientConfig says where calls may go. Its zero value lets them go to public
// addresses only.
type ClientConfig struct {
	Anywhere bool           // to every address: for URLs that an operator has set
	Allowed  []netip.Prefix // to these, though they are not public
	// Proxy is the URL of a proxy; nil takes what the environment says. Where calls go
	// through a proxy, it decides where they may go.
	Proxy *url.URL
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
// names were resolved: a name that changes its mind gains nothing.
func NewClient(c ClientConfig) *http.Client {
	proxy := http.ProxyFromEnvironment
	if c.Proxy != nil {
		proxy = http.ProxyURL(c.Proxy)
	}
	return &http.Client{
		Timeout: callTimeout,
		Transport: &http.Transport{
			Proxy:                  proxy,
			DialContext:            c.dial(proxy),
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxIdleConns:           2048,
			MaxIdleConnsPerHost:    512,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: maxAnswer,
			DisableCompression:     true, // answers are small, and stay what was sent
		},
	}
}

// A Dial opens a connection.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// NewDial makes what opens connections to providers that do not speak HTTP: to where
// the calls of NewClient may go, but through no proxy.
func NewDial(c ClientConfig) Dial {
	return c.dial(func(*http.Request) (*url.URL, error) { return nil, nil })
}

// dial gives what opens connections: to a proxy, or to what is allowed.
func (c ClientConfig) dial(proxy func(*http.Request) (*url.URL, error)) Dial {
	free := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	if c.Anywhere {
		return free.DialContext
	}
	var v4, v6 []netip.Prefix
	for _, p := range c.Allowed {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	bound := *free
	bound.Control = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...)).Safe
	proxies := map[string]bool{}
	for _, scheme := range []string{"http", "https"} {
		if at, err := proxy(&http.Request{URL: &url.URL{Scheme: scheme, Host: "provider.invalid"}}); err == nil && at != nil {
			proxies[hostPort(at)] = true
		}
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if proxies[address] {
			return free.DialContext(ctx, network, address)
		}
		return bound.DialContext(ctx, network, address)
	}
}

// hostPort is what is dialled for a proxy.
func hostPort(proxy *url.URL) string {
	if proxy.Port() != "" {
		return proxy.Host
	}
	port := map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[proxy.Scheme]
	return net.JoinHostPort(proxy.Hostname(), port)
}
