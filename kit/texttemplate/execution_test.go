package texttemplate

import (
	"errors"
	"testing"
	"time"
)

// TestSteps proves that an execution has MaxSteps steps, whatever time is left, and
// none after its deadline.
func TestSteps(t *testing.T) {
	e := &execution{end: time.Now().Add(time.Hour)}
	for n := range MaxSteps {
		if err := e.countStep(); err != nil {
			t.Fatalf("step %d: %v", n+1, err)
		}
	}
	if err := e.countStep(); !errors.Is(err, errTooManySteps) {
		t.Errorf("step %d: %v, want %v", MaxSteps+1, err, errTooManySteps)
	}
	if err := (&execution{end: time.Now().Add(-time.Second)}).countStep(); !errors.Is(err, ErrTimeout) {
		t.Errorf("a step after the deadline: %v, want %v", err, ErrTimeout)
	}
}
