package group

import (
	"context"
	"log/slog"

	"github.com/bongsu-project/bongsu/internal/seal"
)

// A Keyless directory tells which addresses have no CredentialKey yet: those from
// before fingerprints were kept.
type Keyless interface {
	// Keyless returns addresses without a CredentialKey by id, with their users'
	// nicknames: those after the id after, at most limit of them.
	Keyless(ctx context.Context, after, limit int) ([]Recipient, error)
	// SetKeys gives addresses, by id, their CredentialKey. It must leave one alone
	// that has a key, or another SealedCredential by now.
	SetKeys(ctx context.Context, addresses []Address) error
}

// keysTogether is how many addresses are given their keys at once.
const keysTogether = 500

// newAddress returns the address of an owner, whose credential is sealed as it enters.
func newAddress(key *seal.Key, credential string, of seal.Owner) (Address, error) {
	sealed, err := key.SealFor(credential, of)
	if err != nil {
		return Address{}, err
	}
	return Address{
		Messenger:        of.Messenger,
		SealedCredential: sealed,
		CredentialKey:    key.Fingerprint(of.Messenger, credential),
		Destination:      of.Destination,
	}, nil
}

// FillKeys gives all addresses without a CredentialKey theirs, some at a time.
// What cannot be opened is left without and counted; it is told by senders, too.
// To stop it or to run it twice does no harm: senders make do without keys.
func FillKeys(ctx context.Context, d Keyless, key *seal.Key, log *slog.Logger) error {
	filled, unreadable := 0, 0
	for after := 0; ; {
		some, err := d.Keyless(ctx, after, keysTogether)
		if err != nil {
			return err
		}
		if len(some) == 0 {
			break
		}
		after = some[len(some)-1].Address.ID
		opened := make([]Address, 0, len(some))
		for _, r := range some {
			credential, err := key.OpenFor(r.Address.SealedCredential, r.owner())
			if err != nil {
				unreadable++
				continue
			}
			r.Address.CredentialKey = key.Fingerprint(r.Address.Messenger, credential)
			opened = append(opened, r.Address)
		}
		if err := d.SetKeys(ctx, opened); err != nil {
			return err
		}
		filled += len(opened)
	}
	if filled > 0 {
		log.Info("addresses were given the fingerprints of their credentials", "addresses", filled)
	}
	if unreadable > 0 {
		log.Warn("the credentials of addresses cannot be opened: they were sealed under another key, or are damaged; set them anew", "addresses", unreadable)
	}
	return nil
}
