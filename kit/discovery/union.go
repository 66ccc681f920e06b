package discovery

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

var _ Registry = (*UnionRegistry)(nil)

// A UnionRegistry holds the instances of several registries.
type UnionRegistry struct{ registries []Registry }

// Union returns the registry of all instances of the given ones. The Protobuf services that
// an earlier registry names hide the same services of instances in later ones, which are
// listed without them. The instances are known once those of one registry are; a registry that
// is unreachable has none.
func Union(registries ...Registry) *UnionRegistry {
	return &UnionRegistry{slices.Clone(registries)}
}

// Run implements Registry: it runs all registries.
func (u *UnionRegistry) Run(ctx context.Context) error {
	running, ctx := errgroup.WithContext(ctx)
	for _, registry := range u.registries {
		running.Go(func() error { return registry.Run(ctx) })
	}
	running.Go(func() error { <-ctx.Done(); return nil })
	return running.Wait()
}

// Watch implements Registry.
func (u *UnionRegistry) Watch(ctx context.Context, changed func([]Instance)) error {
	var merging sync.Mutex
	latest := make([][]Instance, len(u.registries))
	var merged feed
	known := false
	for i, registry := range u.registries {
		if k, ok := registry.(knower); ok {
			instances, version, _ := k.current()
			latest[i], known = instances, known || version > 0
		}
	}
	if known {
		merged.publish(u.merge(latest))
	}
	watching, ctx := errgroup.WithContext(ctx)
	for i, registry := range u.registries {
		watching.Go(func() error {
			return registry.Watch(ctx, func(instances []Instance) {
				merging.Lock()
				defer merging.Unlock()
				latest[i] = instances
				merged.publish(u.merge(latest))
			})
		})
	}
	watching.Go(func() error { return merged.Watch(ctx, changed) })
	return watching.Wait()
}

// A knower is a registry that returns its instances without a wait; version is 0 until they
// are known. Those of all are in the first call of changed.
type knower interface {
	current() (instances []Instance, version int, next <-chan struct{})
}

// A servicesNamer is a registry that names services before it knows an instance of them.
type servicesNamer interface{ services() []string }

func (u *UnionRegistry) merge(latest [][]Instance) []Instance {
	merged := map[string]Instance{}
	hidden := map[string]bool{}
	for i, instances := range latest {
		var named []string
		if namer, ok := u.registries[i].(servicesNamer); ok {
			named = slices.Clone(namer.services())
		}
		for _, instance := range instances {
			named = append(named, instance.Services...)
			if _, taken := merged[instance.ID]; taken {
				continue
			}
			instance.Services = slices.DeleteFunc(slices.Clone(instance.Services), func(service string) bool { return hidden[service] })
			merged[instance.ID] = instance
		}
		for _, service := range named {
			hidden[service] = true
		}
	}
	return slices.SortedFunc(maps.Values(merged), byID)
}

// ReportFailing implements Registry: the registry that holds the instance takes the report.
func (u *UnionRegistry) ReportFailing(ctx context.Context, id, reason string) error {
	var errs []error
	for _, registry := range u.registries {
		errs = append(errs, registry.ReportFailing(ctx, id, reason)) // the others ignore the id
	}
	return errors.Join(errs...)
}

// ReportServing implements Registry.
func (u *UnionRegistry) ReportServing(ctx context.Context, id string) error {
	var errs []error
	for _, registry := range u.registries {
		errs = append(errs, registry.ReportServing(ctx, id))
	}
	return errors.Join(errs...)
}
