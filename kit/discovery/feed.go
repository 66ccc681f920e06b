package discovery

import (
	"context"
	"slices"
	"sync"
)

// A feed hands the latest instances to watchers.
type feed struct {
	mu        sync.Mutex
	instances []Instance    // sorted by id; never changed
	version   int           // of instances; 0 until they are known
	next      chan struct{} // closed with the next version
}

// publish sets the instances, which must be sorted and must not be changed afterwards.
func (f *feed) publish(instances []Instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.version > 0 && slices.EqualFunc(f.instances, instances, Instance.equal) {
		return
	}
	f.instances = instances
	f.version++
	if f.next != nil {
		close(f.next)
		f.next = nil
	}
}

// current returns the instances, their version, and a channel that is closed at the next one.
func (f *feed) current() ([]Instance, int, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next == nil {
		f.next = make(chan struct{})
	}
	return f.instances, f.version, f.next
}

// Watch implements Registry.
func (f *feed) Watch(ctx context.Context, changed func([]Instance)) error {
	seen := 0
	for {
		instances, version, next := f.current()
		if version > seen && ctx.Err() == nil {
			seen = version
			changed(instances)
		}
		select {
		case <-next:
		case <-ctx.Done():
			return nil
		}
	}
}
