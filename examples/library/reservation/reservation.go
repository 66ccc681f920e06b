// Package reservation is the service that keeps the reservations of customers. It records a
// reservation without any other service, and cancels one together with its delivery or not at all.
package reservation

import (
	"time"

	"github.com/google/uuid"
)

// A State is the state of a reservation.
type State int

// The states of a reservation. Their numbers are stored.
const (
	Reserved  State = 1
	Canceling State = 2 // an attempt to cancel the delivery is running
	Canceled  State = 3
)

// A Reservation is a reservation of a book by a customer.
type Reservation struct {
	ID         string // a UUID of version 7, so that ids are in the order of time
	Customer   string
	ProductID  string
	State      State
	Attempt    string // the id of the last attempt to cancel; empty for none
	CreateTime time.Time
	UpdateTime time.Time // of the last change of State
}

// New returns a new reservation. Times have the precision of the databases.
func New(customer, productID string, now time.Time) Reservation {
	now = now.UTC().Truncate(time.Microsecond)
	return Reservation{
		ID: newID(), Customer: customer, ProductID: productID, State: Reserved, CreateTime: now, UpdateTime: now,
	}
}

// newID returns a new id. The ids of a process are in ascending order.
func newID() string { return uuid.Must(uuid.NewV7()).String() }
