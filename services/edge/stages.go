package edge

import (
	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// Stages returns the stages of a request before its body is read, in their order.
func (e Edge) Stages() []rpc.Stage {
	return []rpc.Stage{}
}

// Interceptors returns the interceptors of a valid request, in their order.
func (e Edge) Interceptors() []connect.Interceptor {
	return []connect.Interceptor{}
}
