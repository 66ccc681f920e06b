package app

import (
	"context"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/event"
)

// runEvent runs the event service in this process.
func (b *builder) runEvent(ctx context.Context) error {
	events := &event.Handler{}
	b.events = events
	return b.listen(ctx, stageServe, Event, rpc.Listener{
		Services: []rpc.Service{
			rpc.Public(b.rpc, eventv1connect.NewEventServiceHandler, eventv1connect.EventServiceHandler(events)),
		},
	})
}

// connectEvent connects to an event service in another process. An edge is ready without one.
func (b *builder) connectEvent() {
	b.events = eventv1connect.NewEventServiceClient(b.client, balance.BaseURL, b.clientOptions(Event))
}
