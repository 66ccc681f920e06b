package app

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/sender"
)

// workersPerMessenger is the number of concurrent calls of a messenger.
const workersPerMessenger = 64

// runSender runs a sender in this process.
func (b *builder) runSender(ctx context.Context) error {
	key, err := b.openKeyring()
	if err != nil {
		return err
	}
	if err := b.checkSealKey(ctx, key); err != nil {
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
	ackURLs, err := b.ackURLs()
	if err != nil {
		return err
	}
	dispatch := sender.DispatchClient{Service: b.dispatch, Name: fmt.Sprintf("%s/%d", host, os.Getpid()), Clock: clock}
	s := &sender.Sender{
		Messengers: b.openMessengers(),
		Jobs:       func(name string) sender.JobSource { return q.Lanes(name, b.log) },
		Dispatch:   dispatch,
		Key:        key,
		Workers:    workersPerMessenger,
		Timeout:    b.config.timeout,
		Now:        clock.Now,
		Log:        b.log,
		Metrics:    b.metrics,
		Tracer:     b.tracer("services/sender"),
		Limiter:    b.openLimiter(q),
		Limits:     b.config.limits,
		Breaker:    b.config.Sender.Breaker(),

		RefusalTime: b.config.Sender.RefusalTime,
		AckURL:      ackURLs,
	}
	b.shutdownStages[stageSend] = append(b.shutdownStages[stageSend], func(ctx context.Context) error {
		clock.CompareOnce(ctx, dispatch) // before the clock is used
		return s.Run(ctx)
	})
	b.shutdownStages[stageLimiter] = append(b.shutdownStages[stageLimiter], func(ctx context.Context) error { return clock.Follow(ctx, dispatch) })
	return b.listen(ctx, stageLimiter, Sender, rpc.Listener{Ready: allReady(append(slices.Clip(b.ready), q.Ready, clock.Check))})
}
