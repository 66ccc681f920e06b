package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/store/database"
)

// patience is how long one commit may take.
const patience = time.Minute

// A committer writes what callers bring, those that wait in one transaction: the
// disk is waited for once. Where that fails, each is tried alone, so that a bad
// one fails alone.
type committer[T any] struct {
	db    *database.Database
	most  int         // rows in a transaction, where they are of several calls
	rows  func(T) int // how many rows a call brings
	write func(context.Context, *database.Tx, []T) error

	calls   chan call[T]
	closing chan struct{}
	closed  chan struct{}
}

// A call is one caller's part of a commit.
type call[T any] struct {
	ctx    context.Context // while the call waits, it can be given up
	what   T
	answer chan error
}

// newCommitter starts a committer, which must be closed.
func newCommitter[T any](db *database.Database, most int, rows func(T) int, write func(context.Context, *database.Tx, []T) error) *committer[T] {
	c := &committer[T]{
		db: db, most: most, rows: rows, write: write,
		calls: make(chan call[T]), closing: make(chan struct{}), closed: make(chan struct{}),
	}
	go c.run()
	return c
}

// close waits for the commit in hand. It must be called once.
func (c *committer[T]) close() {
	close(c.closing)
	<-c.closed
}

// do writes what and returns when it is on disk. Where ctx ends before, what may
// still be written; what must not be touched then.
func (c *committer[T]) do(ctx context.Context, what T) error {
	mine := call[T]{ctx: ctx, what: what, answer: make(chan error, 1)}
	select {
	case c.calls <- mine:
	case <-c.closing:
		return fmt.Errorf("the ledger is closed: %w", fault.ErrUnavailable)
	case <-ctx.Done():
		return fmt.Errorf("the ledger: %w", ctx.Err())
	}
	select {
	case err := <-mine.answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the ledger: %w", ctx.Err())
	}
}

func (c *committer[T]) run() {
	defer close(c.closed)
	for {
		select {
		case first := <-c.calls:
			c.commit(c.gather(first))
		case <-c.closing:
			return
		}
	}
}

// gather adds those that wait to the first, until they are enough.
func (c *committer[T]) gather(first call[T]) []call[T] {
	together := []call[T]{first}
	for rows := c.rows(first.what); rows < c.most; {
		select {
		case next := <-c.calls:
			together = append(together, next)
			rows += c.rows(next.what)
		default:
			return together
		}
	}
	return together
}

func (c *committer[T]) commit(together []call[T]) {
	var live []call[T]
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
	err := c.try(what)
	alone := err != nil && len(live) > 1 && !errors.Is(err, fault.ErrUnavailable)
	for _, each := range live {
		if alone {
			err = c.try([]T{each.what})
		}
		each.answer <- err
	}
}

// try writes in a transaction that no caller's context ends.
func (c *committer[T]) try(what []T) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := c.db.Write(ctx, func(ctx context.Context, t *database.Tx) error { return c.write(ctx, t, what) })
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("the ledger did not answer for %s: %w", patience, fault.ErrUnavailable)
	}
	return err
}
