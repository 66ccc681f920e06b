package edge

import (
	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// Stages returns the stages of a request before its body is read, in their order.
func (e Edge) Stages() []rpc.Stage {
	stages := []rpc.Stage{rpc.RequestIDs}
	if e.Requests != nil {
		stages = append(stages, e.recordRequests)
	}
	if e.Authorizer != nil {
		stages = append(stages, e.Authorizer.Stage)
	}
	return stages
}

// Interceptors returns the interceptors of a valid request, in their order.
func (e Edge) Interceptors() []connect.Interceptor {
	var interceptors []connect.Interceptor
	if e.Authorizer != nil {
		interceptors = append(interceptors, e.Authorizer.Interceptor())
	}
	if e.CallTimeout > 0 {
		interceptors = append(interceptors, deadline{methods: e.Methods, timeout: e.CallTimeout})
	}
	if e.Audit != nil {
		interceptors = append(interceptors, e.Audit.Interceptor())
	}
	return interceptors
}
