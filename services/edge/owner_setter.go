package edge

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// An ownerSetter is the interceptor that sets the caller's nickname in a request that names no
// owner. It comes before the validation, so that the rules of a message may require the owner.
type ownerSetter struct{ *Authorizer }

// WrapUnary sets the owner of a call.
func (s ownerSetter) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		s.set(ctx, req.Spec().Procedure, req.Any())
		return next(ctx, req)
	}
}

// WrapStreamingHandler sets the owner of a stream, when its request is received.
func (s ownerSetter) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return next(ctx, &ownerSetterConn{conn, s, ctx})
	}
}

// WrapStreamingClient returns next: the interceptor is for handlers.
func (s ownerSetter) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (s ownerSetter) set(ctx context.Context, procedure string, request any) {
	access, known := s.accessOf(rpc.InfoOf(ctx), procedure)
	caller, ok := auth.CallerOf(ctx)
	if message, isMessage := request.(proto.Message); isMessage && ok && known && access.policy.OwnerField != "" && access.policy.Owner(message) == "" {
		access.policy.SetOwner(message, caller.Nickname)
	}
}

// An ownerSetterConn is the connection of a stream in whose request the owner is set.
type ownerSetterConn struct {
	connect.StreamingHandlerConn
	setter ownerSetter
	ctx    context.Context //nolint:containedctx // that of the stream, which Receive has no argument for
}

// Receive receives a request of the stream, and sets its owner.
func (c *ownerSetterConn) Receive(request any) error {
	if err := c.StreamingHandlerConn.Receive(request); err != nil {
		return err
	}
	c.setter.set(c.ctx, c.Spec().Procedure, request)
	return nil
}
