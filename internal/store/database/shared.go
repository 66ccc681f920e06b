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

// patience is the timeout of one batch.
const patience = time.Minute

// A Shared coalesces concurrent calls into batches, which share the cost of a commit or a
// query. When a batch fails, each call is tried alone, so that an invalid one fails alone. It
// is safe for concurrent use, and must be closed.
type Shared[T any] struct {
	name string
	most int         // maximum rows in a batch of several calls
	rows func(T) int // returns the number of rows of a call
	do   func(context.Context, []T) error

	calls   chan call[T]
	closing chan struct{}
	hands   sync.WaitGroup
}

// A call is the part of one caller in a batch.
type call[T any] struct {
	ctx    context.Context // when it ends, a waiting call is dropped
	what   T
	answer chan error
}

// NewShared starts a batcher; name is its name in errors. Up to hands batches run concurrently,
// each of at most most rows, or of a single call with more rows. do may be called again with the
// same items after it failed.
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

// Close waits for running batches. It must be called once.
func (s *Shared[T]) Close() {
	close(s.closing)
	s.hands.Wait()
}

// Do adds what to a batch and returns when the batch is done. When ctx ends before, what may
// still be processed and must not be touched. After Close it returns fault.ErrUnavailable.
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

// gather adds waiting calls to the first until the batch is full. It yields the processor
// first, so that callers that are about to call join the batch: otherwise the first call would
// always run alone.
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

// try runs do under a context of its own, because no caller may end the work of another.
func (s *Shared[T]) try(what []T) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := s.do(ctx, what)
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("%s timed out after %s: %w", s.name, patience, fault.ErrUnavailable)
	}
	return err
}
