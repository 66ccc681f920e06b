package product

import (
	"context"
	"time"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/library/event/v1"

	"github.com/bongsu-project/bongsu/examples/library/event"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// subjects are those of the events that Handle needs.
var subjects = event.Subjects(&eventv1.Reserved{}, &eventv1.Canceled{}, &eventv1.Started{})

// A Consumer keeps the books by the events of the other services.
type Consumer struct {
	Store *Store
	Now   func() time.Time
}

// Handle handles an event. One that is delivered again changes nothing, because the claim has its
// state already.
func (c Consumer) Handle(ctx context.Context, d stream.Delivery) error {
	m, err := event.Decode(d.Event)
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *eventv1.Reserved:
		return c.Store.Reserve(ctx, claimOf(m, d.Event), c.Now())
	case *eventv1.Started:
		return c.Store.Start(ctx, claimOf(m, d.Event), c.Now())
	case *eventv1.Canceled:
		return c.Store.Cancel(ctx, claimOf(m, d.Event), c.Now())
	}
	return nil
}

// claimOf returns the claim of the reservation of an event.
func claimOf(m interface {
	GetReservationId() string
	GetCustomer() string
	GetProductId() string
}, e stream.Event,
) Claim {
	return Claim{ReservationID: m.GetReservationId(), Customer: m.GetCustomer(), ProductID: m.GetProductId(), ReserveTime: e.Time}
}
