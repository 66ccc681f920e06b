package delivery

import (
	"strings"
	"testing"
	"time"
)

// TestDelivery checks the state of a delivery after each of several orders in which events and
// calls may arrive.
func TestDelivery(t *testing.T) {
	steps := map[string]func(*Delivery) error{
		"held":     func(d *Delivery) error { d.hold("mina", "p", "Emma"); return nil },
		"cancel a": func(d *Delivery) error { return d.cancel("a") },
		"cancel b": func(d *Delivery) error { return d.cancel("b") },
		"refuse a": func(d *Delivery) error { d.end("a", Refused); return nil },
		"accept a": func(d *Delivery) error { d.end("a", Accepted); return nil },
		"accept b": func(d *Delivery) error { d.end("b", Accepted); return nil },
		"complete": func(d *Delivery) error { return d.complete() },
	}
	for _, row := range []struct {
		steps  string
		state  State
		starts int
		failed string // the steps that return an error
	}{
		{steps: "held", state: Started, starts: 1},
		{steps: "held, held", state: Started, starts: 1},
		{steps: "held, complete, complete", state: Delivered, starts: 1},
		{steps: "cancel a", state: Canceled},
		{steps: "cancel a, held, accept a", state: Canceled},
		{steps: "held, cancel a, complete, accept a", state: Canceled, starts: 1, failed: "complete"},
		{steps: "held, cancel a, cancel a, refuse a", state: Started, starts: 1},
		{steps: "held, complete, cancel a, refuse a", state: Delivered, starts: 1},
		{steps: "held, complete, cancel a, accept a", state: Canceled, starts: 1},
		{steps: "cancel a, held, refuse a", state: Started, starts: 1},
		{steps: "cancel a, refuse a, held", state: Started, starts: 1},
		{steps: "refuse a, cancel a, held", state: Started, starts: 1, failed: "cancel a"},
		{steps: "held, refuse a, cancel a", state: Started, starts: 1, failed: "cancel a"},
		{steps: "held, cancel a, cancel b, refuse a, accept b", state: Canceled, starts: 1},
		{steps: "cancel a, cancel b, held, refuse a, accept b", state: Canceled},
		{steps: "cancel b, cancel a, held, accept b, refuse a", state: Canceled},
		{steps: "held, accept a, refuse a, cancel a", state: Canceled, starts: 1},
	} {
		t.Run(row.steps, func(t *testing.T) {
			d := Delivery{Attempts: map[string]Result{}}
			starts, failed := 0, []string(nil)
			for step := range strings.SplitSeq(row.steps, ", ") {
				if steps[step](&d) != nil {
					failed = append(failed, step)
				}
				before := d.Progress
				if d.settle("id", time.Unix(1, 0)); before < Started && d.Progress == Started {
					starts++
				}
			}
			if d.State != row.state || starts != row.starts || strings.Join(failed, ", ") != row.failed {
				t.Errorf("state %d, %d starts, failed %q; want %d, %d, %q", d.State, starts, failed, row.state, row.starts, row.failed)
			}
		})
	}
}
