package probe

import (
	"context"

	"connectrpc.com/connect"
)

func (c *Instance) run(ctx context.Context, p *Prober) Finding {
	if p.env.Instances == nil || p.env.Internal == nil {
		return unknown("this process calls no instances")
	}
	instance, ok := p.env.Instances(c.ID)
	if !ok {
		return unknown("no instance with this id is registered")
	}
	for _, service := range instance.Services {
		f, err := callHealth(ctx, p.env.Internal, instance.URL, service, p.env.InternalOptions...)
		if connect.CodeOf(err) == connect.CodeUnimplemented && err != nil {
			return unknown("%s: the instance has no health service", service)
		}
		if f.Outcome != Passed {
			f.Message = service + ": " + f.Message
			return f
		}
	}
	if len(instance.Services) == 0 {
		return health(ctx, p.env.Internal, instance.URL, "", p.env.InternalOptions...)
	}
	return passed("%d services are SERVING", len(instance.Services))
}
