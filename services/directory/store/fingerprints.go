package store

import (
	"context"

	entaddress "github.com/bongsu-project/bongsu/gen/ent/directory/address"
	"github.com/bongsu-project/bongsu/services/directory"
)

// WithoutFingerprint returns addresses without credential fingerprint.
func (s *Store) WithoutFingerprint(ctx context.Context, after, limit int) (addresses []directory.Recipient, err error) {
	err = s.read(ctx, func(ctx context.Context, t tx) error {
		rows, err := t.Address.Query().Where(entaddress.IDGT(after), entaddress.CredentialKey("")).
			WithUser().Order(entaddress.ByID()).Limit(limit).All(ctx)
		addresses = toRecipients(rows)
		return err
	})
	return addresses, err
}

// SetFingerprints stores credential fingerprints, in the order of the addresses.
func (s *Store) SetFingerprints(ctx context.Context, addresses []directory.Address) error {
	if len(addresses) == 0 {
		return nil
	}
	return s.write(ctx, func(ctx context.Context, t tx) error {
		for _, a := range addresses {
			if err := t.Address.Update().
				Where(entaddress.ID(a.ID), entaddress.CredentialKey(""), entaddress.SealedCredential(sealedOrEmpty(a))).
				SetCredentialKey(a.CredentialFingerprint).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}
