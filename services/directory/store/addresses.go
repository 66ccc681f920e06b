package store

import (
	"context"

	ent "github.com/bongsu-project/bongsu/gen/ent/directory"
	entaddress "github.com/bongsu-project/bongsu/gen/ent/directory/address"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/directory"
)

// AddAddress adds an address to a user.
func (s *Store) AddAddress(ctx context.Context, nickname string, a directory.Address) (added directory.Address, err error) {
	err = s.write(ctx, func(ctx context.Context, t tx) error {
		id, err := lockUserID(ctx, t, nickname)
		if err != nil {
			return err
		}
		create := t.Address.Create().SetUserID(id)
		setAddressFields(create.Mutation(), a)
		row, err := create.Save(ctx)
		if err != nil {
			return messengerTaken(err, nickname, a)
		}
		added = toAddress(row)
		return nil
	})
	return added, err
}

// ReplaceAddress overwrites an address.
func (s *Store) ReplaceAddress(ctx context.Context, nickname string, a directory.Address) (replaced directory.Address, err error) {
	err = s.write(ctx, func(ctx context.Context, t tx) error {
		id, err := lockUserID(ctx, t, nickname)
		if err != nil {
			return err
		}
		update := t.Address.UpdateOneID(a.ID).Where(entaddress.UserID(id))
		setAddressFields(update.Mutation(), a)
		row, err := update.Save(ctx)
		if ent.IsNotFound(err) {
			return errNoAddress(nickname, a.ID)
		}
		if err != nil {
			return messengerTaken(err, nickname, a)
		}
		replaced = toAddress(row)
		return nil
	})
	return replaced, err
}

// RemoveAddress deletes an address of a user.
func (s *Store) RemoveAddress(ctx context.Context, nickname string, id int) error {
	return s.write(ctx, func(ctx context.Context, t tx) error {
		user, err := lockUserID(ctx, t, nickname)
		if err != nil {
			return err
		}
		n, err := t.Address.Delete().Where(entaddress.ID(id), entaddress.UserID(user)).Exec(ctx)
		if err == nil && n == 0 {
			return errNoAddress(nickname, id)
		}
		return err
	})
}

// MoveAddresses changes the destination of addresses.
func (s *Store) MoveAddresses(ctx context.Context, messenger, credentialKey, from, to string, reseal directory.ResealFunc) (moved int, err error) {
	err = s.write(ctx, func(ctx context.Context, t tx) error {
		rows, err := t.Address.Query().
			Where(entaddress.Messenger(messenger), entaddress.CredentialKey(credentialKey), entaddress.Destination(from)).
			WithUser().Order(entaddress.ByID()).All(ctx)
		if err != nil {
			return err
		}
		moved = 0
		for _, r := range toRecipients(rows) {
			sealed, err := reseal(r)
			if err != nil {
				return err
			}
			n, err := t.Address.Update().Where(entaddress.ID(r.Address.ID), entaddress.Destination(from), entaddress.SealedCredential(r.Address.SealedCredential)).
				SetDestination(to).SetSealedCredential(sealed).Save(ctx)
			if err != nil {
				return err
			}
			moved += n
		}
		return nil
	})
	return moved, err
}

// setAddressFields sets the fields of an address in m.
func setAddressFields(m *ent.AddressMutation, a directory.Address) {
	if a.Rank != directory.KeepRank {
		m.SetRank(a.Rank)
	}
	m.SetMessenger(a.Messenger)
	m.SetSealedCredential(sealedOrEmpty(a))
	m.SetCredentialKey(a.CredentialFingerprint)
	m.SetDestination(a.Destination)
}

// sealedOrEmpty returns the sealed credential, but never nil, which a database stores as NULL.
func sealedOrEmpty(a directory.Address) []byte { return append([]byte{}, a.SealedCredential...) }

func toAddress(row *ent.Address) directory.Address {
	return directory.Address{
		ID:                    row.ID,
		Messenger:             row.Messenger,
		SealedCredential:      row.SealedCredential,
		CredentialFingerprint: row.CredentialKey,
		Destination:           row.Destination,
		Rank:                  row.Rank,
	}
}

// checkOnePerMessenger returns fault.ErrExists if two addresses have the same messenger.
func checkOnePerMessenger(addresses []directory.Address) error {
	seen := map[string]bool{}
	for _, a := range addresses {
		if seen[a.Messenger] {
			return fault.WithResource(fault.Existsf("duplicate address by %s", a.Messenger), "address", a.Messenger)
		}
		seen[a.Messenger] = true
	}
	return nil
}

func errNoAddress(nickname string, id int) error {
	return fault.WithResource(fault.NotFoundf("address %d of user %q not found", id, nickname), "address", id)
}

// messengerTaken converts the unique violation of a second address for a messenger to
// fault.ErrExists. It returns other errors unchanged.
func messengerTaken(err error, nickname string, a directory.Address) error {
	if database.IsUniqueViolation(err) {
		return fault.WithResource(fault.Existsf("address of user %q by %s already exists", nickname, a.Messenger), "address", a.Messenger)
	}
	return err
}
