package balance

import (
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// ErrNoInstance is the fault of a request to a service that has no instance, or none whose
// breaker is closed.
var ErrNoInstance = fault.WithDelay(fault.WithReason(fault.Unavailablef("no instance of the service is available; try again"), "NO_INSTANCE"), time.Second)

// A noInstanceError is ErrNoInstance for a service.
type noInstanceError struct{ service string }

func (e *noInstanceError) Error() string {
	return "no instance of " + e.service + " is available; try again"
}

// Unwrap returns ErrNoInstance.
func (*noInstanceError) Unwrap() error { return ErrNoInstance }
