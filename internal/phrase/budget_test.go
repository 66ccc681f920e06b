package phrase

import (
	"errors"
	"testing"
	"time"
)

// TestSteps proves that an execution has MaxSteps steps, however much time is left, and
// none when its time is over.
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
		t.Errorf("a step after the end: %v, want %v", err, errLong)
	}
}
