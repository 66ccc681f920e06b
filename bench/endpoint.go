package main

import (
	"context"
	"net/http"

	"connectrpc.com/connect"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/test/proc"
)

// The flags by which callers need no API key, or one each.
const (
	noKeys      = "--auth=off"
	requireKeys = "--auth=required"
)

// An endpoint is where calls are sent, and by whom.
type endpoint struct {
	url string
	key string // API key; empty for none
}

// authorization returns the value of the header Authorization; empty for none.
func (e endpoint) authorization() string { return proc.Bearer(e.key) }

// options returns the options of a client that sends the key with each unary call, by an
// interceptor: net/http starts a goroutine per call for a transport that is not its own.
func (e endpoint) options(more ...connect.ClientOption) connect.ClientOption {
	if e.key != "" {
		more = append(more, connect.WithInterceptors(connect.UnaryInterceptorFunc(e.authorize)))
	}
	return connect.WithClientOptions(more...)
}

func (e endpoint) authorize(next connect.UnaryFunc) connect.UnaryFunc {
	authorization := e.authorization()
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		req.Header().Set("Authorization", authorization)
		return next(ctx, req)
	}
}

// authorizeRequest sets the key of a request.
func (e endpoint) authorizeRequest(req *http.Request) {
	if e.key != "" {
		req.Header.Set("Authorization", e.authorization())
	}
}

// createKeys creates the key by which a Bongsu that requires one accepts alerts, as the
// administrator, whose key is in the data folder.
func (s *scene) createKeys(b *bongsu) {
	b.admin = b.AdminKey(s, b.data)
	client := accessv1connect.NewAccessServiceClient(newHTTPClient(1), b.url, b.asAdmin().options())
	res, err := client.CreateKey(s.ctx, &accessv1.CreateKeyRequest{Name: "bench", Role: "sender"})
	s.must(err)
	b.key = res.GetKey()
}
