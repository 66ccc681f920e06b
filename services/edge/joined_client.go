package edge

import (
	"context"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// joinedOptions returns the options of the calls to a joined service of a name: by gRPC, which
// the instances of any program understand.
func joinedOptions(name string, config JoinedConfig) connect.ClientOption {
	return connect.WithClientOptions(
		connect.WithInterceptors(callContext(passUnauthenticated)), // first: the interceptors of rpc look at it
		rpc.ClientOptions(name, config.Log, config.Calls...), connect.WithGRPC(),
		connect.WithInterceptors(callContext(repeatable)),
	)
}

// callContext is an interceptor of clients that changes the context of each call.
type callContext func(context.Context, connect.Spec) context.Context

// WrapUnary changes the context of a call.
func (c callContext) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		return next(c(ctx, req.Spec()), req)
	}
}

// WrapStreamingClient changes the context of a stream.
func (c callContext) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		return next(c(ctx, spec), spec)
	}
}

// WrapStreamingHandler returns next: the interceptor is for clients.
func (c callContext) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// repeatable lets a call without side effects be sent to a second instance, if the first one is
// lost. The balancer knows the methods of this program only.
func repeatable(ctx context.Context, spec connect.Spec) context.Context {
	if spec.IdempotencyLevel == connect.IdempotencyNoSideEffects {
		return balance.WithRepeatable(ctx)
	}
	return ctx
}

// passUnauthenticated lets the caller get the unauthenticated of a service that itself verifies
// the credential in the request.
func passUnauthenticated(ctx context.Context, _ connect.Spec) context.Context {
	if m := joinedMethodOf(rpc.InfoOf(ctx)); m != nil && m.policy.Verifier != policy.NoVerifier {
		return rpc.WithServiceAuthentication(ctx)
	}
	return ctx
}
