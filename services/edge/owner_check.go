package edge

import (
	"context"

	"connectrpc.com/connect"
	"golang.org/x/text/unicode/norm"
	"google.golang.org/protobuf/proto"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// Interceptor returns the interceptor that refuses a caller without the permission of a method
// with an owner, unless the caller is the owner. It also refuses a call that was not admitted by
// Stage under the same procedure.
func (a *Authorizer) Interceptor() connect.Interceptor { return ownerInterceptor{a} }

// An ownerInterceptor is the interceptor of an Authorizer.
type ownerInterceptor struct{ *Authorizer }

// WrapUnary checks the owner of a call.
func (i ownerInterceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if err := i.check(ctx, req.Spec().Procedure, req.Any()); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// WrapStreamingHandler checks the owner of a stream, when its request is received.
func (i ownerInterceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		procedure := conn.Spec().Procedure
		if access, ok := i.accessOf(rpc.InfoOf(ctx), procedure); ok && access.policy.OwnerField != "" {
			return next(ctx, &ownerConn{conn, i, ctx})
		}
		if err := i.check(ctx, procedure, nil); err != nil {
			return err
		}
		return next(ctx, conn)
	}
}

// WrapStreamingClient returns next: the interceptor is for handlers.
func (i ownerInterceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// check returns why a call is refused, or nil.
func (i ownerInterceptor) check(ctx context.Context, procedure string, request any) error {
	info := rpc.InfoOf(ctx)
	access, known := i.accessOf(info, procedure)
	if !known || info == nil || info.Procedure != procedure {
		return connect.NewError(connect.CodePermissionDenied, errNoPolicy)
	}
	if access.policy.OwnerField == "" {
		return nil
	}
	caller, ok := auth.CallerOf(ctx)
	if ok && (access.permits(caller) || isOwner(caller, access.policy, request)) {
		return nil
	}
	if i.Refused != nil {
		i.Refused(ctx, procedure)
	}
	return connect.NewError(connect.CodePermissionDenied, access.denied)
}

// isOwner reports whether a request is for what belongs to the caller. Two forms of a nickname
// in Unicode name the same user.
func isOwner(caller auth.Caller, p policy.Policy, request any) bool {
	message, ok := request.(proto.Message)
	return ok && caller.Nickname != "" && norm.NFC.String(p.Owner(message)) == norm.NFC.String(caller.Nickname)
}

// An ownerConn is the connection of a stream whose request is checked when it is received.
type ownerConn struct {
	connect.StreamingHandlerConn
	owner ownerInterceptor
	ctx   context.Context //nolint:containedctx // that of the stream, which Receive has no argument for
}

// Receive receives a request of the stream, and checks it.
func (c *ownerConn) Receive(request any) error {
	if err := c.StreamingHandlerConn.Receive(request); err != nil {
		return err
	}
	return c.owner.check(c.ctx, c.Spec().Procedure, request)
}
