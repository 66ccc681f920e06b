package alert

import "time"

// clearChains removes deliveries from their failover chains. A resolved alert has no chains,
// because it is sent to each address that the firing alert reached.
func clearChains(ds []Delivery) {
	for i := range ds {
		if d := &ds[i]; d.Chain != 0 {
			d.Chain, d.State, d.NextTime = 0, Queued, time.Time{}
		}
	}
}

// applyFailoverDelay holds all deliveries of each failover chain in ds but the first: the
// second for delay, which must be above 0, the third for twice that, and so on. A chain of one
// delivery is dissolved.
func applyFailoverDelay(ds []Delivery, delay time.Duration, now time.Time) {
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
			wait[d.Chain] += delay
		}
	}
}
