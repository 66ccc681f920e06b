package rpc

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"
)

// callTimeout is the timeout of a call between services that has no deadline of its own.
const callTimeout = 10 * time.Second

// The pings of an idle connection: one that does not respond, because its process is stopped or
// its network is cut, fails with all of its calls.
const (
	upstreamPingAfter   = 3 * time.Second
	upstreamPingTimeout = 3 * time.Second
)

// NewHTTPClient returns the HTTP client for calls between services: HTTP/2, cleartext for
// http URLs, many concurrent calls on one connection. See docs/adr/0025-balancing.md.
func NewHTTPClient() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	protocols.SetHTTP2(true)
	return &http.Client{Transport: &http.Transport{
		Protocols:   protocols,
		DialContext: (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		HTTP2:       &http.HTTP2Config{SendPingTimeout: upstreamPingAfter, PingTimeout: upstreamPingTimeout},
	}}
}

// ClientOptions configures generated clients to use Connect, with a deadline on each call. If
// the upstream, a service of that name, does not respond to a call, callers get unavailable
// without the cause, and log gets the cause. A balance.Balancer may repeat calls whose message
// has an idempotency key. inner are further interceptors, which see each call last, such as
// those of TraceCalls.
func ClientOptions(upstream string, log *slog.Logger, inner ...connect.Interceptor) connect.ClientOption {
	return clientOptions(&upstreamInterceptor{name: upstream, timeout: callTimeout, log: log}, inner)
}

// TimedClientOptions is ClientOptions for an upstream that must respond within a time, also to a
// call with a later deadline. The upstream gets the deadline. A call that exceeds it is unavailable,
// and counts as a failure of the instance for a balance.Balancer. It does not limit streams.
func TimedClientOptions(upstream string, timeout time.Duration, log *slog.Logger, inner ...connect.Interceptor) connect.ClientOption {
	return clientOptions(&upstreamInterceptor{name: upstream, timeout: timeout, always: true, log: log}, inner)
}

func clientOptions(upstream *upstreamInterceptor, inner []connect.Interceptor) connect.ClientOption {
	return connect.WithClientOptions(connect.WithInterceptors(upstream), connect.WithInterceptors(inner...))
}
