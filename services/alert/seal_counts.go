package alert

import "context"

// SealCounter counts deliveries by seal key.
type SealCounter interface {
	// CountBySealKey returns the number of uncompleted deliveries by the first
	// seal.PrefixSize bytes of their SealedCredential, which name the seal key, sorted by
	// these. The cost grows only with the number of uncompleted deliveries.
	CountBySealKey(ctx context.Context) ([]SealCount, error)
}

// A SealCount is the number of credentials that are sealed under one seal key.
type SealCount struct {
	Prefix []byte
	Count  int
}
