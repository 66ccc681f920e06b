package alert

import "time"

// unchain puts deliveries in no chain, as those of a resolved alert: it goes to each address
// that the firing alert reached.
func unchain(ds []Delivery) {
	for i := range ds {
		if d := &ds[i]; d.Chain != 0 {
			d.Chain, d.State, d.NextTime = 0, Queued, time.Time{}
		}
	}
}

// hold puts off all of each chain in ds but the first: the second by after, which
// must be above 0, the third by twice that, and so on. A chain of one is none.
func hold(ds []Delivery, after time.Duration, now time.Time) {
	length, wait := map[int64]int{}, map[int64]time.Duration{}
	for _, d := range ds {
		if d.Chain != 0 {
			length[d.Chain]++
		}
	}
	for i := range ds {
		switch d := &ds[i]; {
		case d.Chain == 0:
		case length[d.Chain] == 1:
			d.Chain = 0
		default:
			if wait[d.Chain] > 0 {
				d.State, d.NextTime = Held, now.Add(wait[d.Chain])
			}
			wait[d.Chain] += after
		}
	}
}
