package rpc

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"
)

// callTimeout bounds a call of one service to another that has no deadline of
// its own.
const callTimeout = 10 * time.Second

// NewHTTPClient gives the client by which a service calls another: HTTP/2, cleartext
// for http URLs, many calls on one connection.
func NewHTTPClient() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	protocols.SetHTTP2(true)
	return &http.Client{Transport: &http.Transport{
		Protocols:   protocols,
		DialContext: (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		HTTP2:       &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}}
}

// ClientOptions makes generated clients speak gRPC, with a deadline on each call. Where a
// call fails on its way to the neighbour, a service of that name, callers get the error
// of a neighbour, and log gets the cause.
func ClientOptions(neighbour string, log *slog.Logger) connect.ClientOption {
	return connect.WithClientOptions(
		connect.WithGRPC(),
		connect.WithInterceptors(&neighbours{name: neighbour, timeout: callTimeout, log: log}),
	)
}
