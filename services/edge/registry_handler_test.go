package edge_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	registryv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1"
	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/services/edge"
)

// knownInstances are instances that are known.
type knownInstances []discovery.Instance

func (k knownInstances) Instances() []discovery.Instance { return k }

// TestListInstances checks the order of instances, and their states.
func TestListInstances(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h := edge.RegistryHandler{Instances: knownInstances{
		{ID: "a", Name: "edge", State: discovery.Draining, Reason: "stopping"},
		{ID: "b", Name: "alert", URL: "http://b:1", Services: []string{"x.v1.Y"}, Version: "v1", Start: start, Host: "node1"},
		{ID: "c", Name: "alert", State: discovery.Failing, Reason: "calls fail"},
	}}
	got, err := h.ListInstances(t.Context(), &registryv1.ListInstancesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	want := &registryv1.ListInstancesResponse{Instances: []*registryv1.Instance{
		{
			Id: "b", Name: "alert", Url: "http://b:1", Services: []string{"x.v1.Y"}, Version: "v1", StartTime: timestamppb.New(start), Host: "node1",
			State: registryv1.InstanceState_INSTANCE_STATE_SERVING,
		},
		{Id: "c", Name: "alert", State: registryv1.InstanceState_INSTANCE_STATE_FAILING, Reason: "calls fail"},
		{Id: "a", Name: "edge", State: registryv1.InstanceState_INSTANCE_STATE_DRAINING, Reason: "stopping"},
	}}
	if !proto.Equal(want, got) {
		t.Errorf("%v, want %v", got, want)
	}
}
