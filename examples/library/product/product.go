// Package product is the service that keeps the books of the library and their stock. It holds a
// copy for each reservation, in the order of the reservations, and takes back those of canceled
// ones.
package product

import "time"

// A Product is a book. Stock is never below Held, and Held never below 0.
type Product struct {
	ID         string
	Title      string
	Stock      int // copies in the library, held ones too
	Held       int // copies held for reservations whose delivery has not started
	Waiting    int // reservations that wait for a copy
	UpdateTime time.Time
}

// A State is the state of a claim.
type State int

// The states of a claim. Their numbers are stored.
const (
	Waiting  State = 1 // for a copy
	Held     State = 2 // a copy is held
	Out      State = 3 // the copy has left the library
	Canceled State = 4
)

// A Claim is the claim of a reservation to a copy of a product.
type Claim struct {
	ReservationID string
	Customer      string
	ProductID     string
	State         State
	ReserveTime   time.Time // claims wait in its order
}

// hold holds a copy for a waiting claim, and reports whether there is one.
func (p *Product) hold(c *Claim) bool {
	if c.State != Waiting || p.Stock == p.Held {
		return false
	}
	c.State = Held
	p.Held++
	return true
}

// start moves the held copy of a claim out of the library, because its delivery has started. A
// claim that is canceled has given its copy back already.
func (p *Product) start(c *Claim) {
	if c.State == Held {
		c.State = Out
		p.Stock--
		p.Held--
	}
}

// cancel cancels a claim and returns its copy, once.
func (p *Product) cancel(c *Claim) {
	switch c.State {
	case Held:
		p.Held--
	case Out:
		p.Stock++
	}
	c.State = Canceled
}
