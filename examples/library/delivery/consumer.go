package delivery

import (
	"context"
	"time"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/library/event/v1"

	"github.com/bongsu-project/bongsu/examples/library/event"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// subjects are those of the events that Handle needs.
var subjects = event.Subjects(&eventv1.Held{}, &eventv1.Canceled{}, &eventv1.CancellationRefused{})

// A Consumer starts and ends deliveries by the events of the other services.
type Consumer struct {
	Store *Store
	Now   func() time.Time
}

// Handle handles an event. One that is delivered again changes nothing, because the delivery or the
// attempt has its state already.
func (c Consumer) Handle(ctx context.Context, d stream.Delivery) error {
	m, err := event.Decode(d.Event)
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *eventv1.Held:
		return c.Store.Hold(ctx, m, c.Now())
	case *eventv1.CancellationRefused:
		return c.Store.End(ctx, m.GetReservationId(), m.GetAttemptId(), Refused, c.Now())
	case *eventv1.Canceled:
		return c.Store.End(ctx, m.GetReservationId(), m.GetAttemptId(), Accepted, c.Now())
	}
	return nil
}
