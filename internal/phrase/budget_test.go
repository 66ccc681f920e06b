package phrase

import (
	"errors"
	"testing"
	"time"
)

// TestSteps proves that an execution has MaxSteps steps, whatever time is left, and
// none after its deadline.
func TestSteps(t *testing.T) {
	r := &run{end: time.Now().Add(time.Hour)}
	for n := range MaxSteps {
		if err := r.step(); err != nil {
			t.Fatalf("step %d: %v", n+1, err)
		}
	}
	if err := r.step(); !errors.Is(err, errSteps) {
		t.Errorf("step %d: %v, want %v", MaxSteps+1, err, errSteps)
	}
	if err := (&run{end: time.Now().Add(-time.Second)}).step(); !errors.Is(err, errLong) {
		t.Errorf("a step after the deadline: %v, want %v", err, errLong)
	}
}
