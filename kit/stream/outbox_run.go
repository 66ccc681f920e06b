package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// settleTimeout is the timeout of storing what was published when Run ends.
const settleTimeout = 5 * time.Second

// Run publishes committed events until ctx ends, and returns nil then. While the database or
// the publisher fails, it tries again with backoff. The first failure and the recovery are
// logged.
func (o *Outbox) Run(ctx context.Context) error {
	for failures := 0; ; {
		claimed, err := o.publishBatch(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // err is that ctx ended, and what is left is published by the next Run
		case err != nil:
			if failures++; failures == 1 {
				o.options.Log.ErrorContext(ctx, "outbox cannot publish, trying again", "table", o.options.Table, "error", err)
			}
			o.wait(ctx, o.backoff(failures), nil)
			continue
		case failures > 0:
			o.options.Log.InfoContext(ctx, "outbox publishes again", "table", o.options.Table, "failures", failures)
			failures = 0
		}
		if claimed == 0 {
			o.wait(ctx, o.options.Interval, o.wake)
		}
	}
}

// wait waits for a time, until it is woken, or until ctx ends.
func (o *Outbox) wait(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	select {
	case <-o.options.After(d):
	case <-wake:
	case <-ctx.Done():
	}
}

// backoff returns the delay after a number of failures in a row: at least half of it is
// fixed, the rest is random.
func (o *Outbox) backoff(failures int) time.Duration {
	delay := o.options.MaxBackoff
	if doublings := failures - 1; doublings < 32 {
		delay = min(delay, o.options.MinBackoff<<doublings)
	}
	return delay/2 + rand.N(delay/2+1) //nolint:gosec // it spreads load, and is no secret
}

// publishBatch claims events and publishes them, and returns the number of those claimed. In each
// round it publishes the first event of each sequence, so that a failure of one event never lets a
// later one of its sequence overtake it.
func (o *Outbox) publishBatch(ctx context.Context) (claimed int, err error) {
	start := o.options.Now()
	if due, err := o.table.hasDue(ctx, start); err != nil || !due {
		return 0, err
	}
	until := start.Add(o.options.Lease)
	rows, err := o.table.claim(ctx, start, until, o.options.Batch)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	b := newOutboxBatch(o, rows)
	// The last round begins in the first half of the lease and takes at most the second.
	for len(b.order) > 0 && err == nil && ctx.Err() == nil && o.options.Now().Sub(start) < o.options.Lease/2 {
		err = b.publishRound(ctx)
	}
	if left := b.rest(); len(left) > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		err = errors.Join(err, o.table.release(ctx, left, until))
	}
	return len(rows), err
}

// An outboxBatch is the claimed rows of one process.
type outboxBatch struct {
	*Outbox
	order   []string // the sequences with rows to publish, in the order of their first rows
	rows    map[string][]outboxRow
	skipped []int64 // rows after a failed one of their sequence
}

func newOutboxBatch(o *Outbox, rows []outboxRow) *outboxBatch {
	b := &outboxBatch{Outbox: o, rows: map[string][]outboxRow{}}
	for _, row := range rows {
		key := row.sequence()
		if len(b.rows[key]) == 0 {
			b.order = append(b.order, key)
		}
		b.rows[key] = append(b.rows[key], row)
	}
	return b
}

// publishRound publishes the first row of each sequence, and stores what came of each. It
// returns an error if the publisher stored none of them.
func (b *outboxBatch) publishRound(ctx context.Context) error {
	heads := make([]outboxRow, len(b.order))
	for i, key := range b.order {
		heads[i] = b.rows[key][0]
	}
	results, err := b.publish(ctx, heads)
	if err != nil {
		return err
	}
	// What the publisher has stored is deleted also when Run ends.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	var published []int64
	var failed []outboxRow
	var failure error
	b.order = b.order[:0]
	for i, row := range heads {
		key := row.sequence()
		switch {
		case results[i] == nil:
			published = append(published, row.id)
		case errors.Is(results[i], fault.ErrInvalid):
			err = errors.Join(err, b.refuse(ctx, row, results[i]))
		default:
			failed, failure = append(failed, row), results[i]
			for _, later := range b.rows[key][1:] {
				b.skipped = append(b.skipped, later.id)
			}
			continue
		}
		if b.rows[key] = b.rows[key][1:]; len(b.rows[key]) > 0 {
			b.order = append(b.order, key)
		}
	}
	err = errors.Join(err, b.table.delete(ctx, published), b.deferRows(ctx, failed))
	switch {
	case len(failed) == len(heads):
		err = errors.Join(failure, err)
	case len(failed) > 0:
		b.options.Log.WarnContext(ctx, "outbox events not published, trying again", "table", b.options.Table,
			"count", len(failed), "row", failed[len(failed)-1].id, "error", failure)
	}
	return err
}

// publish calls the publisher. If it cannot tell which of several events is invalid, each is
// published alone.
func (b *outboxBatch) publish(ctx context.Context, rows []outboxRow) ([]error, error) {
	events := make([]Event, len(rows))
	for i := range rows {
		events[i] = rows[i].Event
	}
	limited, cancel := context.WithTimeout(ctx, b.options.Lease/2)
	defer cancel()
	results, err := b.publisher.Publish(limited, events)
	switch {
	case err == nil && len(results) != len(rows):
		return nil, fmt.Errorf("the publisher returned %d results for %d events", len(results), len(rows))
	case err == nil || !errors.Is(err, fault.ErrInvalid):
		return results, err
	case len(rows) == 1:
		return []error{err}, nil
	}
	results = make([]error, len(rows))
	for i := range rows {
		one, err := b.publish(ctx, rows[i:i+1])
		if err != nil {
			one = []error{err}
		}
		results[i] = one[0]
	}
	return results, nil
}

// refuse stores that the publisher refused a row.
func (b *outboxBatch) refuse(ctx context.Context, row outboxRow, reason error) error {
	b.options.Log.ErrorContext(ctx, "outbox event refused", "table", b.options.Table, "row", row.id,
		"id", row.ID, "source", row.Source, "type", row.Type, "error", reason)
	text := reason.Error()
	if text == "" {
		text = "refused"
	}
	return b.table.refuse(ctx, row.id, text)
}

// deferRows stores when rows, and with them their sequences, are tried again.
func (b *outboxBatch) deferRows(ctx context.Context, rows []outboxRow) (err error) {
	byAttempts := map[int][]int64{}
	for _, row := range rows {
		byAttempts[row.attempts] = append(byAttempts[row.attempts], row.id)
	}
	for attempts, ids := range byAttempts {
		err = errors.Join(err, b.table.deferUntil(ctx, ids, b.options.Now().Add(b.backoff(attempts+1))))
	}
	return err
}

// rest returns the rows that were neither published nor refused nor deferred.
func (b *outboxBatch) rest() []int64 {
	left := b.skipped
	for _, key := range b.order {
		for _, row := range b.rows[key] {
			left = append(left, row.id)
		}
	}
	return left
}
