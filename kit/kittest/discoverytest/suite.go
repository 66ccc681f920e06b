package discoverytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// RunRegistry tests a registry that holds at least two Serving instances. open returns one
// that is not run yet.
func RunRegistry(t *testing.T, open func(t *testing.T) (registry discovery.Registry, instances []discovery.Instance)) {
	t.Run("watchers get all instances at once", func(t *testing.T) {
		registry, instances := open(t)
		Run(t, registry)
		for range 2 {
			got := Watch(t, registry).Until(t, func(got []discovery.Instance) bool { return len(got) == len(instances) })
			for _, want := range instances {
				instance, ok := Find(got, want.ID)
				if !ok || !equal(instance, want) {
					t.Errorf("got %+v, want %+v", instance, want)
				}
			}
		}
	})
	t.Run("a report holds until it is withdrawn", func(t *testing.T) {
		registry, instances := open(t)
		Run(t, registry)
		watcher := Watch(t, registry)
		watcher.Until(t, func(got []discovery.Instance) bool { return len(got) == len(instances) })
		id := instances[0].ID
		kittest.NoError(t, registry.ReportFailing(t.Context(), id, "connection refused"))
		if got := watcher.UntilState(t, id, discovery.Failing); got.Reason != "connection refused" {
			t.Errorf("got reason %q, want %q", got.Reason, "connection refused")
		}
		other, _ := Find(Current(t, registry), instances[1].ID)
		if other.State != discovery.Serving {
			t.Errorf("got state %d of another instance, want Serving", other.State)
		}
		kittest.NoError(t, registry.ReportServing(t.Context(), id))
		if got := watcher.UntilState(t, id, discovery.Serving); got.Reason != "" {
			t.Errorf("got reason %q of a serving instance, want none", got.Reason)
		}
	})
	t.Run("an unknown id is ignored", func(t *testing.T) {
		registry, instances := open(t)
		Run(t, registry)
		watcher := Watch(t, registry)
		watcher.Until(t, func(got []discovery.Instance) bool { return len(got) == len(instances) })
		kittest.NoError(t, registry.ReportFailing(t.Context(), "nobody", "gone"))
		kittest.NoError(t, registry.ReportServing(t.Context(), "nobody"))
		kittest.NoError(t, registry.ReportServing(t.Context(), instances[0].ID))
		if got := Current(t, registry); len(got) != len(instances) || slices.Contains(IDs(got), "nobody") {
			t.Errorf("got %v, want %v", IDs(got), IDs(instances))
		}
	})
}

// A Process is a registry as one process uses it.
type Process struct {
	Registry  discovery.Registry
	Registrar discovery.Registrar
}

// RunRegistrar tests the instances that processes register. open returns a function that
// returns the same empty registry as one more process uses it, not run yet. If processes do
// not share the registry, it returns the same Process again, which runs.
func RunRegistrar(t *testing.T, shared bool, open func(t *testing.T) (process func() Process)) {
	// start returns two processes that run; the same one twice if they do not share.
	start := func(t *testing.T) (a, b Process) {
		t.Helper()
		process := open(t)
		a = process()
		Run(t, a.Registry)
		if !shared {
			return a, a
		}
		b = process()
		Run(t, b.Registry)
		return a, b
	}
	t.Run("an empty registry is known", func(t *testing.T) {
		_, b := start(t)
		if got := Current(t, b.Registry); len(got) != 0 {
			t.Errorf("got %v, want none", IDs(got))
		}
	})
	t.Run("an instance is listed until its end", func(t *testing.T) {
		a, b := start(t)
		watcher := Watch(t, b.Registry)
		instance := Example("one")
		remove := Register(t, a.Registrar, instance, nil)
		if got := watcher.UntilState(t, "one", discovery.Serving); !equal(got, instance) {
			t.Errorf("got %+v, want %+v", got, instance)
		}
		removeTwo := Register(t, b.Registrar, Example("two"), nil)
		watcher.UntilIDs(t, "one", "two")
		remove()
		watcher.UntilIDs(t, "two")
		removeTwo()
		watcher.UntilIDs(t)
	})
	t.Run("services are sorted", func(t *testing.T) {
		a, b := start(t)
		instance := Example("one")
		instance.Services = []string{"library.v1.LoanService", "library.v1.BookService", "library.v1.LoanService"}
		Register(t, a.Registrar, instance, nil)
		got := Watch(t, b.Registry).UntilState(t, "one", discovery.Serving)
		if want := []string{"library.v1.BookService", "library.v1.LoanService"}; !slices.Equal(got.Services, want) {
			t.Errorf("got %v, want %v", got.Services, want)
		}
	})
	t.Run("an instance changes its state", func(t *testing.T) {
		a, b := start(t)
		watcher := Watch(t, b.Registry)
		states := make(chan discovery.StateChange)
		Register(t, a.Registrar, Example("one"), states)
		watcher.UntilState(t, "one", discovery.Serving)
		states <- discovery.StateChange{State: discovery.Failing, Reason: "disk full"}
		if got := watcher.UntilState(t, "one", discovery.Failing); got.Reason != "disk full" {
			t.Errorf("got reason %q, want %q", got.Reason, "disk full")
		}
		states <- discovery.StateChange{State: discovery.Serving}
		watcher.UntilState(t, "one", discovery.Serving)
		states <- discovery.StateChange{State: discovery.Draining, Reason: "stopping"}
		watcher.UntilState(t, "one", discovery.Draining)
		close(states)
		Register(t, a.Registrar, Example("two"), nil)
		watcher.UntilIDs(t, "one", "two")
		watcher.UntilState(t, "one", discovery.Draining)
	})
	t.Run("the instance's own word that it drains wins over reports", func(t *testing.T) {
		a, b := start(t)
		watcher := Watch(t, b.Registry)
		states := make(chan discovery.StateChange)
		Register(t, a.Registrar, Example("one"), states)
		watcher.UntilState(t, "one", discovery.Serving)
		kittest.NoError(t, b.Registry.ReportFailing(t.Context(), "one", "timeout"))
		watcher.UntilState(t, "one", discovery.Failing)
		states <- discovery.StateChange{State: discovery.Draining}
		watcher.UntilState(t, "one", discovery.Draining)
	})
	t.Run("a report ends with its instance", func(t *testing.T) {
		a, b := start(t)
		watcher := Watch(t, b.Registry)
		remove := Register(t, a.Registrar, Example("one"), nil)
		watcher.UntilState(t, "one", discovery.Serving)
		kittest.NoError(t, b.Registry.ReportFailing(t.Context(), "one", "timeout"))
		watcher.UntilState(t, "one", discovery.Failing)
		remove()
		watcher.UntilIDs(t)
		Register(t, a.Registrar, Example("one"), nil)
		watcher.UntilState(t, "one", discovery.Serving)
	})
	t.Run("an instance that is not valid is refused", func(t *testing.T) {
		a, _ := start(t)
		for name, spoil := range map[string]func(*discovery.Instance){
			"id":      func(i *discovery.Instance) { i.ID = "a.b" },
			"name":    func(i *discovery.Instance) { i.Name = "" },
			"url":     func(i *discovery.Instance) { i.URL = "http://me:secret@10.0.0.7:80" },
			"service": func(i *discovery.Instance) { i.Services = []string{"/library.v1.BookService/"} },
			"state":   func(i *discovery.Instance) { i.State = 7 },
		} {
			instance := Example("one")
			spoil(&instance)
			if err := a.Registrar.Register(t.Context(), instance, nil); !errors.Is(err, fault.ErrInvalid) {
				t.Errorf("%s: got %v, want %v", name, err, fault.ErrInvalid)
			}
		}
	})
	if shared {
		t.Run("an instance fails while any process reports it", func(t *testing.T) { testTwoReporters(t, open(t)) })
		t.Run("reports end with their process", func(t *testing.T) { testReporterEnds(t, open(t)) })
	}
}

