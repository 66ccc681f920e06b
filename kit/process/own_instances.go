package process

import (
	"context"
	"slices"
	"sync"

	"github.com/bongsu-project/bongsu/kit/discovery"
)

// ownInstances holds the ids of the instances of this process. While it drains, its services still
// call one another if no other process serves: requests in flight need that.
type ownInstances struct {
	mu  sync.Mutex
	ids map[string]bool
}

// add adds an instance by its id.
func (o *ownInstances) add(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ids == nil {
		o.ids = map[string]bool{}
	}
	o.ids[id] = true
}

// has reports whether an instance is one of this process.
func (o *ownInstances) has(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ids[id]
}

// of returns a registry in which draining instances of this process are Failing: a balancer calls
// those if there is no other one.
func (o *ownInstances) of(registry discovery.Registry) discovery.Registry {
	return ownRegistry{registry, o}
}

type ownRegistry struct {
	discovery.Registry
	own *ownInstances
}

// Watch implements discovery.Registry.
func (r ownRegistry) Watch(ctx context.Context, changed func([]discovery.Instance)) error {
	return r.Registry.Watch(ctx, func(instances []discovery.Instance) {
		mapped := slices.Clone(instances)
		for i := range mapped {
			if mapped[i].State == discovery.Draining && r.own.has(mapped[i].ID) {
				mapped[i].State = discovery.Failing
			}
		}
		changed(mapped)
	})
}
