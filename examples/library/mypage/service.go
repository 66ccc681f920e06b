package mypage

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/gen/go/library/mypage/v1/mypagev1connect"

	"github.com/bongsu-project/bongsu/examples/library/event"
	"github.com/bongsu-project/bongsu/kit/process"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// AddTo adds the service to a process, with copies of its view on a number of NATS servers.
func AddTo(ctx context.Context, p *process.Process, replicas int) error {
	js, err := jetstream.New(p.NATS())
	if err != nil {
		return err
	}
	view, err := OpenView(ctx, js, replicas)
	if err != nil {
		return err
	}
	consumer, err := stream.NewConsumer(js, Consumer{view}.Handle, stream.ConsumerOptions{Stream: event.Stream, Name: "mypage", Log: p.Log()})
	if err != nil {
		return err
	}
	return p.Add(ctx, process.Service{
		Name:     "mypage",
		Services: []rpc.Service{rpc.Public(p.RPC(), mypagev1connect.NewMyPageServiceHandler, mypagev1connect.MyPageServiceHandler(&Handler{view}))},
		Ready:    view.Ping,
		Streams:  []stream.Worker{consumer},
	})
}

// Rebuild makes the view anew of all events of the stream, and returns their number. The service may
// run meanwhile: in which order the events arrive makes no difference.
func Rebuild(ctx context.Context, nc *nats.Conn, replicas int) (events int, err error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return 0, err
	}
	view, err := OpenView(ctx, js, replicas)
	if err != nil {
		return 0, err
	}
	if err := view.Clear(ctx); err != nil {
		return 0, err
	}
	_, err = stream.Replay(ctx, js, event.Stream, func(ctx context.Context, d stream.Delivery) error {
		events++
		return Consumer{view}.Handle(ctx, d)
	})
	return events, err
}
