package reservation

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/gen/go/library/delivery/v1/deliveryv1connect"
	"github.com/bongsu-project/bongsu/gen/go/library/reservation/v1/reservationv1connect"

	"github.com/bongsu-project/bongsu/examples/library/event"
	"github.com/bongsu-project/bongsu/kit/process"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/stream"
)

const (
	// staleAge is the age at which an attempt to cancel is that of a process that has ended, and
	// staleInterval the time between two looks for such attempts.
	staleAge, staleInterval = 5 * time.Second, time.Second
)

// AddTo adds the service to a process, with its database at a URL. cancelTimeout is the timeout of the
// call that cancels a delivery, less than 5 s.
func AddTo(ctx context.Context, p *process.Process, databaseURL string, cancelTimeout time.Duration) error {
	js, err := jetstream.New(p.NATS())
	if err != nil {
		return err
	}
	store, err := Open(ctx, databaseURL, event.NewPublisher(js), p.Log())
	if err != nil {
		return err
	}
	h := &Handler{
		Store: store, Now: time.Now, Log: p.Log(),
		Delivery: deliveryv1connect.NewCancellationServiceClient(p.Client(), process.BaseURL, p.Calls("delivery", cancelTimeout)),
	}
	return p.Add(ctx, process.Service{
		Name:     "reservation",
		Services: []rpc.Service{rpc.Public(p.RPC(), reservationv1connect.NewReservationServiceHandler, reservationv1connect.ReservationServiceHandler(h))},
		Streams:  []stream.Worker{store.outbox},
		Ready:    store.Ping,
		Tasks:    []process.Task{h.refuseStale},
		Close:    store.Close,
	})
}

// refuseStale refuses stale attempts to cancel until ctx ends.
func (h *Handler) refuseStale(ctx context.Context) error {
	every := time.NewTicker(staleInterval)
	defer every.Stop()
	for {
		now := h.Now()
		if refused, err := h.Store.RefuseStale(ctx, now.Add(-staleAge), now); err != nil && ctx.Err() == nil {
			h.Log.ErrorContext(ctx, "stale cancellations cannot be refused, retrying", "error", err)
		} else if refused > 0 {
			h.Log.WarnContext(ctx, "stale cancellations refused", "count", refused)
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return nil
		}
	}
}
