package app

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/services/edge"
)

// firstInstancesTimeout is how long a process that starts waits for the instances that its
// registry knows.
const firstInstancesTimeout = time.Second

// registryBucket is the bucket of the registry.
const registryBucket = "BONGSU_INSTANCES"

// openRegistry opens the registry of instances, and the balancer, by which this process calls
// other ones. They run until the process closes: services are still called when the last of
// them stops.
func (b *builder) openRegistry(ctx context.Context) error {
	var registries []discovery.Registry
	for _, upstream := range b.config.upstreamFlags() {
		if upstream.value == "" || b.config.has(upstream.service) {
			continue
		}
		registry, err := b.openUpstream(upstream)
		if err != nil {
			return fmt.Errorf("%s: %w", upstream.flag, err)
		}
		registries = append(registries, registry)
	}
	conn, err := b.openNATS()
	if err != nil {
		return err
	}
	if conn == nil {
		local := discovery.NewLocal()
		b.registrar, registries = local, append(registries, local)
	} else {
		bucket, err := discovery.OpenBucket(conn, discovery.Options{Bucket: registryBucket, Replicas: b.config.replicas(), Now: b.config.Now, Log: b.log})
		if err != nil {
			return err
		}
		b.registrar, registries = bucket, append(registries, bucket)
	}
	registry := discovery.Union(registries...)
	b.registry = registry
	measured, err := balance.NewInstruments(b.metrics.Provider())
	if err != nil {
		return err
	}
	b.balancer = balance.New(registry, balance.Options{Transport: b.client.Transport, Metrics: measured, Log: b.log})
	if err := measured.Observe(b.balancer); err != nil {
		return err
	}
	known := b.balancer.Changed()
	b.runUntilClosed(ctx, "the registry of instances", registry.Run)
	b.runUntilClosed(ctx, "the balancer", b.balancer.Run)
	b.peerClient = b.client
	b.client = &http.Client{Transport: b.balancer.Transport(), CheckRedirect: b.peerClient.CheckRedirect}
	if !b.config.has(Directory) || !b.config.has(Alert) {
		select {
		case <-known:
		case <-time.After(firstInstancesTimeout):
		case <-ctx.Done():
		}
	}
	return nil
}

// openUpstream returns the registry of the instances that a flag names.
func (b *builder) openUpstream(upstream upstreamFlag) (discovery.Registry, error) {
	if record := upstream.record(); record != "" {
		scheme := "http"
		if b.config.Internal.TLSCert != "" {
			scheme = "https"
		}
		return discovery.NewSRV(record, discovery.SRVOptions{Name: upstream.service, Services: upstream.calls, Scheme: scheme, Log: b.log})
	}
	var instances []discovery.Instance
	for _, u := range upstream.urls() {
		instances = append(instances, discovery.Instance{Name: upstream.service, URL: u, Services: upstream.calls})
	}
	return discovery.Static(instances)
}

// runUntilClosed runs a function from now on until the process closes, after all shutdown
// stages. Its error stops the process.
func (b *builder) runUntilClosed(ctx context.Context, what string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	b.closeLater(what, func() error {
		cancel()
		return <-ended
	})
	b.shutdownStages[stageLimiter] = append(b.shutdownStages[stageLimiter], func(ctx context.Context) error {
		select {
		case err := <-ended:
			ended <- nil
			return err
		case <-ctx.Done():
			return nil
		}
	})
}

// readinessOf returns the readiness check of another service: one of its instances is called,
// and can do its work.
func (b *builder) readinessOf(name, service string) readinessCheck {
	return func(ctx context.Context) error {
		if b.balancer.Ready(service) != nil {
			return unavailable(name)
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		asked := 0
		ready := make(chan bool)
		for _, instance := range b.balancer.Instances() {
			if instance.State == discovery.Draining || !slices.Contains(instance.Services, service) {
				continue
			}
			asked++
			go func() {
				select {
				case ready <- b.isReady(ctx, instance.URL):
				case <-ctx.Done():
				}
			}()
		}
		for range asked {
			select {
			case ok := <-ready:
				if ok {
					return nil
				}
			case <-ctx.Done():
				return unavailable(name)
			}
		}
		return unavailable(name)
	}
}

// isReady reports whether the instance at url can do its work.
func (b *builder) isReady(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := b.peerClient.Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}

// An accessFinder knows whether an access service was ever found in the registry: an edge whose
// callers need no credentials may do without.
type accessFinder struct {
	balancer *balance.Balancer
	found    atomic.Bool
}

// missing reports whether no access service was ever found.
func (f *accessFinder) missing() bool {
	if f.found.Load() {
		return false
	}
	for _, instance := range f.balancer.Instances() {
		if slices.Contains(instance.Services, accessv1connect.AccessServiceName) {
			f.found.Store(true)
			return false
		}
	}
	return true
}

// explain replaces the error of a call without an access service by one that says what to do.
func (f *accessFinder) explain(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		res, err := next(ctx, req)
		if err != nil && f.missing() {
			return nil, edge.ErrNoAccess
		}
		return res, err
	}
}
