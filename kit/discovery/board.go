package discovery

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// self is the reporter of the reports of this process.
const self = ""

// A board merges the words of instances about themselves with the reports about them, and
// publishes the result. It keeps the reports of this process.
type board struct {
	feed

	state struct {
		sync.Mutex
		instances map[string]Instance          // by id, as they describe themselves
		reports   map[string]map[string]string // the reasons, by id and reporter
	}
}

func newBoard() *board {
	b := &board{}
	b.state.instances = map[string]Instance{}
	b.state.reports = map[string]map[string]string{}
	return b
}

// change changes instances and reports at once, and publishes the result.
func (b *board) change(change func()) {
	b.state.Lock()
	defer b.state.Unlock()
	change()
	merged := slices.SortedFunc(maps.Values(b.state.instances), byID)
	for i := range merged {
		reports := b.state.reports[merged[i].ID]
		if len(reports) == 0 || merged[i].State != Serving {
			continue
		}
		first := slices.Min(slices.Collect(maps.Keys(reports)))
		merged[i].State, merged[i].Reason = Failing, reports[first]
	}
	b.publish(merged)
}

// put sets an instance. It must be called within change.
func (b *board) put(instance Instance) { b.state.instances[instance.ID] = instance }

// remove removes an instance, and what this process reported about it. It must be called
// within change.
func (b *board) remove(id string) {
	delete(b.state.instances, id)
	b.withdraw(id, self)
}

// report sets a report. It must be called within change.
func (b *board) report(id, reporter, reason string) {
	if b.state.reports[id] == nil {
		b.state.reports[id] = map[string]string{}
	}
	b.state.reports[id][reporter] = reason
}

// withdraw removes a report. It must be called within change.
func (b *board) withdraw(id, reporter string) {
	delete(b.state.reports[id], reporter)
	if len(b.state.reports[id]) == 0 {
		delete(b.state.reports, id)
	}
}

// replace replaces all instances. It must be called within change.
func (b *board) replace(instances []Instance) {
	old := b.state.instances
	b.state.instances = make(map[string]Instance, len(instances))
	for _, instance := range instances {
		b.put(instance)
		delete(old, instance.ID)
	}
	for id := range old {
		b.remove(id)
	}
}

// reported returns the reasons of the reports of this process, by id.
func (b *board) reported() map[string]string {
	b.state.Lock()
	defer b.state.Unlock()
	reasons := map[string]string{}
	for id, reports := range b.state.reports {
		if reason, ok := reports[self]; ok {
			reasons[id] = reason
		}
	}
	return reasons
}

// ReportFailing implements Registry. It returns nil, and does not wait.
func (b *board) ReportFailing(_ context.Context, id, reason string) error {
	b.change(func() {
		if _, known := b.state.instances[id]; known {
			b.report(id, self, cleanReason(reason))
		}
	})
	return nil
}

// ReportServing implements Registry. It returns nil, and does not wait.
func (b *board) ReportServing(_ context.Context, id string) error {
	b.change(func() { b.withdraw(id, self) })
	return nil
}
