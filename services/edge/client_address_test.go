package edge

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest"
)

// TestClientAddress names the client of a request behind no proxy, one, and several.
func TestClientAddress(t *testing.T) {
	trusted, err := parseNetworks([]string{"10.0.0.0/8", "192.0.2.7", "2001:db8:ffff::/48", "::ffff:127.0.0.1"})
	kittest.NoError(t, err)
	for _, c := range []struct {
		what, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "203.0.113.9:4711", nil, "203.0.113.9"},
		{"an address that is not trusted", "203.0.113.9:4711", []string{"198.51.100.1"}, "203.0.113.9"},
		{"a proxy", "10.1.2.3:80", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a proxy by its address", "192.0.2.7:80", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a neighbor of a proxy", "192.0.2.8:80", []string{"198.51.100.1"}, "192.0.2.8"},
		{"two proxies", "10.1.2.3:80", []string{"198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		{"an address that the client made up", "10.1.2.3:80", []string{"8.8.8.8, 198.51.100.1"}, "198.51.100.1"},
		{"a made-up header line", "10.1.2.3:80", []string{"8.8.8.8", "198.51.100.1"}, "198.51.100.1"},
		{"a made-up proxy", "10.1.2.3:80", []string{"10.9.9.9, 198.51.100.1"}, "198.51.100.1"},
		{"a proxy without a header", "10.1.2.3:80", nil, "10.1.2.3"},
		{"only proxies", "10.1.2.3:80", []string{"10.4.4.4, 10.9.9.9"}, "10.4.4.4"},
		{"no address", "10.1.2.3:80", []string{"unknown"}, "10.1.2.3"},
		{"no address behind a proxy", "10.1.2.3:80", []string{"198.51.100.1, unknown, 10.9.9.9"}, "10.9.9.9"},
		{"an empty header", "10.1.2.3:80", []string{""}, "10.1.2.3"},
		{"an empty element", "10.1.2.3:80", []string{"198.51.100.1,,10.9.9.9"}, "10.9.9.9"},
		{"with a port", "10.1.2.3:80", []string{"198.51.100.1:5555"}, "198.51.100.1"},
		{"IPv6 in brackets", "10.1.2.3:80", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"IPv6 with a port", "10.1.2.3:80", []string{"[2001:db8::1]:5555"}, "2001:db8::1"},
		{"an IPv6 proxy", "[2001:db8:ffff::1]:80", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv4 in IPv6 form", "[::ffff:10.1.2.3]:80", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"a proxy on this machine", "127.0.0.1:80", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a zone", "[fe80::1%eth0]:80", nil, "fe80::1"},
		{"no connection", "@", nil, "invalid IP"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-For"] = c.forwarded
		if got := (&clientAddress{trusted: trusted}).of(r); got.String() != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

// FuzzClientAddress sends any header through a trusted proxy: whatever stands left of the
// address that the proxy appended changes nothing.
func FuzzClientAddress(f *testing.F) {
	for _, header := range []string{"", "8.8.8.8", "10.0.0.1, ::1", "[::1]:80, x", ",,", "unknown", "fe80::1%eth0", "1.2.3.4:99999"} {
		f.Add(header)
	}
	s := &clientAddress{trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	f.Fuzz(func(t *testing.T, header string) {
		r := &http.Request{RemoteAddr: "10.0.0.1:80", Header: http.Header{"X-Forwarded-For": {header}}}
		if client := s.of(r); !client.IsValid() || client.Zone() != "" || client.Is4In6() {
			t.Errorf("%q: %s", header, client)
		}
		r.Header["X-Forwarded-For"] = []string{header + ", 203.0.113.9"}
		if client := s.of(r); client.String() != "203.0.113.9" {
			t.Errorf("%q: %s", header, client)
		}
		if strings.Count(header, ",") == 0 {
			r.Header["X-Forwarded-For"] = []string{header, "203.0.113.9"}
			kittest.Equal(t, s.of(r).String(), "203.0.113.9")
		}
	})
}
