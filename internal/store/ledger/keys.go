package ledger

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// keyGrace is how long keys are kept beyond their time, for callers whose clocks
// differ.
const keyGrace = time.Hour

// keysPerKey is how many keys beyond their time each new one takes away.
const keysPerKey = 2

// keepKey is what a key that is taken is set to: what it was. One that would last longer
// than a key that is taken now was taken by a clock that was ahead, and lasts no longer.
const keepKey = `expire_time = CASE WHEN keys.expire_time > excluded.expire_time THEN excluded.expire_time ELSE keys.expire_time END`

// A key is a row of the table keys.
type key struct {
	name    string
	request []byte
	alert   int64
	expire  int64 // when it may be taken anew
}

// keyOf is the row that the add would make.
func keyOf(a *add) key {
	request := a.alert.Request
	if request == nil {
		request = []byte{} // nil would be no value
	}
	return key{name: a.alert.Key, request: request, alert: a.alert.ID, expire: micros(a.alert.CreateTime.Add(alert.KeyLife))}
}

// takeKeys decides in the order of the calls which of them record their alerts:
// those without a key, and those whose key is free. The others are told whose it
// is. Where no call has a key, it costs nothing.
func takeKeys(ctx context.Context, t *database.Tx, adds []*add) ([]*add, error) {
	firsts := map[string]key{}
	now := int64(0)
	for _, a := range adds {
		a.holder, a.same = 0, false
		if a.alert.Key == "" {
			continue
		}
		now = max(now, micros(a.alert.CreateTime))
		if _, is := firsts[a.alert.Key]; !is {
			firsts[a.alert.Key] = keyOf(a)
		}
	}
	if len(firsts) == 0 {
		return adds, nil
	}
	// Each name is locked until the commit, in an order that all processes keep.
	keys, err := upsertKeys(ctx, t, firsts, keepKey)
	if err != nil {
		return nil, err
	}
	var fresh []*add
	anew := map[string]key{}
	for _, a := range adds {
		if a.alert.Key == "" {
			fresh = append(fresh, a)
			continue
		}
		mine, holder := keyOf(a), keys[a.alert.Key]
		if holder.alert != mine.alert && micros(a.alert.CreateTime) < holder.expire {
			a.holder, a.same = holder.alert, bytes.Equal(holder.request, mine.request)
			continue
		}
		if holder.alert != mine.alert {
			keys[mine.name], anew[mine.name] = mine, mine
		}
		fresh = append(fresh, a)
	}
	if _, err := upsertKeys(ctx, t, anew, `request = excluded.request, alert_id = excluded.alert_id, expire_time = excluded.expire_time`); err != nil {
		return nil, err
	}
	return fresh, forgetKeys(ctx, t, now-keyGrace.Microseconds(), keysPerKey*len(firsts))
}

// upsertKeys writes keys, sets what set says of those that are there, and answers
// with what stands then.
func upsertKeys(ctx context.Context, t *database.Tx, keys map[string]key, set string) (map[string]key, error) {
	rows := make([]key, 0, len(keys))
	for _, k := range keys {
		rows = append(rows, k)
	}
	slices.SortFunc(rows, func(a, b key) int { return cmp.Compare(a.name, b.name) })
	stand := make(map[string]key, len(rows))
	for some := range database.Chunks(t, rows, chunk) {
		args := make([]any, 0, 4*len(some))
		for _, k := range some {
			args = append(args, k.name, k.request, k.alert, k.expire)
		}
		rows, args := t.Rows([]string{"text", "bytea", "bigint", "bigint"}, args)
		kept, err := database.Select(ctx, t, func(rows *sql.Rows, k *key) error {
			return rows.Scan(&k.name, &k.request, &k.alert, &k.expire)
		}, `INSERT INTO keys (name, request, alert_id, expire_time) `+rows+`
			ON CONFLICT (name) DO UPDATE SET `+set+` RETURNING name, request, alert_id, expire_time`, args...)
		if err != nil {
			return nil, err
		}
		for _, k := range kept {
			stand[k.name] = k
		}
	}
	return stand, nil
}

// forgetKeys takes away some of the keys that were free before a time. What another
// transaction holds stays. To look and to delete are two statements: see selectOld.
func forgetKeys(ctx context.Context, t *database.Tx, before int64, limit int) error {
	names, err := database.Select(ctx, t, func(rows *sql.Rows, name *string) error { return rows.Scan(name) },
		`SELECT name FROM keys WHERE expire_time <= ? ORDER BY expire_time LIMIT ?`+skipLocked(t), before, limit)
	if err != nil {
		return err
	}
	_, err = deleteIn(ctx, t, `keys WHERE name`, names)
	return err
}
