package database

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// batchTimeout is the timeout of one batch.
const batchTimeout = time.Minute

// A Batcher coalesces concurrent calls into batches, which share the cost of a commit or a
// query. When a batch fails, each call is tried alone, so that an invalid one fails alone. It
// is safe for concurrent use, and must be closed.
type Batcher[T any] struct {
	name    string
	maxRows int         // maximum rows in a batch of several calls
	rows    func(T) int // returns the number of rows of a call
	do      func(context.Context, []T) error

	calls   chan batchCall[T]
	closing chan struct{}
	workers sync.WaitGroup
}

// A batchCall is the part of one caller in a batch.
type batchCall[T any] struct {
	ctx  context.Context // when it ends, a waiting call is dropped
	item T
	done chan error
}

// NewBatcher starts a batcher; name is its name in errors. Up to workers batches run concurrently,
// each of at most most rows, or of a single call with more rows. do may be called again with the
// same items after it failed.
func NewBatcher[T any](name string, workers, most int, rows func(T) int, do func(context.Context, []T) error) *Batcher[T] {
	b := &Batcher[T]{
		name: name, maxRows: most, rows: rows, do: do,
		calls: make(chan batchCall[T]), closing: make(chan struct{}),
	}
	for range workers {
		b.workers.Go(b.run)
	}
	return b
}

// Close waits for running batches. It must be called once.
func (b *Batcher[T]) Close() {
	close(b.closing)
	b.workers.Wait()
}

// Do adds what to a batch and returns when the batch is done. When ctx ends before, what may
// still be processed and must not be touched. After Close it returns fault.ErrUnavailable.
func (b *Batcher[T]) Do(ctx context.Context, what T) error {
	mine := batchCall[T]{ctx: ctx, item: what, done: make(chan error, 1)}
	select {
	case b.calls <- mine:
	case <-b.closing:
		return fault.Unavailablef("%s is closed; try again", b.name)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", b.name, ctx.Err())
	}
	select {
	case err := <-mine.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", b.name, ctx.Err())
	}
}

func (b *Batcher[T]) run() {
	for {
		select {
		case first := <-b.calls:
			b.runBatch(b.collect(first))
		case <-b.closing:
			return
		}
	}
}

// collect adds waiting calls to the first until the batch is full. It yields the processor
// first, so that callers that are about to call join the batch: otherwise the first call would
// always run alone.
func (b *Batcher[T]) collect(first batchCall[T]) []batchCall[T] {
	runtime.Gosched()
	together := []batchCall[T]{first}
	for rows := b.rows(first.item); rows < b.maxRows; {
		select {
		case next := <-b.calls:
			together = append(together, next)
			rows += b.rows(next.item)
		default:
			return together
		}
	}
	return together
}

func (b *Batcher[T]) runBatch(together []batchCall[T]) {
	live := together[:0]
	var what []T
	for _, each := range together {
		if err := each.ctx.Err(); err != nil {
			each.done <- err
			continue
		}
		live, what = append(live, each), append(what, each.item)
	}
	if len(live) == 0 {
		return
	}
	err := b.runOne(what)
	alone := err != nil && len(live) > 1 && !errors.Is(err, fault.ErrUnavailable)
	for _, each := range live {
		if alone {
			err = b.runOne([]T{each.item})
		}
		each.done <- err
	}
}

// runOne runs do under a context of its own, because no caller may end the work of another.
func (b *Batcher[T]) runOne(what []T) error {
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	err := b.do(ctx, what)
	if ctx.Err() != nil && err != nil {
		return fault.Unavailablef("%s timed out after %s; try again", b.name, batchTimeout)
	}
	return err
}
