package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/event"
)

// chunkRows is the maximum number of rows of one statement.
const chunkRows = 64

// AddToBatches adds alerts to open batches.
func (s *Store) AddToBatches(ctx context.Context, alerts []event.BatchedAlert, now time.Time) (due bool, err error) {
	if len(alerts) == 0 {
		return false, nil
	}
	var order []string
	groups := map[string]*batchGroup{}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		due, order = false, order[:0]
		clear(groups)
		fresh, err := insertKeys(ctx, t, alerts, now)
		if err != nil {
			return err
		}
		for _, a := range alerts {
			if !fresh[a.Key] {
				continue
			}
			delete(fresh, a.Key) // once, however often the call has it
			key, common, err := openKey(a.Alert)
			if err != nil {
				return err
			}
			if groups[key] == nil {
				groups[key] = &batchGroup{key: key, common: common}
				order = append(order, key)
			}
			groups[key].alerts = append(groups[key].alerts, a)
		}
		slices.Sort(order) // all processes lock batches in one order
		for _, key := range order {
			full, err := groups[key].add(ctx, t, now)
			if err != nil {
				return err
			}
			due = due || full
		}
		return nil
	})
	return due && err == nil, err
}

// insertKeys stores the keys of alerts, and returns those that were not stored before.
func insertKeys(ctx context.Context, t *database.Tx, alerts []event.BatchedAlert, now time.Time) (map[string]bool, error) {
	keys := make([]string, len(alerts))
	for i, a := range alerts {
		keys[i] = a.Key
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	fresh := make(map[string]bool, len(keys))
	for chunk := range database.ChunkRows(t, keys, chunkRows) {
		values := make([]any, 0, 2*len(chunk))
		for _, key := range chunk {
			values = append(values, key, now.UnixMicro())
		}
		rows, args := t.ValueRows([]string{"text", "bigint"}, values)
		if t.Postgres() {
			rows = "(" + rows + ")" // the limit belongs to the rows
		}
		stored, err := database.Select(ctx, t, scanText, `INSERT INTO batched_keys (id, add_time) `+rows+` ON CONFLICT (id) DO NOTHING RETURNING id`, args...)
		if err != nil {
			return nil, err
		}
		for _, key := range stored {
			fresh[key] = true
		}
	}
	return fresh, nil
}

// A commonAlert is the parts that all alerts of a batch have in common. Its JSON names them.
type commonAlert struct {
	Rule    string        `json:"rule"`
	Index   int           `json:"index"`
	Targets []string      `json:"targets"`
	By      []string      `json:"by,omitempty"`
	TTL     time.Duration `json:"ttl,omitempty"`
	Count   int           `json:"count"`
	Within  time.Duration `json:"within"`
	Message string        `json:"message,omitempty"`
}

// openKey returns the hash of the parts that all alerts of a batch have in common, and the parts
// as JSON.
func openKey(a event.PlannedAlert) (key string, common []byte, err error) {
	if a.Batch == nil || a.Batch.Count < 1 {
		return "", nil, fmt.Errorf("an alert of rule %s has no batch", a.Rule)
	}
	targets := slices.Sorted(slices.Values(a.Targets))
	common, err = json.Marshal(commonAlert{
		Rule: a.Rule, Index: a.Index, Targets: slices.Compact(targets), By: slices.Sorted(slices.Values(a.By)),
		TTL: a.TTL, Count: a.Batch.Count, Within: a.Batch.Within, Message: a.Batch.Message,
	})
	if err != nil {
		return "", nil, err
	}
	hash := sha256.Sum256(common)
	return hex.EncodeToString(hash[:]), common, nil
}

// A batchGroup is alerts of one call for one batch.
type batchGroup struct {
	key    string
	common []byte
	alerts []event.BatchedAlert
}

// add adds the alerts to the open batch, and further ones to new batches. It reports whether a
// batch is full.
func (g *batchGroup) add(ctx context.Context, t *database.Tx, now time.Time) (full bool, err error) {
	type openBatch struct {
		id    int64
		count int
	}
	spec := g.alerts[0].Alert.Batch
	for rest := g.alerts; len(rest) > 0; {
		due := now.Add(spec.Within).UnixMicro()
		open, err := database.Select(ctx, t, func(rows *sql.Rows, b *openBatch) error { return rows.Scan(&b.id, &b.count) },
			`INSERT INTO batches (open_key, rule, alert, idempotency_key, item_count, due_time) VALUES (?, ?, ?, ?, 0, ?)
			ON CONFLICT (open_key) DO UPDATE SET lease_time = 0 RETURNING id, item_count`,
			g.key, g.alerts[0].Alert.Rule, g.common, rest[0].Key, due)
		if err != nil {
			return full, err
		}
		n := min(len(rest), max(spec.Count-open[0].count, 0))
		if err := insertItems(ctx, t, open[0].id, rest[:n]); err != nil {
			return full, err
		}
		rest = rest[n:]
		if count := open[0].count + n; count < spec.Count {
			_, err = t.Exec(ctx, `UPDATE batches SET item_count = ? WHERE id = ?`, count, open[0].id)
		} else {
			full = true
			_, err = t.Exec(ctx, `UPDATE batches SET item_count = ?, open_key = NULL, due_time = ? WHERE id = ?`, count, now.UnixMicro(), open[0].id)
		}
		if err != nil {
			return full, err
		}
	}
	return full, nil
}

// insertItems stores the own parts of alerts.
func insertItems(ctx context.Context, t *database.Tx, batch int64, alerts []event.BatchedAlert) error {
	for chunk := range database.ChunkRows(t, alerts, chunkRows) {
		values := make([]any, 0, 7*len(chunk))
		for _, a := range chunk {
			data, err := json.Marshal(a.Event)
			if err != nil {
				return err
			}
			values = append(values, batch, a.Key, a.Alert.Severity, a.Alert.Title, a.Alert.Message, a.Alert.Link, data)
		}
		rows, args := t.ValueRows([]string{"bigint", "text", "text", "text", "text", "text", "bytea"}, values)
		if t.Postgres() {
			rows = "(" + rows + ")"
		}
		if _, err := t.Exec(ctx, `INSERT INTO batch_items (batch_id, key, severity, title, message, link, event) `+rows, args...); err != nil {
			return err
		}
	}
	return nil
}

// CloseBatches makes the batches of a rule due.
func (s *Store) CloseBatches(ctx context.Context, rule string, now time.Time) (n int, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if _, err := t.Exec(ctx, `UPDATE batches SET open_key = NULL, due_time = ? WHERE rule = ? AND open_key IS NOT NULL`, now.UnixMicro(), rule); err != nil {
			return err
		}
		counts, err := database.Select(ctx, t, scanInt, `SELECT count(*) FROM batches WHERE rule = ?`, rule)
		if err == nil {
			n = int(counts[0])
		}
		return err
	})
	return n, err
}

