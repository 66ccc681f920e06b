package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/test/proc"
)

var _ proc.T = (*scene)(nil)

// patience is the timeout of every wait.
const patience = 5 * time.Minute

// A scene is one run of a scenario, with its figures and cleanups. Its methods must be
// called by the goroutine that runs the scenario.
type scene struct {
	*stage
	mark     string // end of the names of figures
	figures  []figure.Figure
	cleanups []func()
	failed   bool
}

// A halt is the panic value that ends a scenario with an error.
type halt struct{ error }

// perform runs a scenario and returns its figures.
func (s *scene) perform(scenario func(*scene)) (figures []figure.Figure, err error) {
	defer s.end()
	defer func() {
		switch r := recover().(type) {
		case nil:
		case halt:
			err = r.error
		default:
			panic(r)
		}
	}()
	scenario(s)
	return s.figures, nil
}

// end runs the cleanups, the last first.
func (s *scene) end() {
	for len(s.cleanups) > 0 {
		last := len(s.cleanups) - 1
		f := s.cleanups[last]
		s.cleanups = s.cleanups[:last]
		f()
	}
}

// say prints progress.
func (s *scene) say(format string, args ...any) { fmt.Fprintf(s.progress, "  "+format+"\n", args...) }

// leaveOut notes that something is not measured, and why.
func (s *scene) leaveOut(what, why string) {
	s.say("%s is left out: %s", what, why)
	s.note(what + " was left out: " + why)
}

// add records a figure, under its name and the mark.
func (s *scene) add(f figure.Figure) {
	if slices.ContainsFunc(s.figures, func(other figure.Figure) bool { return other.Name == f.Of+s.mark }) {
		f.Of += s.mark
	}
	f.Name += s.mark
	s.figures = append(s.figures, f)
	if f.Of == "" {
		s.say("%s: %s %s %s", f.Name, number(f.Value), f.Unit, f.Note)
		return
	}
	s.say("%s: %s %s, %.3f of %s %s", f.Name, number(f.Value), f.Unit, f.Share(), f.Of, f.Note)
}

// must ends the scenario if err is not nil.
func (s *scene) must(err error) {
	if err != nil {
		s.failed = true
		panic(halt{err})
	}
}

// warn prints an error that affects no figure.
func (s *scene) warn(err error) {
	if err != nil {
		s.say("%s", err)
	}
}

// folder returns a folder that is removed after the scenario.
func (s *scene) folder() string {
	dir, err := os.MkdirTemp(s.Dir, "bench-")
	s.must(err)
	s.Cleanup(func() { _ = os.RemoveAll(dir) }) // leftovers are in a temporary folder
	return dir
}

// wait waits for a condition with the timeout patience.
func (s *scene) wait(until func(context.Context) error) {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	s.must(until(ctx))
}

// rest sleeps, to measure a state after a time.
func (s *scene) rest(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.ctx.Done():
		s.must(s.ctx.Err())
	}
}

// Helper does nothing: a scenario has no call stack in its output.
func (s *scene) Helper() {}

// Failed reports whether an error ended the scenario.
func (s *scene) Failed() bool { return s.failed }

// Fatal ends the scenario.
func (s *scene) Fatal(args ...any) { s.must(errors.New(fmt.Sprint(args...))) }

// Fatalf ends the scenario.
func (s *scene) Fatalf(format string, args ...any) { s.must(fmt.Errorf(format, args...)) }

// Logf prints progress.
func (s *scene) Logf(format string, args ...any) { s.say(format, args...) }

// Cleanup registers f to run after the scenario, the last first.
func (s *scene) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }
