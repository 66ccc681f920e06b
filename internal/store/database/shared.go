package database

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// patience is how long one go may take.
const patience = time.Minute

// A Shared does what callers bring, those that wait in one go: what a commit or a
// query costs, they pay together. Where that fails, each is tried alone, so that a
// bad one fails alone. It is safe for concurrent use, and must be closed.
type Shared[T any] struct {
	name string
	most int         // rows in a go, where they are of several calls
	rows func(T) int // how many rows a call brings
	do   func(context.Context, []T) error

	calls   chan call[T]
	closing chan struct{}
	hands   sync.WaitGroup
}

// A call is one caller's part of a go.
type call[T any] struct {
	ctx    context.Context // while the call waits, it can be given up
	what   T
	answer chan error
}

// NewShared starts a Shared of what errors call name. Up to hands goes are under way
// at once, each of at most as many rows as most, or of one call that brings more. do
// may be told to do the same again where it failed.
func NewShared[T any](name string, hands, most int, rows func(T) int, do func(context.Context, []T) error) *Shared[T] {
	s := &Shared[T]{
		name: name, most: most, rows: rows, do: do,
		calls: make(chan call[T]), closing: make(chan struct{}),
	}
	for range hands {
		s.hands.Go(s.run)
	}
	return s
}

// Close waits for what is under way. It must be called once.
func (s *Shared[T]) Close() {
	close(s.closing)
	s.hands.Wait()
}

// Do does what and returns when it is done. Where ctx ends before, what may still be
// done; what must not be touched then. A Shared that is closed returns
// fault.ErrUnavailable.
func (s *Shared[T]) Do(ctx context.Context, what T) error {
	mine := call[T]{ctx: ctx, what: what, answer: make(chan error, 1)}
	select {
	case s.calls <- mine:
	case <-s.closing:
		return fmt.Errorf("%s is closed: %w", s.name, fault.ErrUnavailable)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", s.name, ctx.Err())
	}
	select {
	case err := <-mine.answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", s.name, ctx.Err())
	}
}

func (s *Shared[T]) run() {
	for {
		select {
		case first := <-s.calls:
			s.serve(s.gather(first))
		case <-s.closing:
			return
		}
	}
}

// gather adds those that wait to the first, until they are enough. Those that were
// about to call may do so before: the first would go alone otherwise, each time.
func (s *Shared[T]) gather(first call[T]) []call[T] {
	runtime.Gosched()
	together := []call[T]{first}
	for rows := s.rows(first.what); rows < s.most; {
		select {
		case next := <-s.calls:
			together = append(together, next)
			rows += s.rows(next.what)
		default:
			return together
		}
	}
	return together
}

func (s *Shared[T]) serve(together []call[T]) {
	live := together[:0]
	var what []T
	for _, each := range together {
		if err := each.ctx.Err(); err != nil {
			each.answer <- err
			continue
		}
		live, what = append(live, each), append(what, each.what)
	}
	if len(live) == 0 {
		return
	}
	err := s.try(what)
	alone := err != nil && len(live) > 1 && !errors.Is(err, fault.ErrUnavailable)
	for _, each := range live {
		if alone {
			err = s.try([]T{each.what})
		}
		each.answer <- err
	}
}

// try does it under no caller's context: none may end what is another's too.
func (s *Shared[T]) try(what []T) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := s.do(ctx, what)
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("%s did not answer for %s: %w", s.name, patience, fault.ErrUnavailable)
	}
	return err
}
