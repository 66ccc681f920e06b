package alert

import "context"

// Sealed counts deliveries by seal key.
type Sealed interface {
	// Seals returns the number of uncompleted deliveries by the first seal.PrefixSize
	// bytes of their SealedCredential, sorted by these. The cost grows only with the
	// number of uncompleted deliveries.
	Seals(ctx context.Context) ([]Seal, error)
}

// A Seal is the number of credentials that are sealed under one key.
type Seal struct {
	Prefix []byte
	Count  int
}
