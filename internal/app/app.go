package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/rpc"
)

// grace is how long a port finishes what is in flight when the process stops.
const grace = 15 * time.Second

// An App is a process with its services. New opens it, Run runs it.
type App struct {
	config Config
	log    *slog.Logger

	ports   []port
	stages  [stageCount]errands // in the order in which they stop
	closers []func() error
}

// A port is a service's own port.
type port struct {
	service string
	server  *rpc.Server
}

// errands run side by side until their context ends.
type errands []func(context.Context) error

// The stages: nothing is accepted any more, then what was accepted is with the
// queue, then what was taken is sent and reported, and then the rest stops.
const (
	accept = iota
	put
	send
	last
	stageCount
)

// New opens the stores, the queue and the ports that config asks for, so that
// callers can be told the addresses; nothing is answered before Run. Where it
// fails, what it opened is closed.
func New(ctx context.Context, config Config) (_ *App, err error) {
	config, err = config.complete()
	if err != nil {
		return nil, err
	}
	a := &App{config: config, log: config.Log}
	for flag, why := range config.idle {
		config.Log.Warn("a flag has no effect", "flag", flag, "reason", why)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	return a, a.build(ctx)
}

// Addr gives where a service listens; empty where it has no port of its own.
func (a *App) Addr(service string) string {
	for _, p := range a.ports {
		if p.service == service {
			return p.server.Addr()
		}
	}
	return ""
}

// Run answers and works until ctx ends, then finishes what is in flight, reports
// it, and closes everything. A service that fails ends the process the same way.
func (a *App) Run(ctx context.Context) error {
	for _, p := range a.ports {
		a.log.Info("listening", "service", p.service, "addr", p.server.Addr())
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	// Each stage goes on until the one before it has stopped.
	var all errgroup.Group
	before := ctx
	for _, stage := range a.stages {
		stopped, stoppedNow := context.WithCancel(context.WithoutCancel(ctx))
		running := before
		all.Go(func() error {
			defer stoppedNow()
			return stage.run(running, stop)
		})
		before = stopped
	}
	<-ctx.Done()
	a.log.Info("stopping: finishing what is in flight")
	err := errors.Join(all.Wait(), a.close())
	if err == nil {
		a.log.Info("stopped")
	}
	return err
}

// run runs the errands of a stage; the first that fails stops the process.
func (es errands) run(ctx context.Context, stop context.CancelCauseFunc) error {
	var g errgroup.Group
	for _, errand := range es {
		g.Go(func() error {
			err := errand(ctx)
			if err != nil {
				stop(err)
			}
			return err
		})
	}
	err := g.Wait()
	<-ctx.Done() // a stage without errands stops no sooner
	return err
}

// close closes what was opened, the last first.
func (a *App) close() error {
	var errs []error
	for _, c := range slices.Backward(a.closers) {
		errs = append(errs, c())
	}
	a.closers = nil
	return errors.Join(errs...)
}

// onClose keeps what must be closed in the end.
func (a *App) onClose(what string, c func() error) {
	a.closers = append(a.closers, func() error {
		if err := c(); err != nil {
			return fmt.Errorf("close %s: %w", what, err)
		}
		return nil
	})
}
