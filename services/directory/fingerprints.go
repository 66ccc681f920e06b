package directory

import (
	"context"
	"log/slog"

	"github.com/bongsu-project/bongsu/kit/seal"
)

// A FingerprintStore directory can list the addresses without credential fingerprint, which an
// older version stored, and store their fingerprints.
type FingerprintStore interface {
	// WithoutFingerprint returns addresses without CredentialFingerprint by id, with their users'
	// nicknames: those with an id above after, at most limit of them.
	WithoutFingerprint(ctx context.Context, after, limit int) ([]Recipient, error)
	// SetFingerprints stores the CredentialFingerprint of addresses, by id. It must skip an address
	// that has one, or whose SealedCredential changed.
	SetFingerprints(ctx context.Context, addresses []Address) error
}

// fingerprintBatch is the batch size of FillFingerprints, in addresses.
const fingerprintBatch = 500

// newAddress returns an address with its credential sealed for the owner.
func newAddress(key *seal.Keyring, credential string, of seal.Owner) (Address, error) {
	sealed, err := key.SealForOwner(credential, of)
	if err != nil {
		return Address{}, err
	}
	return Address{
		Messenger:             of.Service,
		SealedCredential:      sealed,
		CredentialFingerprint: key.Fingerprint(of.Service, credential),
		Destination:           of.Address,
	}, nil
}

// FillFingerprints computes and stores the missing credential fingerprints, in batches.
// Addresses whose credential cannot be opened are skipped, counted and logged; senders
// report them too. It can be stopped or run concurrently without harm: senders work
// without fingerprints.
func FillFingerprints(ctx context.Context, d FingerprintStore, key *seal.Keyring, log *slog.Logger) error {
	filled, unreadable := 0, 0
	for after := 0; ; {
		some, err := d.WithoutFingerprint(ctx, after, fingerprintBatch)
		if err != nil {
			return err
		}
		if len(some) == 0 {
			break
		}
		after = some[len(some)-1].Address.ID
		opened := make([]Address, 0, len(some))
		for _, r := range some {
			credential, err := key.OpenForOwner(r.Address.SealedCredential, r.owner())
			if err != nil {
				unreadable++
				continue
			}
			r.Address.CredentialFingerprint = key.Fingerprint(r.Address.Messenger, credential)
			opened = append(opened, r.Address)
		}
		if err := d.SetFingerprints(ctx, opened); err != nil {
			return err
		}
		filled += len(opened)
	}
	if filled > 0 {
		log.Info("credential fingerprints stored", "addresses", filled)
	}
	if unreadable > 0 {
		log.Warn("credentials cannot be opened, because they are sealed under another seal key or damaged; replace them", "addresses", unreadable)
	}
	return nil
}
