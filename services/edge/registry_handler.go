package edge

import (
	"cmp"
	"context"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	registryv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1/registryv1connect"
	"github.com/bongsu-project/bongsu/kit/discovery"
)

var _ registryv1connect.RegistryServiceHandler = (*RegistryHandler)(nil)

// Instances knows the instances of all services.
type Instances interface {
	// Instances returns the instances as they are known now, with the breakers of this edge.
	// The caller must not change them.
	Instances() []discovery.Instance
}

// A RegistryHandler implements RegistryService.
type RegistryHandler struct {
	Instances Instances
}

// instanceStates maps the states of instances to those of the API.
var instanceStates = map[discovery.State]registryv1.InstanceState{
	discovery.Serving:  registryv1.InstanceState_INSTANCE_STATE_SERVING,
	discovery.Draining: registryv1.InstanceState_INSTANCE_STATE_DRAINING,
	discovery.Failing:  registryv1.InstanceState_INSTANCE_STATE_FAILING,
}

// ListInstances returns all instances, by name and then by id.
func (h *RegistryHandler) ListInstances(context.Context, *registryv1.ListInstancesRequest) (*registryv1.ListInstancesResponse, error) {
	all := slices.SortedFunc(slices.Values(h.Instances.Instances()), func(a, b discovery.Instance) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	res := &registryv1.ListInstancesResponse{Instances: make([]*registryv1.Instance, 0, len(all))}
	for _, i := range all {
		one := &registryv1.Instance{
			Id: i.ID, Name: i.Name, Url: i.URL, Services: i.Services, Version: i.Version, State: instanceStates[i.State], Reason: i.Reason, Host: i.Host,
		}
		if !i.Start.IsZero() {
			one.StartTime = timestamppb.New(i.Start)
		}
		res.Instances = append(res.Instances, one)
	}
	return res, nil
}
