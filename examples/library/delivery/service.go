package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/gen/go/library/delivery/v1/deliveryv1connect"

	"github.com/bongsu-project/bongsu/examples/library/event"
	"github.com/bongsu-project/bongsu/kit/process"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// AddTo adds the service to a process, with its database at a URL.
func AddTo(ctx context.Context, p *process.Process, databaseURL string) error {
	js, err := jetstream.New(p.NATS())
	if err != nil {
		return err
	}
	store, err := Open(ctx, databaseURL, event.NewPublisher(js), p.Log())
	if err != nil {
		return err
	}
	consumer, err := stream.NewConsumer(js, Consumer{Store: store, Now: time.Now}.Handle, stream.ConsumerOptions{
		Stream: event.Stream, Name: "delivery", Filter: subjects, Log: p.Log(),
	})
	if err != nil {
		return errors.Join(err, store.Close())
	}
	h := &Handler{Store: store, Now: time.Now}
	return p.Add(ctx, process.Service{
		Name: "delivery",
		Services: []rpc.Service{
			rpc.Public(p.RPC(), deliveryv1connect.NewDeliveryServiceHandler, deliveryv1connect.DeliveryServiceHandler(h)),
			rpc.Internal(p.RPC(), deliveryv1connect.NewCancellationServiceHandler, deliveryv1connect.CancellationServiceHandler(h)),
		},
		Streams: []stream.Worker{store.outbox, consumer},
		Ready:   store.Ping,
		Close:   store.Close,
	})
}
