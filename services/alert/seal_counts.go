package alert

import "context"

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
