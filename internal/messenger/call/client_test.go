package call

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// TestForbiddenAddresses sends to hosts with addresses that are not public, in any name
// or notation. No connection may be opened.
func TestForbiddenAddresses(t *testing.T) {
	called := 0
	base := provider(t, func(http.ResponseWriter, *http.Request) { called++ })
	port := base[strings.LastIndex(base, ":"):]
	client := NewClient(ClientConfig{})
	for _, host := range []string{
		"127.0.0.1", "127.1.2.3", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]",
		"10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "[fd00::1]", // private
		"169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", // link-local, metadata
		"224.0.0.1", "255.255.255.255", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "192.0.2.1", // reserved, mapped
	} {
		t.Run(host, func(t *testing.T) {
			e := endpoint(client)
			e.HTTP = true
			o := e.Outcome(e.Post(t.Context(), "http://"+host+port+"/hook", nil, nil))
			if o.Kind != messenger.Failed || o.Code != "forbidden_address" || o.Scope != messenger.CredentialScope || called > 0 {
				t.Errorf("%+v, called %d times", o, called)
			}
		})
	}
}

// TestRebinding resolves a name to a public address first and to a private one when it
// is dialled: the dialled address is checked.
func TestRebinding(t *testing.T) {
	base, looked := provider(t, func(http.ResponseWriter, *http.Request) { t.Error("called") }), 0
	client := NewClient(ClientConfig{})
	direct := client.Transport.(*guardedTransport).direct
	guarded := direct.DialContext
	direct.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if looked++; looked > 1 { // as by DNS rebinding
			address = strings.TrimPrefix(base, "http://")
		}
		return guarded(ctx, network, address)
	}
	e := endpoint(client)
	e.HTTP, looked = true, 1
	if o := e.Outcome(e.Post(t.Context(), "http://provider.example/hook", nil, nil)); o.Code != "forbidden_address" {
		t.Errorf("%+v", o)
	}
}

func TestAllowedAddresses(t *testing.T) {
	base := provider(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	proxy, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for name, c := range map[string]struct {
		config ClientConfig
		url    string
	}{
		"anywhere":       {ClientConfig{AllowAll: true}, base},
		"allowed":        {ClientConfig{Allowed: loopback}, base},
		"by a proxy":     {ClientConfig{Proxy: proxy}, "http://1.1.1.1/hook"},
		"resolved there": {ClientConfig{Proxy: proxy, PinnedAddresses: true}, "http://provider.invalid/hook"},
		"allowed behind": {ClientConfig{Proxy: proxy, Allowed: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, "http://10.0.0.1/hook"},
		"by a free name": {ClientConfig{Allowed: loopback}, strings.Replace(base, "127.0.0.1", "localhost", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			client := NewClient(c.config)
			t.Cleanup(client.CloseIdleConnections)
			e := endpoint(client)
			e.HTTP = true
			if r := e.Post(t.Context(), c.url, nil, nil); r.Status != http.StatusTeapot {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestHTTPMustBeAllowed(t *testing.T) {
	base := provider(t, func(http.ResponseWriter, *http.Request) { t.Error("called") })
	e := endpoint(newClient(t))
	if o := e.Outcome(e.Post(t.Context(), base, nil, nil)); o.Kind != messenger.Failed || o.Code != "invalid_url" {
		t.Errorf("%+v", o)
	}
	s := messenger.Setting{URL: true, Check: messenger.CheckURL, Hint: "a URL"}
	for value, want := range map[string][2]bool{ // http not allowed, allowed
		"https://example.com/a": {true, true}, "http://example.com/a": {false, true}, "": {false, false},
		"https://user:pass@example.com/": {false, false}, "ftp://example.com/": {false, false}, "https:///a": {false, false}, "example.com": {false, false},
	} {
		for i, http := range []bool{false, true} {
			if err := s.Validate(value, http); (err == nil) != want[i] {
				t.Errorf("%q with http %v: %v", value, http, err)
			}
		}
	}
}
