package product

import "testing"

// TestClaim checks what each step of a reservation does to the books, in each state of its claim.
func TestClaim(t *testing.T) {
	hold := func(p *Product, c *Claim) { p.hold(c) }
	start, cancel := (*Product).start, (*Product).cancel
	for _, row := range []struct {
		name                string
		stock, held         int
		from                State
		step                func(*Product, *Claim)
		to                  State
		nextStock, nextHeld int
	}{
		{"a waiting claim gets a free copy", 3, 1, Waiting, hold, Held, 3, 2},
		{"a waiting claim gets no copy that is held", 2, 2, Waiting, hold, Waiting, 2, 2},
		{"a waiting claim gets none of an empty stock", 0, 0, Waiting, hold, Waiting, 0, 0},
		{"a held claim holds no second copy", 3, 1, Held, hold, Held, 3, 1},
		{"a canceled claim holds no copy", 3, 1, Canceled, hold, Canceled, 3, 1},
		{"a started delivery takes the held copy out", 3, 1, Held, start, Out, 2, 0},
		{"a repeated start takes nothing", 2, 0, Out, start, Out, 2, 0},
		{"a start after the cancellation takes nothing", 2, 0, Canceled, start, Canceled, 2, 0},
		{"a canceled claim waits no longer", 0, 0, Waiting, cancel, Canceled, 0, 0},
		{"a canceled claim gives the held copy back", 3, 1, Held, cancel, Canceled, 3, 0},
		{"a canceled claim gives the copy back that was out", 2, 0, Out, cancel, Canceled, 3, 0},
		{"a repeated cancellation gives nothing back", 3, 0, Canceled, cancel, Canceled, 3, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			p, c := Product{Stock: row.stock, Held: row.held}, Claim{State: row.from}
			row.step(&p, &c)
			if c.State != row.to || p.Stock != row.nextStock || p.Held != row.nextHeld {
				t.Errorf("state %d, stock %d, held %d; want %d, %d, %d", c.State, p.Stock, p.Held, row.to, row.nextStock, row.nextHeld)
			}
		})
	}
}
