package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// shutdownGrace is how long a port may finish requests in flight after the process is stopped.
const shutdownGrace = 15 * time.Second

// An App is a process with its services. New opens it, Run runs it.
type App struct {
	config settings
	log    *slog.Logger

	ports          []listener
	shutdownStages [stageCount]tasks // in shutdown order
	closers        []func() error

	draining, stopping           context.Context //nolint:containedctx // they end when the process begins to drain, and when its ports stop
	startDraining, startStopping context.CancelFunc
}

// A listener is the listener of a service.
type listener struct {
	service string
	server  *rpc.Server
}

// tasks run concurrently until their context is done.
type tasks []func(context.Context) error

// The shutdown stages, in order: stop accepting requests, enqueue the accepted
// deliveries, send and report the jobs taken from the queue, stop the rest.
const (
	stageServe = iota
	stageEnqueue
	stageSend
	stageLimiter
	stageCount
)

// New opens the stores, the queue and the ports of config. The addresses of the ports
// are known then, but requests are served only by Run. On an error New closes
// everything that it opened.
func New(ctx context.Context, config Config) (_ *App, err error) {
	complete, err := config.complete()
	if err != nil {
		return nil, err
	}
	a := &App{config: complete, log: config.Log}
	a.draining, a.startDraining = context.WithCancel(context.Background())
	a.stopping, a.startStopping = context.WithCancel(context.Background())
	for flag, why := range complete.flagsWithoutEffect {
		a.log.Warn("flag without effect", "flag", flag, "reason", why)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	return a, a.build(ctx)
}

// Addr returns the address on which a service listens, or "" if it has no port of its
// own.
func (a *App) Addr(service string) string {
	for _, l := range a.ports {
		if l.service == service {
			return l.server.Addr()
		}
	}
	return ""
}

// Run serves until ctx is done. Then it drains, finishes and reports the requests and
// deliveries in flight, and closes everything. A service that fails stops the process in the
// same way, but at once.
func (a *App) Run(ctx context.Context) error {
	for _, l := range a.ports {
		a.log.Info("listening", "service", l.service, "addr", l.server.Addr())
	}
	running, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)

	// Each stage runs until the one before it has stopped.
	var all errgroup.Group
	before := running
	for _, stage := range a.shutdownStages {
		stopped, stoppedNow := context.WithCancel(context.WithoutCancel(ctx))
		until := before
		all.Go(func() error {
			defer stoppedNow()
			return stage.run(until, stop)
		})
		before = stopped
	}
	select {
	case <-ctx.Done():
		a.drain(running)
		stop(nil)
	case <-running.Done():
	}
	a.startDraining()
	a.startStopping()
	a.log.Info("stopping: finishing requests and deliveries in flight")
	err := errors.Join(all.Wait(), a.close())
	if err == nil {
		a.log.Info("stopped")
	}
	return err
}

// run runs the tasks of a stage; the first error stops the process.
func (ts tasks) run(ctx context.Context, stop context.CancelCauseFunc) error {
	var g errgroup.Group
	for _, task := range ts {
		g.Go(func() error {
			err := task(ctx)
			if err != nil {
				stop(err)
			}
			return err
		})
	}
	err := g.Wait()
	<-ctx.Done() // a stage without tasks also lasts until ctx is done
	return err
}

// close runs the closers in reverse order.
func (a *App) close() error {
	a.startDraining()
	a.startStopping()
	var errs []error
	for _, c := range slices.Backward(a.closers) {
		errs = append(errs, c())
	}
	a.closers = nil
	return errors.Join(errs...)
}

// closeLater registers a function that close calls.
func (a *App) closeLater(what string, c func() error) {
	a.closers = append(a.closers, func() error {
		if err := c(); err != nil {
			return fmt.Errorf("close %s: %w", what, err)
		}
		return nil
	})
}
