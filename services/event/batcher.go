package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// batchLease is the time for which a process sends a batch alone. It is longer than the
	// timeout of the alert service.
	batchLease = 2 * time.Minute
	// releaseTimeout is the timeout of ending a lease.
	releaseTimeout = 5 * time.Second
	// claimLimit is the maximum number of batches that are sent together.
	claimLimit = 10
	// flushInterval is the time between two looks for due batches.
	flushInterval = 500 * time.Millisecond
	// keepBatchedKeys is the time for which the keys of batched alerts are kept: longer than the
	// stream can redeliver an event.
	keepBatchedKeys = MaxEventAge + 24*time.Hour
	// keyInterval is the time between two deletions of old keys, and keyLimit the maximum
	// number of keys of one transaction.
	keyInterval = 10 * time.Minute
	keyLimit    = 1000
)

var _ Batches = (*Batcher)(nil)

// A Batcher stores alerts of rules with a batch, and sends each batch as one alert when it is
// due. A batch is sent by one process at a time, under an idempotency key that does not change:
// a process that ends between sending a batch and deleting it makes no second alert.
//
// It is safe for concurrent use, by several processes too.
type Batcher struct {
	Store  BatchStore
	Alerts Alerts
	// Refuse records the events of a batch whose alert cannot be sent as dead letters. It may be
	// called again for the same events.
	Refuse  func(ctx context.Context, alerts []BatchedAlert, reason string) error
	Metrics Metrics // counts these events
	Now     func() time.Time
	Log     *slog.Logger

	wake chan struct{}
}

// NewBatcher returns a batcher with a clock and a log; its other fields must be set.
func NewBatcher(now func() time.Time, log *slog.Logger) *Batcher {
	return &Batcher{Now: now, Log: log, wake: make(chan struct{}, 1)}
}

// AddToBatches stores alerts.
func (b *Batcher) AddToBatches(ctx context.Context, alerts []BatchedAlert) error {
	alerts = slices.Clone(alerts)
	for i := range alerts {
		alerts[i].Alert.Message = cutText(alerts[i].Alert.Message, maxBatchMessage)
	}
	due, err := b.Store.AddToBatches(ctx, alerts, b.Now())
	if due {
		b.wakeUp()
	}
	return err
}

