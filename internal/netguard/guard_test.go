package netguard

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"testing"
)

func TestPorts(t *testing.T) {
	for proxy, want := range map[string]string{
		"http://p": "p:80", "https://p": "p:443", "socks5://p": "p:1080", "http://p:" + strconv.Itoa(3128): "p:3128", "http://[::1]": "[::1]:80",
	} {
		u, err := url.Parse(proxy)
		if err != nil {
			t.Fatal(err)
		}
		if got := hostPort(u); got != want {
			t.Errorf("%s is dialled at %s, want %s", proxy, got, want)
		}
	}
}

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

// TestAddr verifies that a host of which one address is not public is refused as a whole.
func TestAddr(t *testing.T) {
	names := map[string][]string{"public": {"1.1.1.1"}, "both": {"1.1.1.1", "10.0.0.1"}, "mapped": {"::ffff:127.0.0.1"}, "none": {}}
	g := New(&net.Dialer{}, nil, noProxy)
	g.Resolve = func(_ context.Context, _, host string) ([]netip.Addr, error) {
		var addrs []netip.Addr
		for _, addr := range names[host] {
			addrs = append(addrs, netip.MustParseAddr(addr))
		}
		return addrs, nil
	}
	for host, want := range map[string]string{"public": "1.1.1.1", "both": "", "mapped": "", "none": "", "8.8.8.8": "8.8.8.8", "::1": "", "169.254.169.254": ""} {
		addr, err := g.Addr(t.Context(), host)
		if want == "" && err == nil || want != "" && (err != nil || addr.String() != want) {
			t.Errorf("%s: %v, %v, want %q", host, addr, err, want)
		}
	}
	if _, err := g.Addr(t.Context(), "both"); !errors.Is(err, ErrForbidden) {
		t.Errorf("%v, want ErrForbidden", err)
	}
}

// TestDenied verifies that a denied address is blocked although its network is allowed.
func TestDenied(t *testing.T) {
	g := New(&net.Dialer{}, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, noProxy)
	g.Denied = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	for addr, allowed := range map[string]bool{"10.0.0.1": true, "10.1.0.1": false, "::ffff:10.1.0.1": false, "192.168.0.1": false} {
		if err := g.Check(t.Context(), netip.AddrPortFrom(netip.MustParseAddr(addr), 80)); (err == nil) != allowed {
			t.Errorf("%s: %v", addr, err)
		}
	}
}