func testTwoReporters(t *testing.T, process func() Process) {
	var reporters []Process
	var watchers []*Watcher
	for range 3 {
		p := process()
		Run(t, p.Registry)
		reporters, watchers = append(reporters, p), append(watchers, Watch(t, p.Registry))
	}
	Register(t, reporters[0].Registrar, Example("one"), nil)
	for _, watcher := range watchers {
		watcher.UntilState(t, "one", discovery.Serving)
	}
	for i := 1; i < len(reporters); i++ {
		kittest.NoError(t, reporters[i].Registry.ReportFailing(t.Context(), "one", fmt.Sprint("refused by ", i)))
	}
	for _, watcher := range watchers {
		watcher.UntilState(t, "one", discovery.Failing)
	}
	kittest.NoError(t, reporters[1].Registry.ReportServing(t.Context(), "one"))
	watchers[0].Until(t, func(instances []discovery.Instance) bool {
		one, _ := Find(instances, "one")
		return one.State == discovery.Failing && one.Reason == "refused by 2"
	})
	watchers[1].Until(t, func(instances []discovery.Instance) bool {
		one, _ := Find(instances, "one")
		return one.State == discovery.Failing && one.Reason == "refused by 2"
	})
	kittest.NoError(t, reporters[2].Registry.ReportServing(t.Context(), "one"))
	for _, watcher := range watchers {
		watcher.UntilState(t, "one", discovery.Serving)
	}
}

func testReporterEnds(t *testing.T, process func() Process) {
	a, b := process(), process()
	Run(t, a.Registry)
	watcher := Watch(t, a.Registry)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Registry.Run(ctx) }()
	Register(t, a.Registrar, Example("one"), nil)
	Watch(t, b.Registry).UntilState(t, "one", discovery.Serving)
	kittest.NoError(t, b.Registry.ReportFailing(t.Context(), "one", "timeout"))
	watcher.UntilState(t, "one", discovery.Failing)
	cancel()
	kittest.NoError(t, <-ended)
	watcher.UntilState(t, "one", discovery.Serving)
}

// Example returns a valid instance with an id.
func Example(id string) discovery.Instance {
	return discovery.Instance{
		ID: id, Name: "library", URL: "http://10.0.0.7:18082", Services: []string{"library.v1.BookService", "library.v1.LoanService"},
		Version: "v1.2.3", Start: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), Host: "shelf",
	}
}

func equal(a, b discovery.Instance) bool {
	return a.ID == b.ID && a.Name == b.Name && a.URL == b.URL && slices.Equal(a.Services, b.Services) && a.Version == b.Version &&
		a.State == b.State && a.Reason == b.Reason && a.Start.Equal(b.Start) && a.Host == b.Host
}
