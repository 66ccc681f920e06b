package call

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// behind returns a client that calls through a proxy, which records its requests, with
// the names resolved as in names.
func behind(t *testing.T, config ClientConfig, names map[string][]string) (client *http.Client, asked *[]string) {
	t.Helper()
	asked = new([]string)
	config.Proxy = parsed(t, provider(t, func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.Method+" "+r.RequestURI)
		w.WriteHeader(http.StatusTeapot)
	}))
	client = NewClient(config)
	t.Cleanup(client.CloseIdleConnections)
	client.Transport.(*guardedTransport).guard.Resolve = func(_ context.Context, _, host string) ([]netip.Addr, error) {
		var addrs []netip.Addr
		for _, addr := range names[host] {
			addrs = append(addrs, netip.MustParseAddr(addr))
		}
		if addrs == nil {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		return addrs, nil
	}
	return client, asked
}

func parsed(t *testing.T, value string) *url.URL {
	t.Helper()
	u, err := url.Parse(value)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestGuardBeforeAProxy verifies that destinations of calls through a proxy are checked
// before the request to the proxy, whatever their name or scheme.
func TestGuardBeforeAProxy(t *testing.T) {
	names := map[string][]string{
		"intranet": {"10.0.0.1"}, "both.example": {"1.1.1.1", "10.0.0.1"}, "localhost": {"127.0.0.1"}, "mapped.example": {"::ffff:10.0.0.1"},
		"public.example": {"1.1.1.1", "2606:4700:4700::1111"}, "metadata.example": {"169.254.169.254"},
	}
	for destination, want := range map[string]string{
		"http://10.0.0.1/":               "forbidden_address",
		"https://10.0.0.1/":              "forbidden_address",
		"http://169.254.169.254/latest/": "forbidden_address",
		"http://[::ffff:10.0.0.1]/":      "forbidden_address",
		"http://[::1]:8080/":             "forbidden_address",
		"http://127.0.0.1/":              "forbidden_address",
		"http://localhost/":              "forbidden_address",
		"https://intranet/":              "forbidden_address",
		"http://both.example/":           "forbidden_address",
		"http://mapped.example/":         "forbidden_address",
		"https://metadata.example:8443/": "forbidden_address",
		"http://127.1/":                  "dns_error", // some resolvers return a loopback address
		"http://2130706433/":             "dns_error",
		"http://only-the-proxy.knows/":   "dns_error",
		"http://public.example/hook":     "",
		"http://1.1.1.1/":                "",
		"https://public.example/":        "", // rejected by the proxy, which was called
	} {
		t.Run(destination, func(t *testing.T) {
			client, asked := behind(t, ClientConfig{}, names)
			e := endpoint(client)
			e.HTTP = true
			o := e.Outcome(e.Post(t.Context(), destination, nil, nil))
			if want != "" && (o.Code != want || len(*asked) > 0) {
				t.Errorf("%+v, want %s; the proxy received %q", o, want, *asked)
			}
			if want == "" && len(*asked) != 1 {
				t.Errorf("%+v; the proxy received %q", o, *asked)
			}
		})
	}
}

// TestProxyIsNoDestination verifies that a user-given URL never leads to the proxy
// itself, through it or directly, although its network is allowed or public.
func TestProxyIsNoDestination(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	client, asked := behind(t, ClientConfig{Allowed: loopback}, map[string][]string{"proxy.example": {"127.0.0.1"}, "localhost": {"127.0.0.1"}})
	transport := client.Transport.(*guardedTransport)
	at := transport.guard.Proxies()[0]
	check := func(t *testing.T) {
		t.Helper()
		for _, host := range []string{at.Hostname(), "proxy.example", "localhost", "127.0.0.2", "[::ffff:127.0.0.1]"} {
			e := endpoint(client)
			e.HTTP = true
			o := e.Outcome(e.Post(t.Context(), "http://"+host+":"+at.Port()+"/", nil, nil))
			if o.Code != "forbidden_address" || len(*asked) > 0 {
				t.Errorf("%s: %+v; the proxy received %q", host, o, *asked)
			}
		}
	}
	t.Run("through it", check)
	transport.proxy = func(*http.Request) (*url.URL, error) { return nil, nil } // as with NO_PROXY
	transport.direct.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return transport.guard.DialContext(ctx, network, strings.Replace(address, "proxy.example", "127.0.0.1", 1))
	}
	t.Run("directly", check)

	elsewhere := provider(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	e := endpoint(client)
	e.HTTP = true
	if r := e.Post(t.Context(), elsewhere, nil, nil); r.Status != http.StatusTeapot {
		t.Errorf("another port there: %+v", r)
	}
}
