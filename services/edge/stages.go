package edge

import (
	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// Stages returns the stages of a request before its body is read, in their order. Those that
// are off are left out.
func (e Edge) Stages() []rpc.Stage {
	stages := []rpc.Stage{rpc.RequestIDs}
	if e.Requests != nil {
		stages = append(stages, e.recordRequests)
	}
	if a := e.Admission; a != nil {
		stages = append(stages, a.clientAddress())
		if a.addresses != nil {
			stages = append(stages, a.ban(), a.addressLimit())
		}
		if len(a.limits.origins) > 0 {
			stages = append(stages, a.cors())
		}
	}
	if e.Authenticator != nil {
		stages = append(stages, e.Authenticator.Stage)
	}
	if e.Authorizer != nil {
		stages = append(stages, e.Authorizer.Stage)
	}
	if e.Admission != nil {
		stages = append(stages, e.Admission.callBounds())
	}
	if e.Cache != nil {
		stages = append(stages, e.Cache.Conditional)
	}
	return stages
}

// Options returns options with the interceptors of a request.
func (e Edge) Options(o rpc.Options) rpc.Options {
	if e.Authorizer != nil {
		o = o.Before(ownerSetter{e.Authorizer})
	}
	return o.With(e.interceptors()...)
}

// interceptors returns the interceptors of a valid request, in their order. Those that are off
// are left out.
func (e Edge) interceptors() []connect.Interceptor {
	var interceptors []connect.Interceptor
	if e.Authorizer != nil {
		interceptors = append(interceptors, e.Authorizer.Interceptor())
	}
	if e.Admission != nil && e.Admission.services != nil {
		interceptors = append(interceptors, e.Admission.services)
	}
	if e.Cache != nil {
		interceptors = append(interceptors, e.Cache)
	}
	if e.CallTimeout > 0 {
		interceptors = append(interceptors, deadline{methods: e.Methods, timeout: e.CallTimeout})
	}
	if e.Audit != nil {
		interceptors = append(interceptors, e.Audit.Interceptor())
	}
	return interceptors
}
