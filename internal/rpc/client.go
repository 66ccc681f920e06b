package rpc

import (
	"context"
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

// ClientOptions makes generated clients speak gRPC, with a deadline on each call.
func ClientOptions() connect.ClientOption {
	return connect.WithClientOptions(
		connect.WithGRPC(),
		connect.WithInterceptors(connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
			return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
				if _, ok := ctx.Deadline(); ok || !req.Spec().IsClient {
					return next(ctx, req)
				}
				ctx, cancel := context.WithTimeout(ctx, callTimeout)
				defer cancel()
				return next(ctx, req)
			}
		})),
	)
}
