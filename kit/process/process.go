// Package process runs Protobuf services in a process and joins them to a deployment: it opens
// their ports, registers them so that an edge and other services find them, calls other services,
// and stops without a failed request.
//
// docs/process.md has a complete program, and the policies that let an edge route its services.
//
// The caller of a request, as the edge has authenticated it, is auth.CallerOf(ctx) where the
// processes have an internal key (Config.KeyFile) or mutual TLS; requests without are refused then.
//
// GET /metrics on the port of each service serves the metrics of the process in the format of
// Prometheus: those of its calls and of its balancer, the backlogs of its services, and what it
// creates with Process.Meter. Spans are exported by the standard OTEL_ variables of the
// environment.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/metric"
	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

const (
	// shutdownGrace is how long a port may finish requests in flight after the process is stopped.
	shutdownGrace = 15 * time.Second
	// firstInstancesTimeout is how long New waits for the instances that the registry knows.
	firstInstancesTimeout = time.Second
)

// A Process is a process with its services. New opens it, Add adds services, and Run runs it.
type Process struct {
	config    Config
	log       *slog.Logger
	host      string // the name of this machine
	nats      *nats.Conn
	metrics   *telemetry.Metrics
	rpc       rpc.Options
	admission *rpc.Admission // shared by all ports
	peers     *rpc.Peers

	registrar  discovery.Registrar
	own        *ownInstances
	balancer   *balance.Balancer
	client     *http.Client
	traceCalls []connect.Interceptor

	ports      []port
	instances  []discovery.Instance
	tasks      []Task
	background []<-chan error // the errors of functions that run until the process closes
	closers    []func() error

	draining, stopping           context.Context //nolint:containedctx // they end when the process begins to drain, and when its ports stop
	startDraining, startStopping context.CancelFunc
}

// A port is a port with its name.
type port struct {
	name   string
	server *rpc.Server
}

// Notify returns a context that ends at the next interrupt or termination of the process, or with
// its parent.
func Notify(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}

// Run opens a process, adds services by the given functions, in their order, and runs it until ctx
// ends.
func Run(ctx context.Context, config Config, services ...func(context.Context, *Process) error) error {
	p, err := New(ctx, config)
	if err != nil {
		return err
	}
	for _, add := range services {
		if err := add(ctx, p); err != nil {
			return errors.Join(err, p.Close())
		}
	}
	return p.Run(ctx)
}

// New connects a process to its deployment. It must be run or closed. Without NATS, its services
// find only one another.
func New(ctx context.Context, config Config) (_ *Process, err error) {
	if config.Log == nil {
		if config.Log, err = config.NewLog(os.Stderr); err != nil {
			return nil, err
		}
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	p := &Process{config: config, log: config.Log, host: hostname(), own: &ownInstances{}}
	p.draining, p.startDraining = context.WithCancel(context.Background())
	p.stopping, p.startStopping = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	return p, p.open(ctx)
}

// open opens the parts that services share.
func (p *Process) open(ctx context.Context) (err error) {
	if p.admission, err = rpc.NewAdmission(0, p.log); err != nil {
		return err
	}
	if p.peers, err = rpc.OpenPeers(p.config.peers(), p.config.Now, p.log); err != nil {
		return err
	}
	if p.metrics, err = telemetry.NewMetrics(); err != nil {
		return err
	}
	p.closeLater("metrics", p.metrics.Close)
	if p.rpc, err = rpc.NewOptions(p.log, p.metrics.Provider(), nil); err != nil {
		return err
	}
	if err := p.openTracing(ctx); err != nil {
		return err
	}
	if p.nats = p.config.NATS; p.nats == nil && p.config.NATSURL != "" {
		if p.nats, err = p.config.dial(); err != nil {
			return err
		}
		p.closeLater("NATS connection", func() error { p.nats.Close(); return nil })
	}
	if err := p.openRegistry(ctx); err != nil {
		return err
	}
	return p.openMetricsPort(ctx)
}

// openTracing records spans if the standard OTEL_ variables of the environment name an exporter.
func (p *Process) openTracing(ctx context.Context) error {
	tracing, err := telemetry.OpenTracing(ctx, telemetry.TracingOptions{
		Service: p.config.Name, Version: p.config.Version, TraceID: rpc.TraceIDOf, Log: p.log,
	})
	if err != nil {
		return err
	}
	p.closeLater("traces", tracing.Close)
	if p.rpc, err = p.rpc.Traced(tracing.Provider()); err != nil {
		return err
	}
	p.traceCalls, err = rpc.TraceCalls(tracing.Provider())
	return err
}

// openRegistry opens the registry of instances and the balancer, which run until the process
// closes: services are still called when the last of them stops.
func (p *Process) openRegistry(ctx context.Context) error {
	var registry discovery.Registry
	if p.nats == nil {
		local := discovery.NewLocal()
		registry, p.registrar = local, local
	} else {
		bucket, err := discovery.OpenBucket(p.nats, discovery.Options{Bucket: p.config.Bucket, Now: p.config.Now, Log: p.log})
		if err != nil {
			return err
		}
		registry, p.registrar = bucket, bucket
	}
	peerClient := p.peers.Client()
	p.closeLater("connections to services", func() error { peerClient.CloseIdleConnections(); return nil })
	measured, err := balance.NewInstruments(p.metrics.Provider())
	if err != nil {
		return err
	}
	p.balancer = balance.New(p.own.of(registry), balance.Options{Transport: peerClient.Transport, Metrics: measured, Log: p.log})
	if err := measured.Observe(p.balancer); err != nil {
		return err
	}
	p.client = &http.Client{Transport: p.balancer.Transport(), CheckRedirect: peerClient.CheckRedirect}
	known := p.balancer.Changed()
	p.runUntilClosed(ctx, "registry of instances", registry.Run)
	p.runUntilClosed(ctx, "balancer", p.balancer.Run)
	select {
	case <-known:
	case <-time.After(firstInstancesTimeout):
	case <-ctx.Done():
	}
	return nil
}

// runUntilClosed runs a function from now on until the process closes. Its error stops the process.
func (p *Process) runUntilClosed(ctx context.Context, what string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ended <- run(ctx)
	}()
	p.background = append(p.background, ended)
	p.closeLater(what, func() error {
		cancel()
		<-done
		select {
		case err := <-ended:
			return err
		default: // Run has returned it
			return nil
		}
	})
}