// DeleteBatches deletes batches.
func (s *Store) DeleteBatches(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		for list := range database.ChunkLists(t, slices.Sorted(slices.Values(ids)), chunkRows) {
			in, args := database.In(t, list)
			if _, err := t.Exec(ctx, `DELETE FROM batches WHERE id `+in, args...); err != nil {
				return err
			}
			if _, err := t.Exec(ctx, `DELETE FROM batch_items WHERE batch_id `+in, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// ForgetBatch deletes a batch and the keys of its alerts.
func (s *Store) ForgetBatch(ctx context.Context, id int64) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		for _, statement := range []string{
			`DELETE FROM batched_keys WHERE id IN (SELECT key FROM batch_items WHERE batch_id = ?)`,
			`DELETE FROM batch_items WHERE batch_id = ?`,
			`DELETE FROM batches WHERE id = ?`,
		} {
			if _, err := t.Exec(ctx, statement, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteBatchedKeys deletes old keys.
func (s *Store) DeleteBatchedKeys(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		n, err = t.Exec(ctx, `DELETE FROM batched_keys WHERE id IN (SELECT id FROM batched_keys WHERE add_time < ? ORDER BY add_time LIMIT ?)`, before.UnixMicro(), limit)
		return err
	})
	return n, err
}

func scanText(rows *sql.Rows, text *string) error { return rows.Scan(text) }
