package event_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/event"
)

// brokenAlerts records alerts, unless it has an error.
type brokenAlerts struct {
	recordedAlerts
	err error
}

func (b *brokenAlerts) SendAlerts(ctx context.Context, alerts []event.KeyedAlert) ([]event.AlertResult, error) {
	if b.err != nil {
		b.calls++
		return nil, b.err
	}
	return b.recordedAlerts.SendAlerts(ctx, alerts)
}

// TestBatchFailsForGood proves that a batch whose alert always fails by itself is tried five times,
// by any process, and that its events become dead letters then, which can be replayed. A time
// without the alert service is no failure.
func TestBatchFailsForGood(t *testing.T) {
	ctx := t.Context()
	s, sent, c, metrics := openStore(t), &brokenAlerts{err: errors.New("internal")}, newClock(), newCounts()
	var log bytes.Buffer
	processor := &event.Processor{Rules: &echoRule{}, Alerts: sent, DeadLetters: s, Now: c.Now, Log: slog.New(slog.DiscardHandler)}
	newProcess := func() *event.Batcher {
		b := event.NewBatcher(c.Now, slog.New(slog.NewTextHandler(&log, nil)))
		b.Store, b.Alerts, b.Refuse, b.Metrics = s, sent, processor.Refuse, metrics
		processor.Batches = b
		return b
	}
	newProcess()
	var readings []event.Reading
	for _, id := range []string{"1", "2"} {
		e := orderCreated(id, id)
		e.Type = "batched"
		readings = append(readings, event.Reading{Event: e})
	}
	_, err := processor.Process(ctx, readings, false)
	kittest.NoError(t, err)

	letters := func() []event.DeadLetter {
		all, err := s.DeadLetters(ctx, event.DeadLetterQuery{Before: 1 << 62, Limit: 10})
		kittest.NoError(t, err)
		return all
	}
	for attempt := range 5 {
		kittest.Equal(t, len(letters()), 0)
		if attempt == 2 {
			sent.err = fault.Unavailablef("gone")
			for range 10 {
				kittest.Error(t, newProcess().Flush(ctx), fault.ErrUnavailable)
			}
			sent.err = errors.New("internal")
		}
		calls := sent.calls
		b := newProcess()
		kittest.NoError(t, b.Flush(ctx))
		kittest.NoError(t, b.Flush(ctx)) // too early
		kittest.Equal(t, sent.calls, calls+1)
		c.pass(2 * time.Minute)
	}
	all := letters()
	kittest.Equal(t, len(all), 2)
	for _, l := range all {
		kittest.Equal(t, l.Rule+": "+l.Reason, "echo: alert service: internal error")
	}
	kittest.Equal(t, metrics.numbers, map[string]int{"dead_letter": 2})
	kittest.Equal(t, strings.Count(log.String(), "batch of events cannot be sent, it is sent later"), 4)
	kittest.Equal(t, strings.Count(log.String(), "its events become dead letters"), 1)
	kittest.NoError(t, newProcess().Flush(ctx))
	kittest.Equal(t, sent.calls, 15)
	n, err := s.CloseBatches(ctx, "echo", c.Now())
	kittest.NoError(t, err)
	kittest.Equal(t, n, 0)

	sent.err = nil
	h := &event.DeadLetterHandler{DeadLetters: s, Processor: processor}
	res, err := h.ReplayDeadLetters(ctx, &eventv1.ReplayDeadLettersRequest{All: true})
	kittest.NoError(t, err)
	kittest.Equal(t, res.GetHandledCount(), int32(2))
	kittest.Equal(t, len(letters()), 0)
	kittest.NoError(t, newProcess().Flush(ctx))
	kittest.Equal(t, sent.messages(), []string{"2 events:\n- o1 1\n- o1 2"})
}
