package directory

import (
	"context"
	"database/sql"

	entaddress "github.com/bongsu-project/bongsu/gen/ent/directory/address"
	"github.com/bongsu-project/bongsu/internal/seal"
	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/group"
)

// Seals counts addresses by what seals them.
func (s *Store) Seals(ctx context.Context) (seals []group.Seal, err error) {
	err = s.read(ctx, func(ctx context.Context, t tx) error {
		seals, err = database.Select(ctx, t.sql, func(rows *sql.Rows, one *group.Seal) error {
			return rows.Scan(&one.Prefix, &one.Count)
		}, `SELECT substr(token, 1, ?) AS prefix, count(*) FROM users_messengers GROUP BY 1 ORDER BY 1`, seal.PrefixSize)
		return err
	})
	return seals, err
}

// SealedOtherwise answers with addresses that are not sealed under a key.
func (s *Store) SealedOtherwise(ctx context.Context, prefix []byte, after, limit int) (addresses []group.Address, err error) {
	err = s.read(ctx, func(ctx context.Context, t tx) error {
		ids, err := database.Select(ctx, t.sql, func(rows *sql.Rows, id *int) error { return rows.Scan(id) },
			`SELECT id FROM users_messengers WHERE id > ? AND substr(token, 1, ?) <> ? ORDER BY id LIMIT ?`, after, len(prefix), prefix, limit)
		if err != nil || len(ids) == 0 {
			return err
		}
		rows, err := t.Address.Query().Where(entaddress.IDIn(ids...)).Order(entaddress.ByID()).All(ctx)
		addresses = make([]group.Address, len(rows))
		for i, row := range rows {
			addresses[i] = toAddress(row)
		}
		return err
	})
	return addresses, err
}

// Reseal gives addresses other credentials, which are the same in the clear, in the
// order they come.
func (s *Store) Reseal(ctx context.Context, resealed []group.Resealed) (done int, err error) {
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
