package monitor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// A ValueSource is a process that may have a value of Bongsu itself.
type ValueSource struct {
	Instance string // the id of the process in the registry; empty for this one
	Certain  bool   // the process has the value, even if it cannot be called now
	// Read returns the value. It must return errNoValue if the process has no such value, and
	// probe.ErrUnreachable if it cannot be called.
	Read func(ctx context.Context) (float64, error)
}

// errNoValue is the error of a process that does not have a value.
var errNoValue = errors.New("the process has no such value")

// SystemValues are the values of Bongsu itself, in all of its processes.
type SystemValues struct {
	// Sources returns the processes that may have a value now.
	Sources func(probe.SystemValue) []ValueSource
}

var _ probe.ValueReader = SystemValues{}

// ReadValue reads a value in all processes at the same time.
func (s SystemValues) ReadValue(ctx context.Context, v probe.SystemValue) []probe.Reading {
	return readSources(ctx, s.Sources(v))
}

// Has reports whether a process has a value, or is certain to have it.
func (s SystemValues) Has(ctx context.Context, v probe.SystemValue) bool {
	sources := s.Sources(v)
	if slices.ContainsFunc(sources, func(source ValueSource) bool { return source.Certain }) {
		return true
	}
	return slices.ContainsFunc(readSources(ctx, sources), func(r probe.Reading) bool { return !errors.Is(r.Err, probe.ErrUnreachable) })
}

// readSources reads a value in the processes that have it.
func readSources(ctx context.Context, sources []ValueSource) []probe.Reading {
	readings := make([]probe.Reading, len(sources))
	var running sync.WaitGroup
	for i, source := range sources {
		running.Go(func() {
			readings[i] = source.reading(ctx)
		})
	}
	running.Wait()
	return slices.DeleteFunc(readings, func(r probe.Reading) bool { return errors.Is(r.Err, errNoValue) })
}

// reading reads the value.
func (s ValueSource) reading(ctx context.Context) probe.Reading {
	if s.Instance != "" {
		within, cancel := withinDeadline(ctx)
		defer cancel()
		ctx = within
	}
	value, err := s.Read(ctx)
	return probe.Reading{Instance: s.Instance, Value: value, Err: err}
}

// readTimeout is the timeout of a read in another process whose caller has no deadline.
const readTimeout = 2 * time.Second

// withinDeadline returns a context for a part of the work of ctx, which ends early enough for its
// failure to be reported before ctx ends: a process that does not respond is not a timeout of the check.
func withinDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithTimeout(ctx, readTimeout)
	}
	return context.WithTimeout(ctx, time.Until(deadline)*3/4)
}
