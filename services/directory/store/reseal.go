package store

import (
	"context"
	"database/sql"

	ent "github.com/bongsu-project/bongsu/gen/ent/directory"
	entaddress "github.com/bongsu-project/bongsu/gen/ent/directory/address"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/directory"
)

// CountBySealKey counts addresses by seal key prefix.
func (s *Store) CountBySealKey(ctx context.Context) (seals []directory.SealCount, err error) {
	err = s.read(ctx, func(ctx context.Context, t tx) error {
		seals, err = database.Select(ctx, t.sql, func(rows *sql.Rows, one *directory.SealCount) error {
			return rows.Scan(&one.Prefix, &one.Count)
		}, `SELECT substr(token, 1, ?) AS prefix, count(*) FROM users_messengers GROUP BY 1 ORDER BY 1`, seal.PrefixSize)
		return err
	})
	return seals, err
}

// SealedUnderOtherKeys returns addresses that are not sealed under a key.
func (s *Store) SealedUnderOtherKeys(ctx context.Context, prefix []byte, after, limit int) (addresses []directory.Recipient, err error) {
	err = s.read(ctx, func(ctx context.Context, t tx) error {
		ids, err := database.Select(ctx, t.sql, func(rows *sql.Rows, id *int) error { return rows.Scan(id) },
			`SELECT id FROM users_messengers WHERE id > ? AND substr(token, 1, ?) <> ? ORDER BY id LIMIT ?`, after, len(prefix), prefix, limit)
		if err != nil || len(ids) == 0 {
			return err
		}
		rows, err := t.Address.Query().Where(entaddress.IDIn(ids...)).WithUser().Order(entaddress.ByID()).All(ctx)
		addresses = toRecipients(rows)
		return err
	})
	return addresses, err
}

// toRecipients converts addresses that were queried with their users.
func toRecipients(rows []*ent.Address) []directory.Recipient {
	recipients := make([]directory.Recipient, len(rows))
	for i, row := range rows {
		recipients[i] = directory.Recipient{Nickname: row.Edges.User.Nickname, Failover: row.Edges.User.Failover, Address: toAddress(row)}
	}
	return recipients
}

// resealUser stores the credentials that reseal returns for the addresses of a user.
func resealUser(ctx context.Context, t tx, user int, nickname string, reseal directory.ResealFunc) error {
	if t.sql.Postgres() { // SQLite has one writer at a time
		if _, err := t.sql.Exec(ctx, `SELECT id FROM users_messengers WHERE user_id = ? ORDER BY id FOR UPDATE`, user); err != nil {
			return err
		}
	}
	rows, err := t.Address.Query().Where(entaddress.UserID(user)).All(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		to, err := reseal(directory.Recipient{Nickname: nickname, Address: toAddress(row)})
		if err != nil {
			return err
		}
		if err := t.Address.UpdateOneID(row.ID).SetSealedCredential(to).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Reseal replaces sealed credentials of the same content, in the given order.
func (s *Store) Reseal(ctx context.Context, resealed []directory.ResealedAddress) (done int, err error) {
	if len(resealed) == 0 {
		return 0, nil
	}
	err = s.write(ctx, func(ctx context.Context, t tx) error {
		done = 0
		for _, r := range resealed {
			n, err := t.Address.Update().
				Where(entaddress.ID(r.AddressID), entaddress.SealedCredential(r.From)).
				SetSealedCredential(r.To).Save(ctx)
			if err != nil {
				return err
			}
			done += n
		}
		return nil
	})
	return done, err
}
