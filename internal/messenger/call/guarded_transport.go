package call

import (
	"net/http"
	"net/url"

	"github.com/bongsu-project/bongsu/internal/netguard"
)

// guard returns the guard for calls through the proxies that proxy returns.
func (c ClientConfig) guard(proxy func(*http.Request) (*url.URL, error)) *netguard.Guard {
	return netguard.New(dialer, c.Allowed, proxy)
}

// A guardedTransport makes calls to user-given URLs, directly or through a proxy.
type guardedTransport struct {
	proxy           func(*http.Request) (*url.URL, error)
	guard           *netguard.Guard
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
		if err := t.guard.Destination(req.Context(), req.URL); err != nil {
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
