package store

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	ent "github.com/bongsu-project/bongsu/gen/ent/access"
	entkey "github.com/bongsu-project/bongsu/gen/ent/access/key"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/access"
)

// AddKey stores a key.
func (s *Store) AddKey(ctx context.Context, k access.Key) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error { return insertKey(ctx, t, k) })
}

// AddFirstKey stores a key if there is none. SQLite runs one writing transaction at a time; in
// PostgreSQL a lock of the table does that.
func (s *Store) AddFirstKey(ctx context.Context, k access.Key) (added bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		added = false
		if t.Postgres() {
			if _, err := t.Exec(ctx, `LOCK TABLE keys IN SHARE ROW EXCLUSIVE MODE`); err != nil {
				return err
			}
		}
		exists, err := client(t).Key.Query().Exist(ctx)
		if err != nil || exists {
			return err
		}
		added = true
		return insertKey(ctx, t, k)
	})
	return added && err == nil, err
}

// Keys returns keys by id.
func (s *Store) Keys(ctx context.Context, after string, limit int) (keys []access.Key, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, err := client(t).Key.Query().Where(entkey.IDGT(after)).Order(entkey.ByID()).Limit(limit).All(ctx)
		if err != nil {
			return err
		}
		keys = make([]access.Key, len(rows))
		for i, row := range rows {
			if keys[i], err = toKey(row); err != nil {
				return err
			}
		}
		return nil
	})
	return keys, err
}

// Key returns one key.
func (s *Store) Key(ctx context.Context, id string) (k access.Key, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		row, err := client(t).Key.Get(ctx, id)
		if ent.IsNotFound(err) {
			return errNoKey(id)
		}
		if err != nil {
			return err
		}
		k, err = toKey(row)
		return err
	})
	return k, err
}

// RevokeKey revokes a key.
func (s *Store) RevokeKey(ctx context.Context, id string, now time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		n, err := t.Exec(ctx, `UPDATE keys SET revoke_time = CASE WHEN revoke_time = 0 THEN CAST(? AS bigint) ELSE revoke_time END WHERE id = ?`, micros(now), id)
		if err == nil && n == 0 {
			return errNoKey(id)
		}
		return err
	})
}

// RecordKeyUses records uses in the order of ids, so that processes that record the same keys
// wait for each other.
func (s *Store) RecordKeyUses(ctx context.Context, uses []access.KeyUse) error {
	if len(uses) == 0 {
		return nil
	}
	ordered := slices.SortedFunc(slices.Values(uses), func(a, b access.KeyUse) int { return cmp.Compare(a.ID, b.ID) })
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		for _, use := range ordered {
			at := micros(use.Time)
			if _, err := t.Exec(ctx, `UPDATE keys SET last_use_time = ? WHERE id = ? AND last_use_time < ?`, at, use.ID, at); err != nil {
				return err
			}
		}
		return nil
	})
}

func insertKey(ctx context.Context, t *database.Tx, k access.Key) error {
	allowed := make([]string, len(k.AllowedAddresses))
	for i, network := range k.AllowedAddresses {
		allowed[i] = auth.NetworkText(network)
	}
	err := client(t).Key.Create().SetID(k.ID).SetSecretHash(k.SecretHash).SetName(k.Name).SetRole(k.Role).SetNickname(k.Nickname).
		SetCreateTime(micros(k.CreateTime)).SetExpireTime(micros(k.ExpireTime)).SetRevokeTime(micros(k.RevokeTime)).
		SetLastUseTime(micros(k.LastUseTime)).SetAllowedAddresses(allowed).Exec(ctx)
	if database.IsUniqueViolation(err) {
		return fault.WithResource(fault.Existsf("key %s already exists", k.ID), "key", k.ID)
	}
	return invalidValue(err)
}

func toKey(row *ent.Key) (access.Key, error) {
	var allowed []netip.Prefix
	for _, text := range row.AllowedAddresses {
		network, err := auth.ParseNetwork(text)
		if err != nil {
			return access.Key{}, fmt.Errorf("stored key %s: %s", row.ID, err) //nolint:errorlint // a stored value is no input of the caller
		}
		allowed = append(allowed, network)
	}
	return access.Key{
		ID: row.ID, SecretHash: row.SecretHash, Name: row.Name, Role: row.Role, Nickname: row.Nickname,
		CreateTime: moment(row.CreateTime), ExpireTime: moment(row.ExpireTime), RevokeTime: moment(row.RevokeTime),
		LastUseTime: moment(row.LastUseTime), AllowedAddresses: allowed,
	}, nil
}

func errNoKey(id string) error {
	return fault.WithResource(fault.NotFoundf("key %q not found", id), "key", id)
}
