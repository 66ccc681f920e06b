package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/test/proc"
)

var _ proc.T = (*scene)(nil)

// patience bounds every wait for something that must come.
const patience = 5 * time.Minute

// A scene is one run of one scenario: what it needs, what it measures, and what must
// be ended when it is over. Its methods are for the goroutine that plays it.
type scene struct {
	*stage
	figures  []figure.Figure
	cleanups []func()
	failed   bool
}

// A halt is how a scene ends that cannot go on.
type halt struct{ error }

// perform plays a scenario to its end, and gives what it measured.
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

// end ends what the scene has begun so far.
func (s *scene) end() {
	for len(s.cleanups) > 0 {
		last := len(s.cleanups) - 1
		f := s.cleanups[last]
		s.cleanups = s.cleanups[:last]
		f()
	}
}

// say tells who waits what is being done.
func (s *scene) say(format string, args ...any) { fmt.Fprintf(s.progress, "  "+format+"\n", args...) }

// leaveOut tells that something is not measured, and why.
func (s *scene) leaveOut(what, why string) {
	s.say("%s is left out: %s", what, why)
	s.note(what + " was left out: " + why)
}

// add keeps a figure.
func (s *scene) add(f figure.Figure) {
	s.figures = append(s.figures, f)
	if f.Of == "" {
		s.say("%s: %s %s %s", f.Name, number(f.Value), f.Unit, f.Note)
		return
	}
	s.say("%s: %s %s, %.3f of %s %s", f.Name, number(f.Value), f.Unit, f.Share(), f.Of, f.Note)
}

// must ends the scene with an error.
func (s *scene) must(err error) {
	if err != nil {
		s.failed = true
		panic(halt{err})
	}
}

// warn tells of an error that changes no figure.
func (s *scene) warn(err error) {
	if err != nil {
		s.say("%s", err)
	}
}

// folder gives a folder that is gone after the scene.
func (s *scene) folder() string {
	dir, err := os.MkdirTemp(s.Dir, "bench-")
	s.must(err)
	s.Cleanup(func() { _ = os.RemoveAll(dir) }) // what is left of it is in a temporary folder
	return dir
}

// wait waits for something that must come.
func (s *scene) wait(until func(context.Context) error) {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	s.must(until(ctx))
}

// rest lets time pass, where what is measured is how something is after a time.
func (s *scene) rest(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.ctx.Done():
		s.must(s.ctx.Err())
	}
}

// Helper does nothing: a scene has no lines of its own to hide.
func (s *scene) Helper() {}

// Failed says whether the scene was ended by an error.
func (s *scene) Failed() bool { return s.failed }

// Fatal ends the scene.
func (s *scene) Fatal(args ...any) { s.must(errors.New(fmt.Sprint(args...))) }

// Fatalf ends the scene.
func (s *scene) Fatalf(format string, args ...any) { s.must(fmt.Errorf(format, args...)) }

// Logf tells who waits.
func (s *scene) Logf(format string, args ...any) { s.say(format, args...) }

// Cleanup has f called when the scene is over, the last first.
func (s *scene) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }
