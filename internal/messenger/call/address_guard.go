package call

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
)

// A guard blocks calls to user-given URLs with addresses that are not public, and to
// the proxies of this process, which may reach more hosts.
type guard struct {
	addresses *ssrf.Guardian
	proxies   []*url.URL
	resolve   func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// guard returns the guard for calls through the proxies that proxy returns.
func (c ClientConfig) guard(proxy func(*http.Request) (*url.URL, error)) *guard {
	var v4, v6 []netip.Prefix
	for _, p := range c.Allowed {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	g := &guard{
		addresses: ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...)),
		resolve:   net.DefaultResolver.LookupNetIP,
	}
	for _, scheme := range []string{"http", "https"} {
		if at, err := proxy(&http.Request{URL: &url.URL{Scheme: scheme, Host: "provider.invalid"}}); err == nil && at != nil {
			g.proxies = append(g.proxies, at)
		}
	}
	return g
}

// dial opens a connection, after it checked the resolved address.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	bound := *dialer
	bound.ControlContext = func(ctx context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", ssrf.ErrProhibitedIP, address)
		}
		return g.check(ctx, at)
	}
	return bound.DialContext(ctx, network, address)
}

// destination checks the destination of a call through a proxy. Its name must resolve
// here: a name that only the proxy resolves may have any address.
func (g *guard) destination(ctx context.Context, u *url.URL) error {
	host, port, err := net.SplitHostPort(hostPort(u))
	if err != nil {
		return err
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return err
	}
	addrs, err := g.addrs(ctx, host)
	if err != nil {
		return &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	for _, addr := range addrs {
		if err := g.check(ctx, netip.AddrPortFrom(addr, uint16(number))); err != nil {
			return err
		}
	}
	return nil
}

// addrs returns the addresses of a host.
func (g *guard) addrs(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	return g.resolve(ctx, "ip", host)
}

// check returns ssrf.ErrProhibitedIP if calls to the address are not allowed.
func (g *guard) check(ctx context.Context, at netip.AddrPort) error {
	addr := at.Addr().Unmap().WithZone("")
	for _, proxy := range g.proxies {
		host, port, err := net.SplitHostPort(hostPort(proxy))
		if err != nil || port != fmt.Sprint(at.Port()) {
			continue
		}
		addrs, err := g.addrs(ctx, host)
		if err != nil {
			continue // an unresolvable proxy cannot be dialled either
		}
		for _, of := range addrs {
			if of.Unmap().WithZone("") == addr || of.IsLoopback() && addr.IsLoopback() {
				return fmt.Errorf("%w: address of a proxy of this process", ssrf.ErrProhibitedIP)
			}
		}
	}
	return g.addresses.SafeAddr(addr)
}

// hostPort returns the host and port to dial for a URL.
func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return net.JoinHostPort(u.Hostname(), u.Port())
	}
	port := map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[strings.ToLower(u.Scheme)]
	return net.JoinHostPort(u.Hostname(), port)
}

// A guardedTransport makes calls to user-given URLs, directly or through a proxy.
type guardedTransport struct {
	proxy           func(*http.Request) (*url.URL, error)
	guard           *guard
	fixed           bool
	direct, proxied *http.Transport
}

// RoundTrip makes one call. If it goes through a proxy, the guard checks the
// destination first.
func (t *guardedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	at, err := t.proxy(req)
	if err != nil {
		return nil, err
	}
	if at == nil {
		return t.direct.RoundTrip(req)
	}
	if !t.fixed {
		if err := t.guard.destination(req.Context(), req.URL); err != nil {
			return nil, err
		}
	}
	return t.proxied.RoundTrip(req)
}

// CloseIdleConnections closes the idle connections of both transports, for http.Client.
func (t *guardedTransport) CloseIdleConnections() {
	t.direct.CloseIdleConnections()
	t.proxied.CloseIdleConnections()
}
