// Package netguard blocks connections to user-given hosts whose addresses are not public.
// Addresses are checked when they are dialled, after name resolution, which makes DNS
// rebinding ineffective.
package netguard

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

// ErrForbidden is the error of a connection to an address that is not allowed.
var ErrForbidden = ssrf.ErrProhibitedIP

// A Guard blocks connections to addresses that are not public, and to the proxies of this
// process, which may reach more hosts. Its fields must not be changed after its first use.
type Guard struct {
	// Dialer opens the connections. Its ControlContext is replaced.
	Dialer *net.Dialer
	// Denied holds addresses that are blocked although they are allowed.
	Denied []netip.Prefix
	// Resolve returns the addresses of a host, as net.Resolver.LookupNetIP does.
	Resolve func(ctx context.Context, network, host string) ([]netip.Addr, error)

	addresses *ssrf.Guardian
	proxies   []*url.URL
}

// New returns a guard that allows public addresses, and those of allowed. proxy returns the
// proxies of this process.
func New(dialer *net.Dialer, allowed []netip.Prefix, proxy func(*http.Request) (*url.URL, error)) *Guard {
	var v4, v6 []netip.Prefix
	for _, p := range allowed {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	g := &Guard{
		Dialer:    dialer,
		Resolve:   net.DefaultResolver.LookupNetIP,
		addresses: ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...)),
	}
	for _, scheme := range []string{"http", "https"} {
		if at, err := proxy(&http.Request{URL: &url.URL{Scheme: scheme, Host: "provider.invalid"}}); err == nil && at != nil {
			g.proxies = append(g.proxies, at)
		}
	}
	return g
}

// Proxies returns the proxies of this process, to which no connection is allowed.
func (g *Guard) Proxies() []*url.URL { return g.proxies }

// DialContext opens a connection, after it checked the resolved address. It returns
// ErrForbidden for one that is not allowed.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	bound := *g.Dialer
	bound.ControlContext = func(ctx context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", ErrForbidden, address)
		}
		return g.Check(ctx, at)
	}
	return bound.DialContext(ctx, network, address)
}

// Destination checks the destination of a call through a proxy. Its name must resolve
// here: a name that only the proxy resolves may have any address.
func (g *Guard) Destination(ctx context.Context, u *url.URL) error {
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
		if err := g.Check(ctx, netip.AddrPortFrom(addr, uint16(number))); err != nil {
			return err
		}
	}
	return nil
}

// Addr returns an address of a host for a protocol without ports. It returns ErrForbidden
// if one of its addresses is not allowed.
func (g *Guard) Addr(ctx context.Context, host string) (netip.Addr, error) {
	addrs, err := g.addrs(ctx, host)
	if err != nil {
		return netip.Addr{}, err
	}
	if len(addrs) == 0 {
		return netip.Addr{}, &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	for _, addr := range addrs {
		if err := g.Check(ctx, netip.AddrPortFrom(addr, 0)); err != nil {
			return netip.Addr{}, err
		}
	}
	return addrs[0].Unmap(), nil
}

// addrs returns the addresses of a host.
func (g *Guard) addrs(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	return g.Resolve(ctx, "ip", host)
}

// Check returns ErrForbidden if connections to the address are not allowed.
func (g *Guard) Check(ctx context.Context, at netip.AddrPort) error {
	addr := at.Addr().Unmap().WithZone("")
	for _, p := range g.Denied {
		if p.Contains(addr) {
			return fmt.Errorf("%w: %s", ErrForbidden, addr)
		}
	}
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
				return fmt.Errorf("%w: address of a proxy of this process", ErrForbidden)
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
