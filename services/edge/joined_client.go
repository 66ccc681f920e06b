package edge

import (
	"context"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// joinedOptions returns the options of the calls to a joined service of a name: by gRPC, which
// the instances of any program understand.
func joinedOptions(name string, config JoinedConfig) connect.ClientOption {
	return connect.WithClientOptions(rpc.ClientOptions(name, config.Log, config.Calls...), connect.WithGRPC(), connect.WithInterceptors(repeatReads{}))
}

// repeatReads is the interceptor that lets a call without side effects be sent to a second
// instance, if the first one is lost. The balancer knows the methods of this program only.
type repeatReads struct{}

// WrapUnary marks a call.
func (repeatReads) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		return next(repeatable(ctx, req.Spec()), req)
	}
}

// WrapStreamingClient marks a stream.
func (repeatReads) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		return next(repeatable(ctx, spec), spec)
	}
}

// WrapStreamingHandler returns next: the interceptor is for clients.
func (repeatReads) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func repeatable(ctx context.Context, spec connect.Spec) context.Context {
	if spec.IdempotencyLevel == connect.IdempotencyNoSideEffects {
		return balance.WithRepeatable(ctx)
	}
	return ctx
}
