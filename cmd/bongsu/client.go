package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/app"
)

const defaultServer = "http://127.0.0.1:18080"

// A client is the flags of every command that asks a running service.
type client struct {
	Server  string        `default:"http://127.0.0.1:18080" help:"Where to ask: the edge of a running bongsu serve."`
	Timeout time.Duration `default:"30s" help:"How long to wait for an answer; 0 waits for as long as it takes."`
	JSON    bool          `name:"json" help:"Print the answer as JSON, for programs."`
}

func (c client) alerts() alertv1connect.AlertServiceClient {
	return alertv1connect.NewAlertServiceClient(&http.Client{}, c.base(), c.option())
}

func (c client) groups() groupv1connect.GroupServiceClient {
	return groupv1connect.NewGroupServiceClient(&http.Client{}, c.base(), c.option())
}

func (c client) users() userv1connect.UserServiceClient {
	return userv1connect.NewUserServiceClient(&http.Client{}, c.base(), c.option())
}

func (c client) messengers() messengerv1connect.MessengerServiceClient {
	return messengerv1connect.NewMessengerServiceClient(&http.Client{}, c.base(), c.option())
}

func (c client) transfers() userv1connect.TransferServiceClient {
	return userv1connect.NewTransferServiceClient(&http.Client{}, c.base(), c.option())
}

// Validate is called by kong before Run.
func (c client) Validate() error {
	if err := app.CheckServer(c.base()); err != nil {
		return usagef("--server %s", err) // which does not quote it: it may hold a password
	}
	if c.Timeout < 0 {
		return usagef("--timeout must not be negative")
	}
	return nil
}

// base is the server's URL; http:// need not be said.
func (c client) base() string {
	if strings.Contains(c.Server, "://") {
		return c.Server
	}
	return "http://" + c.Server
}

// shown is the server's URL as it may be printed, without a password.
func (c client) shown() string {
	u, err := url.Parse(c.base())
	if err != nil {
		return "the server"
	}
	return u.Redacted()
}

// option bounds each call in time, and says of each that fails what to do.
func (c client) option() connect.ClientOption {
	return connect.WithInterceptors(connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
			if err := checkUTF8(req.Any()); err != nil {
				return nil, err
			}
			bounded := ctx
			if c.Timeout > 0 {
				var cancel context.CancelFunc
				bounded, cancel = context.WithTimeout(ctx, c.Timeout)
				defer cancel()
			}
			res, err := next(bounded, req)
			if err != nil {
				return nil, c.failed(ctx, err, req.Spec().IdempotencyLevel == connect.IdempotencyNoSideEffects)
			}
			return res, nil
		}
	}))
}

// failed says of a call that failed what to do; reads says that it changes nothing.
func (c client) failed(ctx context.Context, err error, reads bool) error {
	return &callError{err: err, server: c.shown(), timeout: c.Timeout, reads: reads, stopped: ctx.Err() != nil}
}

// next is a command to try next, against the same server.
func (c client) next(command string) string {
	if c.Server != defaultServer {
		command += " --server=" + c.shown()
	}
	return command
}
