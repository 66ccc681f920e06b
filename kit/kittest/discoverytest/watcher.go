// Package discoverytest is the test suite of registries of instances.
package discoverytest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// patience is the timeout of a wait.
const patience = 30 * time.Second

// A Watcher follows a registry until the test ends. It checks that calls do not overlap and
// that instances are sorted.
type Watcher struct {
	mu      sync.Mutex
	history [][]discovery.Instance
	changed chan struct{} // closed with the next call
}

// Watch watches a registry until the test ends.
func Watch(t *testing.T, registry discovery.Registry) *Watcher {
	t.Helper()
	w := &Watcher{changed: make(chan struct{})}
	var calling sync.Mutex
	goUntilEnd(t, func(ctx context.Context) error {
		return registry.Watch(ctx, func(instances []discovery.Instance) {
			if !calling.TryLock() {
				t.Error("calls of changed overlap")
				return
			}
			defer calling.Unlock()
			if !slices.IsSortedFunc(instances, func(a, b discovery.Instance) int { return cmp.Compare(a.ID, b.ID) }) {
				t.Errorf("instances are not sorted by id: %v", instances)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.history = append(w.history, instances)
			close(w.changed)
			w.changed = make(chan struct{})
		})
	})
	return w
}

// Until waits until the instances of the last call satisfy a condition, and returns them.
func (w *Watcher) Until(t *testing.T, condition func([]discovery.Instance) bool) []discovery.Instance {
	t.Helper()
	timeout := time.After(patience)
	for {
		w.mu.Lock()
		var last []discovery.Instance
		known := len(w.history) > 0
		if known {
			last = w.history[len(w.history)-1]
		}
		changed := w.changed
		w.mu.Unlock()
		if known && condition(last) {
			return last
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("condition is not true within %s; the last instances are %+v (known: %t)", patience, last, known)
		}
	}
}

// UntilState waits until an instance has a state, and returns the instance.
func (w *Watcher) UntilState(t *testing.T, id string, state discovery.State) discovery.Instance {
	t.Helper()
	instances := w.Until(t, func(instances []discovery.Instance) bool {
		instance, ok := Find(instances, id)
		return ok && instance.State == state
	})
	instance, _ := Find(instances, id)
	return instance
}

// UntilIDs waits until the instances are those with the given ids, which must be sorted.
func (w *Watcher) UntilIDs(t *testing.T, ids ...string) {
	t.Helper()
	w.Until(t, func(instances []discovery.Instance) bool { return slices.Equal(IDs(instances), ids) })
}

// History returns the instances of all calls.
func (w *Watcher) History() [][]discovery.Instance {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.history)
}

// Current returns the instances that a registry knows now. It waits until they are known.
func Current(t *testing.T, registry discovery.Registry) []discovery.Instance {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var current []discovery.Instance
	known := false
	kittest.NoError(t, registry.Watch(ctx, func(instances []discovery.Instance) {
		current, known = instances, true
		cancel()
	}))
	if !known {
		t.Fatalf("instances are not known within %s", patience)
	}
	return current
}

// Find returns the instance with an id.
func Find(instances []discovery.Instance, id string) (discovery.Instance, bool) {
	for _, instance := range instances {
		if instance.ID == id {
			return instance, true
		}
	}
	return discovery.Instance{}, false
}

// IDs returns the ids of instances.
func IDs(instances []discovery.Instance) []string {
	ids := make([]string, 0, len(instances))
	for _, instance := range instances {
		ids = append(ids, instance.ID)
	}
	return ids
}

// Run runs a registry until the test ends.
func Run(t *testing.T, registry discovery.Registry) {
	t.Helper()
	goUntilEnd(t, registry.Run)
}

// Register registers an instance until the test ends, or until remove is called, which waits
// for the end of Register.
func Register(t *testing.T, registrar discovery.Registrar, instance discovery.Instance, states <-chan discovery.StateChange) (remove func()) {
	t.Helper()
	return goUntilEnd(t, func(ctx context.Context) error { return registrar.Register(ctx, instance, states) })
}

// goUntilEnd calls run until the test ends, or until stop is called, and checks that it then
// returns nil.
func goUntilEnd(t *testing.T, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("got %v after the end of its context, want nil", err)
			}
		case <-time.After(patience):
			t.Errorf("does not return within %s after the end of its context", patience)
		}
	})
	t.Cleanup(stop)
	return stop
}