// wakeUp makes Run look for due batches now.
func (b *Batcher) wakeUp() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Run sends due batches until ctx ends. While it fails, it tries again, at most once in
// flushInterval.
func (b *Batcher) Run(ctx context.Context) error {
	ticker := time.NewTicker(flushInterval)
	defer ticker.Stop()
	wake, failing, lastDeletion := b.wake, false, time.Time{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-ticker.C:
		}
		err := b.Flush(ctx)
		if now := b.Now(); err == nil && now.Sub(lastDeletion) >= keyInterval {
			lastDeletion = now
			err = b.deleteOldKeys(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		wake = b.wake
		if err != nil {
			wake = nil // wait for the next tick
		}
		if err != nil && !failing {
			b.Log.Warn("batches of events cannot be sent, they are sent later", "error", err)
		}
		if err == nil && failing {
			b.Log.Info("batches of events are sent again")
		}
		failing = err != nil
	}
}

// Flush sends the batches that are due, and returns when there are none left. Batches that
// another process is sending are left to it.
func (b *Batcher) Flush(ctx context.Context) error {
	for {
		batches, err := b.Store.ClaimBatches(ctx, b.Now(), batchLease, claimLimit)
		if err != nil || len(batches) == 0 {
			return err
		}
		if err := b.send(ctx, batches); err != nil {
			return err
		}
	}
}

// FlushRule sends the batches of a rule, also those that are not due. It returns
// fault.ErrUnavailable if another process is sending one.
func (b *Batcher) FlushRule(ctx context.Context, rule string) error {
	n, err := b.Store.CloseBatches(ctx, rule, b.Now())
	if err != nil || n == 0 {
		return err
	}
	if err := b.Flush(ctx); err != nil {
		return err
	}
	if n, err = b.Store.CloseBatches(ctx, rule, b.Now()); err == nil && n > 0 {
		return fault.WithDelay(fault.Unavailablef("a batch of rule %q is being sent; try again", rule), time.Second)
	}
	return err
}

// send sends claimed batches and deletes them. An error that may be due to one of them affects
// that one only: it keeps its lease, and is sent again when that has expired, or has failed for
// the last time.
func (b *Batcher) send(ctx context.Context, batches []ClaimedBatch) error {
	alerts := make([]KeyedAlert, len(batches))
	for i, batch := range batches {
		a, err := alertOfBatch(batch.Alert, batch.Items)
		if err != nil {
			b.Log.Warn("template of a batch failed, its messages are sent as a list", "rule", batch.Alert.Rule, "error", err)
		}
		alerts[i] = KeyedAlert{Key: batchAlertKey(batch.Key), Alert: a}
	}
	results, err := b.Alerts.SendAlerts(ctx, alerts)
	if err == nil && len(results) != len(batches) {
		err = fmt.Errorf("%d results for %d batches", len(results), len(batches))
	}
	switch {
	case errors.Is(err, fault.ErrUnavailable) || ctx.Err() != nil:
		return errors.Join(err, b.release(ctx, batches))
	case err != nil && len(batches) == 1:
		return b.fail(ctx, batches[0], err)
	case err != nil:
		for i := range batches {
			if err := b.send(ctx, batches[i:i+1]); err != nil {
				return errors.Join(err, b.release(ctx, batches[i+1:]))
			}
		}
		return nil
	}
	var sent []int64
	for i, r := range results {
		if r.Outcome != Refused {
			sent = append(sent, batches[i].ID)
			continue
		}
		if err := b.refuse(ctx, batches[i].ID, "alert refused: "+r.Reason); err != nil {
			return err
		}
	}
	return b.Store.DeleteBatches(ctx, sent)
}

// release ends the leases of batches, also while the process ends: another one can send them now.
func (b *Batcher) release(ctx context.Context, batches []ClaimedBatch) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	return b.Store.ReleaseBatches(ctx, batches)
}

// batchAlertKey returns the idempotency key of the alert of a batch.
func batchAlertKey(key string) string { return hashOf("batch", key) }

// fail counts a failure of a batch. After maxFailures of them, as after those of a single event,
// its events become dead letters.
func (b *Batcher) fail(ctx context.Context, batch ClaimedBatch, err error) error {
	failures := batch.Failures + 1
	if failures < maxFailures {
		b.Log.Error("batch of events cannot be sent, it is sent later", "rule", batch.Alert.Rule, "failures", failures, "error", err)
		return b.Store.FailBatch(ctx, batch)
	}
	b.Log.Error("alert of a batch failed repeatedly, its events become dead letters",
		"rule", batch.Alert.Rule, "events", len(batch.Items), "failures", failures, "error", err)
	return b.refuse(ctx, batch.ID, internalFailure)
}

// refuse makes dead letters of the events of a batch. They can be replayed: the batch forgets
// them.
func (b *Batcher) refuse(ctx context.Context, id int64, reason string) error {
	alerts, err := b.Store.BatchedAlerts(ctx, id)
	if err != nil {
		return err
	}
	if err := b.Refuse(ctx, alerts, reasonOf(reason)); err != nil {
		return err
	}
	if err := b.Store.ForgetBatch(ctx, id); err != nil {
		return err
	}
	for range alerts {
		b.Metrics.Handled(DeadLettered)
	}
	return nil
}

// deleteOldKeys deletes the keys of alerts whose events cannot be redelivered.
func (b *Batcher) deleteOldKeys(ctx context.Context) error {
	for {
		n, err := b.Store.DeleteBatchedKeys(ctx, b.Now().Add(-keepBatchedKeys), keyLimit)
		if err != nil || n < keyLimit {
			return err
		}
	}
}
