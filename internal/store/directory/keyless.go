package directory

import (
	"context"

	entaddress "github.com/bongsu-project/bongsu/gen/ent/directory/address"
	"github.com/bongsu-project/bongsu/services/group"
)

// Keyless returns addresses without credential fingerprint.
func (s *Store) Keyless(ctx context.Context, after, limit int) (addresses []group.Recipient, err error) {
	err = s.read(ctx, func(ctx context.Context, t tx) error {
		rows, err := t.Address.Query().Where(entaddress.IDGT(after), entaddress.CredentialKey("")).
			WithUser().Order(entaddress.ByID()).Limit(limit).All(ctx)
		addresses = toRecipients(rows)
		return err
	})
	return addresses, err
}

// SetKeys stores credential fingerprints, in the order of the addresses.
func (s *Store) SetKeys(ctx context.Context, addresses []group.Address) error {
	if len(addresses) == 0 {
		return nil
	}
	return s.write(ctx, func(ctx context.Context, t tx) error {
		for _, a := range addresses {
			if err := t.Address.Update().
				Where(entaddress.ID(a.ID), entaddress.CredentialKey(""), entaddress.SealedCredential(sealed(a))).
				SetCredentialKey(a.CredentialKey).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}
