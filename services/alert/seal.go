package alert

import "context"

// Sealed tells what credentials are sealed under.
type Sealed interface {
	// Seals counts the deliveries that have not ended by how their SealedCredential
	// begins, by its first seal.PrefixSize bytes, in the order of those. Its cost
	// grows with what has not ended only.
	Seals(ctx context.Context) ([]Seal, error)
}

// A Seal is what is sealed under one key.
type Seal struct {
	Prefix []byte
	Count  int
}
