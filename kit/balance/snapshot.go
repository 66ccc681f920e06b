package balance

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/bongsu-project/bongsu/kit/discovery"
)

// A snapshot holds all instances and their states at one time. It is immutable.
type snapshot struct {
	members   []*instance          // sorted by id
	instances []discovery.Instance // the same
	rotations map[string]*rotation // by Protobuf service
}

// A rotation holds the instances of one service that are called. A nil one holds none.
type rotation struct {
	turn    *atomic.Uint32
	ready   []*instance
	reserve []*instance // reported by other processes as failing; used if ready has no other
}

// pick returns the next instance that is not at the same place as another one, or nil.
func (r *rotation) pick(other *instance) *instance {
	if r == nil {
		return nil
	}
	turn := r.turn.Add(1)
	for _, list := range [...][]*instance{r.ready, r.reserve} {
		for i := range list {
			one := list[(uint64(turn)+uint64(i))%uint64(len(list))]
			if other == nil || one != other && one.base.Host != other.base.Host {
				return one
			}
		}
	}
	return nil
}

// update takes the instances of the registry.
func (b *Balancer) update(known []discovery.Instance) {
	defer b.wakeReport()
	b.mu.Lock()
	defer b.mu.Unlock()
	instances := make(map[string]*instance, len(known))
	for _, k := range known {
		if old, ok := b.instances[k.ID]; ok && old.known.URL == k.URL && old.name == k.Name {
			old.known = k
			instances[k.ID] = old
			continue
		}
		one, err := newInstance(k, b.options)
		if err != nil {
			b.options.Log.Warn("instance ignored: invalid URL", "instance", k.ID, "error", err)
			continue
		}
		instances[k.ID] = one
	}
	b.instances = instances
	b.rebuild()
}

// rebuild replaces the snapshot. mu must be held.
func (b *Balancer) rebuild() {
	next := &snapshot{
		members:   slices.SortedFunc(maps.Values(b.instances), func(x, y *instance) int { return cmp.Compare(x.id, y.id) }),
		rotations: map[string]*rotation{},
	}
	for _, one := range next.members {
		shown, open := one.known, one.open.Load()
		if open && shown.State == discovery.Serving {
			shown.State, shown.Reason = discovery.Failing, one.failure
		}
		next.instances = append(next.instances, shown)
		if open || one.known.State == discovery.Draining {
			continue
		}
		for _, service := range one.known.Services {
			r := next.rotations[service]
			if r == nil {
				r = &rotation{turn: b.turnOf(service)}
				next.rotations[service] = r
			}
			if one.known.State == discovery.Serving {
				r.ready = append(r.ready, one)
			} else {
				r.reserve = append(r.reserve, one)
			}
		}
	}
	b.current.Store(next)
	close(b.changed)
	b.changed = make(chan struct{})
}

// turnOf returns the counter of a service, which begins at a random turn, so that processes
// that start together do not call the same instance. Counters of services that are gone are
// kept: services are few.
func (b *Balancer) turnOf(service string) *atomic.Uint32 {
	turn, ok := b.turns[service]
	if !ok {
		turn = new(atomic.Uint32)
		turn.Store(rand.Uint32()) //nolint:gosec // it need not be secret
		b.turns[service] = turn
	}
	return turn
}
