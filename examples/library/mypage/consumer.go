package mypage

import (
	"context"

	"github.com/bongsu-project/bongsu/examples/library/event"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// A Consumer keeps the view by the events of all services.
type Consumer struct{ View *View }

// Handle handles an event. One that is delivered again changes nothing.
func (c Consumer) Handle(ctx context.Context, d stream.Delivery) error {
	m, err := event.Decode(d.Event)
	if err != nil {
		return err
	}
	return c.View.Apply(ctx, m, d.Time)
}
