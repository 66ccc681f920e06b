// Package delivery is the service that delivers reserved books. It begins by itself when a copy is
// held, without the reservation service, and cancels deliveries at the request of that.
package delivery

import (
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// A State is the state of a delivery.
type State int

// The states of a delivery. Their numbers are stored.
const (
	Unknown   State = 0 // no book is held for the reservation
	Held      State = 1 // a book is held, and its delivery has not started
	Started   State = 2
	Delivered State = 3
	Canceled  State = 4
)

// A Delivery is the delivery of a reservation, also before it starts.
type Delivery struct {
	ReservationID string
	ID            string // empty until it starts
	Customer      string
	ProductID     string
	Title         string
	State         State             // Canceled by an attempt, or Progress
	Progress      State             // how far it has come without a cancellation
	Attempts      map[string]Result // attempts to cancel it, by their ids
	CreateTime    time.Time         // when it started
	UpdateTime    time.Time         // of the last change of State
}

// A Result is the result of an attempt to cancel a delivery.
type Result int

// The results of an attempt. Their numbers are stored.
const (
	Pending  Result = 1 // the reservation service has not decided yet
	Refused  Result = 2 // the reservation stays
	Accepted Result = 3 // the reservation is canceled
)

// hold notes that a book is held.
func (d *Delivery) hold(customer, productID, title string) {
	if d.Progress == Unknown {
		d.Customer, d.ProductID, d.Title, d.Progress = customer, productID, title, Held
	}
}

// cancel cancels the delivery by an attempt. It returns fault.ErrPrecondition for an attempt that
// is refused: its call has come too late.
func (d *Delivery) cancel(attempt string) error {
	switch d.Attempts[attempt] {
	case Refused:
		return fault.Preconditionf("attempt %s to cancel reservation %s was refused", attempt, d.ReservationID)
	case Accepted:
	default:
		d.Attempts[attempt] = Pending
	}
	return nil
}

// end notes the result of an attempt, also of one whose call has not arrived yet.
func (d *Delivery) end(attempt string, result Result) {
	if d.Attempts[attempt] != Accepted {
		d.Attempts[attempt] = result
	}
}

// settle sets State after a step. A delivery whose book is held starts, with an id, unless it is
// canceled.
func (d *Delivery) settle(id string, now time.Time) {
	canceled := d.isCanceled()
	if d.Progress == Held && !canceled {
		d.ID, d.Progress, d.CreateTime = id, Started, now
	}
	state := d.Progress
	if canceled {
		state = Canceled
	}
	if d.State != state {
		d.State, d.UpdateTime = state, now
	}
}

// isCanceled reports whether an attempt is pending or accepted.
func (d *Delivery) isCanceled() bool {
	for _, result := range d.Attempts {
		if result != Refused {
			return true
		}
	}
	return false
}

// complete notes that the book has arrived. It returns fault.ErrPrecondition for a delivery that is
// canceled.
func (d *Delivery) complete() error {
	if d.State == Canceled {
		return fault.WithReason(fault.Preconditionf("delivery %s is canceled", d.ID), "DELIVERY_CANCELED")
	}
	d.Progress = Delivered
	return nil
}
