package directory

import (
	"context"
	"fmt"

	ent "github.com/bongsu-project/bongsu/gen/ent/directory"
	entaddress "github.com/bongsu-project/bongsu/gen/ent/directory/address"
	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/group"
)

// AddAddress gives a user one more address.
func (s *Store) AddAddress(ctx context.Context, nickname string, a group.Address) (added group.Address, err error) {
	err = s.write(ctx, func(ctx context.Context, t tx) error {
		id, err := idOf(ctx, t, nickname)
		if err != nil {
			return err
		}
		create := t.Address.Create().SetUserID(id)
		fill(create.Mutation(), a)
		row, err := create.Save(ctx)
		if err != nil {
			return messengerTaken(err, nickname, a)
		}
		added = toAddress(row)
		return nil
	})
	return added, err
}

// ReplaceAddress sets all of an address anew.
func (s *Store) ReplaceAddress(ctx context.Context, nickname string, a group.Address) (replaced group.Address, err error) {
	err = s.write(ctx, func(ctx context.Context, t tx) error {
		id, err := idOf(ctx, t, nickname)
		if err != nil {
			return err
		}
		update := t.Address.UpdateOneID(a.ID).Where(entaddress.UserID(id))
		fill(update.Mutation(), a)
		row, err := update.Save(ctx)
		if ent.IsNotFound(err) {
			return noAddress(nickname, a.ID)
		}
		if err != nil {
			return messengerTaken(err, nickname, a)
		}
		replaced = toAddress(row)
		return nil
	})
	return replaced, err
}

// RemoveAddress takes an address from a user.
func (s *Store) RemoveAddress(ctx context.Context, nickname string, id int) error {
	return s.write(ctx, func(ctx context.Context, t tx) error {
		user, err := idOf(ctx, t, nickname)
		if err != nil {
			return err
		}
		n, err := t.Address.Delete().Where(entaddress.ID(id), entaddress.UserID(user)).Exec(ctx)
		if err == nil && n == 0 {
			return noAddress(nickname, id)
		}
		return err
	})
}

// MoveAddresses gives addresses another destination.
func (s *Store) MoveAddresses(ctx context.Context, messenger, credentialKey, from, to string, reseal group.Reseal) (moved int, err error) {
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

// fill sets what an address says.
func fill(m *ent.AddressMutation, a group.Address) {
	if a.Rank != group.SameRank {
		m.SetRank(a.Rank)
	}
	m.SetMessenger(a.Messenger)
	m.SetSealedCredential(sealed(a))
	m.SetCredentialKey(a.CredentialKey)
	m.SetDestination(a.Destination)
}

// sealed is never nil, which a database takes for no value.
func sealed(a group.Address) []byte { return append([]byte{}, a.SealedCredential...) }

func toAddress(row *ent.Address) group.Address {
	return group.Address{
		ID:               row.ID,
		Messenger:        row.Messenger,
		SealedCredential: row.SealedCredential,
		CredentialKey:    row.CredentialKey,
		Destination:      row.Destination,
		Rank:             row.Rank,
	}
}

// eachOnce refuses addresses of which two are of one messenger.
func eachOnce(addresses []group.Address) error {
	seen := map[string]bool{}
	for _, a := range addresses {
		if seen[a.Messenger] {
			return fmt.Errorf("two addresses for %s: %w", a.Messenger, fault.ErrExists)
		}
		seen[a.Messenger] = true
	}
	return nil
}

func noAddress(nickname string, id int) error {
	return fmt.Errorf("address %d of user %q: %w", id, nickname, fault.ErrNotFound)
}

// messengerTaken says so where err is that of a second address for a messenger.
func messengerTaken(err error, nickname string, a group.Address) error {
	if database.IsTaken(err) {
		return fmt.Errorf("address of user %q for %s: %w", nickname, a.Messenger, fault.ErrExists)
	}
	return err
}