// Log returns the log of the process.
func (p *Process) Log() *slog.Logger { return p.log }

// NATS returns the connection to NATS, nil without.
func (p *Process) NATS() *nats.Conn { return p.nats }

// Meter returns the provider of the instruments of the process, which /metrics serves. Those of
// another one of the same name are shared.
func (p *Process) Meter() metric.MeterProvider { return p.metrics.Provider() }

// RPC returns the options of services, for rpc.Public and rpc.Internal.
func (p *Process) RPC() rpc.Options { return p.rpc }

// Addr returns the address on which a service or a port listens, "" for an unknown one.
func (p *Process) Addr(name string) string {
	for _, one := range p.ports {
		if one.name == name {
			return one.server.Addr()
		}
	}
	return ""
}

// AddTask adds a task that belongs to no service. See Service.Tasks.
func (p *Process) AddTask(task Task) { p.tasks = append(p.tasks, task) }

// natsURL returns the URLs of the NATS servers, "" without.
func (p *Process) natsURL() string {
	switch {
	case p.config.NATSURL != "":
		return p.config.NATSURL
	case p.nats != nil:
		return p.nats.ConnectedUrl()
	}
	return ""
}

// Run serves until ctx ends. Then it drains: callers use other instances, while requests are still
// served. It stops the ports, each after its requests in flight, then the tasks, and closes
// everything. A port or a task that fails stops the process in the same way, but without draining.
func (p *Process) Run(ctx context.Context) error {
	for _, one := range p.ports {
		p.log.Info("listening", "service", one.name, "addr", one.server.Addr())
	}
	failed, fail := context.WithCancelCause(context.WithoutCancel(ctx))
	defer fail(nil)
	stopPorts := p.servePorts(failed, fail)
	stopTasks := p.runTasks(failed, fail)
	select {
	case <-ctx.Done():
		p.drain(failed)
	case <-failed.Done():
	}
	p.startDraining()
	p.startStopping()
	p.log.Info("stopping: finishing requests in flight")
	err := errors.Join(stopPorts(), stopTasks(), p.Close())
	if err == nil {
		p.log.Info("stopped")
	}
	return err
}

// servePorts serves the ports. The returned function stops one after the other, in the reverse
// order of Add, and returns their errors.
func (p *Process) servePorts(ctx context.Context, fail context.CancelCauseFunc) (stop func() error) {
	stops := make([]func() error, 0, len(p.ports))
	for _, one := range p.ports {
		serving, end := context.WithCancel(context.WithoutCancel(ctx))
		ended := make(chan error, 1)
		go func() {
			err := one.server.Serve(serving, shutdownGrace)
			if err != nil {
				fail(err)
			}
			ended <- err
		}()
		stops = append(stops, func() error {
			end()
			return <-ended
		})
	}
	return func() (err error) {
		for _, stop := range slices.Backward(stops) {
			err = errors.Join(err, stop())
		}
		return err
	}
}

// runTasks runs the tasks, and registers the services. The returned function ends both.
func (p *Process) runTasks(ctx context.Context, fail context.CancelCauseFunc) (stop func() error) {
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	var all errgroup.Group
	run := func(task Task) {
		all.Go(func() error {
			err := task(running)
			if err != nil {
				fail(err)
			}
			return err
		})
	}
	for _, instance := range p.instances {
		run(func(ctx context.Context) error {
			states := make(chan discovery.StateChange, 1)
			stop := context.AfterFunc(p.draining, func() { states <- discovery.StateChange{State: discovery.Draining, Reason: "stopping"} }) //nolint:contextcheck // it ends earlier than ctx
			defer stop()
			return p.registrar.Register(ctx, instance, states)
		})
	}
	for _, task := range p.tasks {
		run(task)
	}
	for _, ended := range p.background {
		run(func(ctx context.Context) error {
			select {
			case err := <-ended:
				return err
			case <-ctx.Done():
				return nil
			}
		})
	}
	return func() error {
		end()
		return all.Wait()
	}
}

// drain waits for callers to use other instances before the process stops: it is draining in the
// registry and by the health of its ports, while requests are still served. The end of ctx, which is
// that of a task that failed, and a second signal end it.
func (p *Process) drain(ctx context.Context) {
	p.startDraining()
	wait := p.config.drain()
	if wait == 0 {
		return
	}
	p.log.Info("draining: requests are still served; a second signal stops at once", "duration", wait)
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if next := p.config.NextSignal; next != nil {
		var stop context.CancelFunc
		ctx, stop = next(ctx)
		defer stop()
	}
	<-ctx.Done()
}

// Close closes a process that is not run.
func (p *Process) Close() error {
	p.startDraining()
	p.startStopping()
	var errs []error
	for _, c := range slices.Backward(p.closers) {
		errs = append(errs, c())
	}
	p.closers = nil
	return errors.Join(errs...)
}

// closeLater registers a function that Close calls, the last one first.
func (p *Process) closeLater(what string, c func() error) {
	p.closers = append(p.closers, func() error {
		if err := c(); err != nil {
			return fmt.Errorf("close %s: %w", what, err)
		}
		return nil
	})
}
