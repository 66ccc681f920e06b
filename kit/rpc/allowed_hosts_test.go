package rpc

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	named, err := ParseHosts([]string{"Bongsu.example.com", "other.example.com:8443", "*.corp.example", "10.0.0.5", "[2001:db8::1]:80"}, "api.example.com")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		hosts Hosts
		host  string
		want  bool
	}{
		{Hosts{}, "127.0.0.1:18080", true},
		{Hosts{}, "127.0.0.1", true},
		{Hosts{}, "127.3.2.1:1", true},
		{Hosts{}, "localhost:18080", true},
		{Hosts{}, "LocalHost.", true},
		{Hosts{}, "edge.localhost:18080", true},
		{Hosts{}, "[::1]:18080", true},
		{Hosts{}, "[::1]", true},
		{Hosts{}, "[::ffff:127.0.0.1]:80", true},
		{Hosts{}, "", true}, // HTTP/1.0
		{Hosts{}, "10.1.2.3:18080", true},
		{Hosts{}, "10.1.2.4:18080", false},
		{Hosts{}, "evil.example", false},
		{Hosts{}, "evil.example:18080", false},
		{Hosts{}, "localhost.evil.example:18080", false},
		{Hosts{}, "127.0.0.1.nip.io:18080", false},
		{Hosts{}, "evil.example#localhost", false},
		{Hosts{}, "xlocalhost", false},
		{Hosts{}, "0.0.0.0:18080", false},
		{Hosts{}, "127.1", false},
		{Hosts{}, "2130706433", false},
		{named, "bongsu.example.com", true},
		{named, "BONGSU.example.com.:9", true},
		{named, "x.bongsu.example.com", false},
		{named, "other.example.com:8443", true},
		{named, "other.example.com:8444", false},
		{named, "other.example.com", false},
		{named, "a.corp.example:1", true},
		{named, "a.b.corp.example", true},
		{named, "corp.example", false},
		{named, "evilcorp.example", false},
		{named, "10.0.0.5:1", true},
		{named, "[2001:db8:0::1]:80", true},
		{named, "localhost:1", true},
		{named.With("tunnel.example:443"), "tunnel.example", true},
		{named, "tunnel.example", false},
		{AnyHost, "evil.example", true},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 18080}))
		r.Host = c.host
		if got := c.hosts.allows(r); got != c.want {
			t.Errorf("%q: %t, want %t", c.host, got, c.want)
		}
	}
}

func TestInvalidHosts(t *testing.T) {
	for _, entry := range []string{"", "http://bongsu.example.com", "bongsu.example.com/x", "a b", "bongsu.example.com:https", "a:70000", "*x", "*.", "*.a:1", "a..b", ".a", "a,b", "한국"} {
		if _, err := ParseHosts([]string{"good", entry}, "api.example.com"); err == nil || !strings.Contains(err.Error(), "invalid host") {
			t.Errorf("%q: %v", entry, err)
		}
	}
}
