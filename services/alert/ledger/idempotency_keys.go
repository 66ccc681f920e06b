package ledger

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// idempotencyKeyGrace is how long expired idempotency keys are kept, for processes whose clocks
// differ.
const idempotencyKeyGrace = time.Hour

// expiredKeysPerAdd is the number of expired keys that each new key deletes.
const expiredKeysPerAdd = 2

// keepKeyRow updates a key that is taken: it stays as it is. A key that expires later than one
// taken now was written by a clock that was ahead, and its expiry is reduced to that.
const keepKeyRow = `expire_time = CASE WHEN keys.expire_time > excluded.expire_time THEN excluded.expire_time ELSE keys.expire_time END`

// An idempotencyKey is a row of the table keys.
type idempotencyKey struct {
	name    string
	request []byte
	alert   int64
	expire  int64 // when it can be used again
}

// idempotencyKeyOf returns the row for an add.
func idempotencyKeyOf(a *pendingAdd) idempotencyKey {
	request := a.alert.RequestDigest
	if request == nil {
		request = []byte{} // nil would be NULL
	}
	name := a.alert.StoredKey()
	if a.changed {
		name = a.alert.ChangedKey()
	}
	return idempotencyKey{name: name, request: request, alert: a.alert.ID, expire: micros(a.alert.CreateTime.Add(alert.IdempotencyKeyTTL))}
}

// takeIdempotencyKeys returns the calls that record their alerts, decided in their order: those
// without an idempotency key, and those whose key is free. The others get the id of the alert
// that has the key; those of changed requests that are kept take their changed key instead.
// Without keys it runs no query.
func takeIdempotencyKeys(ctx context.Context, t *database.Tx, adds []*pendingAdd) ([]*pendingAdd, error) {
	var keyed, changed []*pendingAdd
	now := int64(0)
	for _, a := range adds {
		a.holder, a.same, a.changed = 0, false, false
		if a.alert.IdempotencyKey != "" {
			keyed = append(keyed, a)
			now = max(now, micros(a.alert.CreateTime))
		}
	}
	if len(keyed) == 0 {
		return adds, nil
	}
	if err := takeKeys(ctx, t, keyed); err != nil {
		return nil, err
	}
	for _, a := range keyed {
		if a.holder != 0 && !a.same && a.keepChanged {
			a.changed = true
			changed = append(changed, a)
		}
	}
	if len(changed) > 0 { // all processes lock changed keys after the others
		if err := takeKeys(ctx, t, changed); err != nil {
			return nil, err
		}
	}
	fresh := make([]*pendingAdd, 0, len(adds))
	for _, a := range adds {
		if a.holder == 0 {
			fresh = append(fresh, a)
		}
	}
	return fresh, deleteExpiredKeys(ctx, t, now-idempotencyKeyGrace.Microseconds(), expiredKeysPerAdd*len(keyed))
}

// takeKeys takes the keys of calls, or sets their holders.
func takeKeys(ctx context.Context, t *database.Tx, keyed []*pendingAdd) error {
	firsts := map[string]idempotencyKey{}
	for _, a := range keyed {
		a.holder, a.same = 0, false
		key := idempotencyKeyOf(a)
		if _, ok := firsts[key.name]; !ok {
			firsts[key.name] = key
		}
	}
	// The rows stay locked until the commit; all processes lock them in the same order.
	keys, err := upsertIdempotencyKeys(ctx, t, firsts, keepKeyRow)
	if err != nil {
		return err
	}
	replaced := map[string]idempotencyKey{}
	for _, a := range keyed {
		mine := idempotencyKeyOf(a)
		holder := keys[mine.name]
		if holder.alert != mine.alert && micros(a.alert.CreateTime) < holder.expire {
			a.holder, a.same = holder.alert, bytes.Equal(holder.request, mine.request)
			continue
		}
		if holder.alert != mine.alert {
			keys[mine.name], replaced[mine.name] = mine, mine
		}
	}
	_, err = upsertIdempotencyKeys(ctx, t, replaced, `request = excluded.request, alert_id = excluded.alert_id, expire_time = excluded.expire_time`)
	return err
}

// upsertIdempotencyKeys inserts keys, applies set to existing ones, and returns their values
// afterwards.
func upsertIdempotencyKeys(ctx context.Context, t *database.Tx, keys map[string]idempotencyKey, set string) (map[string]idempotencyKey, error) {
	rows := make([]idempotencyKey, 0, len(keys))
	for _, k := range keys {
		rows = append(rows, k)
	}
	slices.SortFunc(rows, func(a, b idempotencyKey) int { return cmp.Compare(a.name, b.name) })
	stored := make(map[string]idempotencyKey, len(rows))
	for some := range database.ChunkRows(t, rows, maxStatementRows) {
		args := make([]any, 0, 4*len(some))
		for _, k := range some {
			args = append(args, k.name, k.request, k.alert, k.expire)
		}
		rows, args := t.ValueRows([]string{"text", "bytea", "bigint", "bigint"}, args)
		found, err := database.Select(ctx, t, func(rows *sql.Rows, k *idempotencyKey) error {
			return rows.Scan(&k.name, &k.request, &k.alert, &k.expire)
		}, `INSERT INTO keys (name, request, alert_id, expire_time) `+rows+`
			ON CONFLICT (name) DO UPDATE SET `+set+` RETURNING name, request, alert_id, expire_time`, args...)
		if err != nil {
			return nil, err
		}
		for _, k := range found {
			stored[k.name] = k
		}
	}
	return stored, nil
}

// deleteExpiredKeys deletes some of the keys that expired before a time, except those that another
// transaction has locked. Selecting and deleting are two statements, so that
// PostgreSQL does not choose a plan that reads all keys.
func deleteExpiredKeys(ctx context.Context, t *database.Tx, before int64, limit int) error {
	names, err := database.Select(ctx, t, func(rows *sql.Rows, name *string) error { return rows.Scan(name) },
		`SELECT name FROM keys WHERE expire_time <= ? ORDER BY expire_time LIMIT ?`+skipLocked(t), before, limit)
	if err != nil {
		return err
	}
	_, err = deleteIn(ctx, t, `keys WHERE name`, names)
	return err
}
