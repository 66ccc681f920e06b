package edge

import (
	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// Stages returns the stages of a request before its body is read, in their order.
func (e Edge) Stages() []rpc.Stage {
	var stages []rpc.Stage
	if e.Cache != nil {
		stages = append(stages, e.Cache.Conditional)
	}
	return stages
}

// Interceptors returns the interceptors of a valid request, in their order.
func (e Edge) Interceptors() []connect.Interceptor {
	var interceptors []connect.Interceptor
	if e.Cache != nil {
		interceptors = append(interceptors, e.Cache)
	}
	return interceptors
}
