package alert

import (
	"context"
	"errors"

	"github.com/bongsu-project/bongsu/kit/seal"
)

// SealCounter counts deliveries and callback endpoints by seal key.
type SealCounter interface {
	// CountBySealKey returns the number of uncompleted deliveries and of callback endpoints
	// by the first seal.PrefixSize bytes of their secrets, which name the seal key, sorted
	// by these. The cost grows only with these numbers.
	CountBySealKey(ctx context.Context) ([]SealCount, error)
}

// A SealCount is the number of secrets that are sealed under one seal key.
type SealCount struct {
	Prefix    []byte
	Count     int // credentials of deliveries
	Callbacks int // secrets of callback endpoints
}

// MonitorSealCounter counts monitors by seal key.
type MonitorSealCounter interface {
	// CountMonitorsBySealKey returns the number of monitors with secrets under each seal key.
	// It must return ErrNoMonitorService if the system is not known to have a monitor service,
	// and another error if it has one that cannot be reached.
	CountMonitorsBySealKey(ctx context.Context) (map[seal.KeyID]int64, error)
}

// ErrNoMonitorService is the error of a system that is not known to have a monitor service.
var ErrNoMonitorService = errors.New("no monitor service found")
