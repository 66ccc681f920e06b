package app

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/bongsu-project/bongsu/internal/rpc"
	"github.com/bongsu-project/bongsu/services/sender"
)

// workers is the number of concurrent calls of a messenger.
const workers = 64

// senderHere runs a sender in this process.
func (b *builder) senderHere(ctx context.Context) error {
	key, err := b.sealKey()
	if err != nil {
		return err
	}
	if err := b.sameKey(ctx, key); err != nil {
		return err
	}
	q, err := b.openQueue(ctx)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	clock := sender.SharedClock(b.config.Now)
	if !b.config.has(Alert) {
		clock = sender.NewClock(b.config.Now, b.log)
		b.clock = clock
	}
	dispatch := sender.DispatchClient{Service: b.dispatch, Name: fmt.Sprintf("%s/%d", host, os.Getpid()), Clock: clock}
	s := &sender.Sender{
		Messengers: b.messengersHere(),
		Jobs:       func(name string) sender.Jobs { return q.Lanes(name, b.log) },
		Dispatch:   dispatch,
		Key:        key,
		Workers:    workers,
		Timeout:    b.config.timeout,
		Now:        clock.Now,
		Log:        b.log,
		Meter:      b.metrics,
		Pace:       b.paces(q),
		Limits:     b.config.limits,
		Breaker: sender.BreakerConfig{
			Percent: b.config.BreakerPercent,
			Calls:   b.config.BreakerCalls,
			Open:    b.config.BreakerOpen,
		},
		RefusalTime: b.config.RefusalTime,
	}
	b.stages[send] = append(b.stages[send], func(ctx context.Context) error {
		clock.Ask(ctx, dispatch) // before the clock is used
		return s.Run(ctx)
	})
	b.stages[last] = append(b.stages[last], func(ctx context.Context) error { return clock.Follow(ctx, dispatch) })
	return b.listen(ctx, last, Sender, rpc.Face{Ready: all(append(slices.Clip(b.ready), q.Ready, clock.Check))})
}
