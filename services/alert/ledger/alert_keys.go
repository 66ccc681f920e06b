package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// An alertKey is a row of the table alert_keys.
type alertKey struct {
	name     string
	last     int64 // the order of the last alert; 0 before the first
	rank     job.Rank
	resolved bool  // of the last firing or resolved alert
	use      int64 // when it was last used

	incident    int64  // the last one; 0 for none
	digest      string // see updateDigest; empty for none
	updateOrder int64  // the order of the last update; 0 for none
	updateTime  int64
	resolveTime int64
	reopenCount int

	threadPrefix string // the prefix of the names of its threads; see threadOf
}

// updateDigest returns the stored digest of an update: its rank and the digest of its repeat
// fields.
func updateDigest(rank job.Rank, digest string) string { return string(rune('0'+rank)) + digest }

// state returns the state of the incident of a key.
func (k *alertKey) state() alert.IncidentState {
	s := alert.IncidentState{
		Incident: k.incident, Resolved: k.resolved, UpdateTime: fromMicros(k.updateTime), ResolveTime: fromMicros(k.resolveTime), ReopenCount: k.reopenCount,
	}
	if k.digest != "" {
		s.Rank, s.Digest = job.Rank(k.digest[0]-'0'), k.digest[1:]
	}
	return s
}

// addAlert sets the order of an alert under the key, its rank, and its effect on the incident.
func (k *alertKey) addAlert(a *pendingAdd) {
	first := k.last == 0
	a.rank, a.idle = a.alert.Rank(), false
	k.last = max(k.last+1, a.alert.ID) // in the order of ids, as far as concurrent processes assign them in order
	step := alert.NextIncidentStep(k.state(), a.alert)
	if step.Kind == alert.IncidentAcknowledged {
		k.acknowledge(a, first)
	} else {
		k.addRank(a, first)
		k.addStep(step.Kind, a)
	}
	a.order, a.update, a.change = k.last, k.updateOrder, step.Kind
	a.alert.Incident, a.alert.Repeat = k.incident, step.Kind == alert.IncidentRepeated
	a.alert.Reply, a.alert.Flapping = step.Reply, step.Flapping
}

// acknowledge adds an acknowledged alert: the state of the key does not change.
func (k *alertKey) acknowledge(a *pendingAdd, first bool) {
	if first {
		k.rank, k.resolved = a.rank, true // nothing is open
	}
	a.idle = k.resolved
}

// addRank sets the ranks of the key and of a resolved alert.
func (k *alertKey) addRank(a *pendingAdd, first bool) {
	switch {
	case first || !a.alert.Resolved && k.resolved:
		k.rank = a.rank
	case a.alert.Resolved:
		a.rank = k.rank
	default:
		k.rank = min(k.rank, a.rank)
	}
}

// addStep changes the incident of the key by a firing or resolved alert.
func (k *alertKey) addStep(kind alert.IncidentChangeKind, a *pendingAdd) {
	now := micros(a.alert.CreateTime)
	switch kind {
	case alert.IncidentOpened:
		k.incident, k.reopenCount = a.alert.ID, 0
	case alert.IncidentReopened:
		k.reopenCount++
	case alert.IncidentResolved:
		if !k.resolved {
			k.resolveTime = now
		}
	}
	if kind.IsUpdate() {
		k.digest, k.updateOrder, k.updateTime = updateDigest(a.rank, a.alert.Policy.Digest), k.last, now
	}
	k.resolved = a.alert.Resolved
}

// enterKeys enters alerts under their keys, whose rows stay locked until the commit. All
// processes lock them in the same order.
func enterKeys(ctx context.Context, t *database.Tx, keyed []*pendingAdd) error {
	keys, ofKey := map[string]*alertKey{}, map[string][]*pendingAdd{}
	rows := make([]*alertKey, 0, len(keyed))
	for _, a := range keyed {
		k, ok := keys[a.alert.AlertKey]
		if !ok {
			k = &alertKey{name: a.alert.AlertKey, threadPrefix: threadPrefix(a.alert.ID)}
			keys[k.name] = k
			rows = append(rows, k)
		}
		k.use = max(k.use, micros(a.alert.CreateTime))
		k.addAlert(a)
		a.newKey, a.threadPrefix = true, k.threadPrefix
		ofKey[k.name] = append(ofKey[k.name], a)
	}
	if t.Postgres() {
		slices.SortFunc(rows, func(a, b *alertKey) int { return cmp.Compare(a.name, b.name) })
	}
	known, err := lockAlertKeys(ctx, t, rows)
	if err != nil {
		return err
	}
	for i := range known {
		k := &known[i]
		k.use = keys[k.name].use
		for _, a := range ofKey[k.name] {
			k.addAlert(a)
			a.newKey, a.threadPrefix = false, k.threadPrefix
		}
		*keys[k.name] = *k
	}
	rows = slices.DeleteFunc(rows, func(k *alertKey) bool { return ofKey[k.name][0].newKey })
	return updateAlertKeys(ctx, t, rows)
}

// lockAlertKeys inserts those of the keys that are not stored, and returns the others, whose rows
// are locked: in SQLite the transaction excludes all others.
func lockAlertKeys(ctx context.Context, t *database.Tx, keys []*alertKey) (known []alertKey, err error) {
	inserted := make(map[string]alertKey, len(keys))
	for _, k := range keys {
		inserted[k.name] = *k
	}
	var stored []alertKey
	if t.Postgres() {
		stored, err = upsertAlertKeys(ctx, t, keys)
	} else {
		stored, err = insertAlertKeys(ctx, t, keys)
	}
	for _, k := range stored {
		if k != inserted[k.name] { // no stored key has the order of an alert that is not recorded yet
			known = append(known, k)
		}
	}
	return known, err
}

// setKey sets all columns of an existing row but its thread prefix.
const setKey = `use_time = v.use_time, last_order = v.last_order, rank = v.rank, resolved = v.resolved, incident = v.incident,
	digest = v.digest, update_order = v.update_order, update_time = v.update_time,
	resolve_time = v.resolve_time, reopen_count = v.reopen_count`

// keyColumns are the columns of an alert key, in the order of scan and append, and keyTypes their
// types.
const keyColumns = `name, last_order, rank, resolved, use_time, incident, digest, update_order, update_time, resolve_time, reopen_count, thread_prefix`

var keyTypes = []string{"text", "bigint", "bigint", "boolean", "bigint", "bigint", "text", "bigint", "bigint", "bigint", "bigint", "text"}

func (k *alertKey) scan(rows *sql.Rows) error {
	return rows.Scan(&k.name, &k.last, &k.rank, &k.resolved, &k.use, &k.incident, &k.digest, &k.updateOrder, &k.updateTime, &k.resolveTime, &k.reopenCount, &k.threadPrefix)
}

func (k *alertKey) append(args []any) []any {
	return append(args, k.name, k.last, int(k.rank), k.resolved, k.use, k.incident, k.digest, k.updateOrder, k.updateTime, k.resolveTime, k.reopenCount, k.threadPrefix)
}

// keyRows returns the query for the rows of keys, and its parameters.
func keyRows(t *database.Tx, keys []*alertKey) (query string, args []any) {
	args = make([]any, 0, len(keyTypes)*len(keys))
	for _, k := range keys {
		args = k.append(args)
	}
	return t.ValueRows(keyTypes, args)
}

// upsertAlertKeys inserts the keys that are not stored, and returns all, whose rows it locks.
func upsertAlertKeys(ctx context.Context, t *database.Tx, keys []*alertKey) (stored []alertKey, err error) {
	for some := range database.ChunkRows(t, keys, maxStatementRows) {
		rows, args := keyRows(t, some)
		found, err := database.Select(ctx, t, func(rows *sql.Rows, k *alertKey) error { return k.scan(rows) },
			`INSERT INTO alert_keys (`+keyColumns+`) `+rows+onConflictName+`use_time = excluded.use_time RETURNING `+keyColumns, args...)
		if err != nil {
			return nil, err
		}
		stored = append(stored, found...)
	}
	return stored, nil
}

// insertAlertKeys inserts the keys that are not stored into SQLite. It returns none if that is all
// of them, as with most alerts that open incidents, and otherwise all.
func insertAlertKeys(ctx context.Context, t *database.Tx, keys []*alertKey) (stored []alertKey, err error) {
	var opened, rest []*alertKey
	for _, k := range keys {
		if *k == openedKey(k.name, k.incident, k.rank, k.use, k.digest) {
			opened = append(opened, k)
		} else {
			rest = append(rest, k)
		}
	}
	count := 0
	for some := range database.ChunkLists(t, opened, maxStatementRows) {
		args := make([]any, 0, 5*len(some))
		for _, k := range some {
			args = append(args, k.name, k.incident, int(k.rank), k.use, k.digest)
		}
		rows, args := t.ValueRows([]string{"text", "bigint", "bigint", "bigint", "text"}, args)
		n, err := t.Exec(ctx, `WITH v (name, id, rank, use_time, digest) AS (`+rows+`)
			INSERT`+orRollback(t)+` INTO alert_keys (`+keyColumns+`) SELECT name, id, rank, false, use_time, id, digest, id, use_time, 0, 0, printf('%016x', id)
			FROM v WHERE true`+onKnownName, args...)
		if err != nil {
			return nil, err
		}
		count += n
	}
	for some := range database.ChunkRows(t, rest, maxStatementRows) {
		rows, args := keyRows(t, some)
		n, err := t.Exec(ctx, `INSERT INTO alert_keys (`+keyColumns+`) `+rows+onKnownName, args...)
		if err != nil {
			return nil, err
		}
		count += n
	}
	if count == len(keys) {
		return nil, nil
	}
	return selectAlertKeys(ctx, t, keys)
}

// selectAlertKeys returns those of the keys that are stored.
func selectAlertKeys(ctx context.Context, t *database.Tx, keys []*alertKey) (stored []alertKey, err error) {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	for some := range database.ChunkLists(t, names, maxStatementRows) {
		in, args := database.In(t, some)
		found, err := database.Select(ctx, t, func(rows *sql.Rows, k *alertKey) error { return k.scan(rows) },
			`SELECT `+keyColumns+` FROM alert_keys WHERE name `+in, args...)
		if err != nil {
			return nil, err
		}
		stored = append(stored, found...)
	}
	return stored, nil
}

// updateAlertKeys updates existing rows, which are locked.
func updateAlertKeys(ctx context.Context, t *database.Tx, keys []*alertKey) error {
	for some := range database.ChunkLists(t, keys, maxStatementRows) {
		rows, args := keyRows(t, some)
		if _, err := t.Exec(ctx, `WITH v (`+keyColumns+`) AS (`+rows+`)
			UPDATE`+orRollback(t)+` alert_keys SET `+setKey+` FROM v WHERE alert_keys.name = v.name`, args...); err != nil {
			return err
		}
	}
	return nil
}

// openedKey returns a key whose first and only alert opened an incident, as that of most new keys
// does. A known key never has this value, because its thread prefix is that of an earlier alert.
func openedKey(name string, id int64, rank job.Rank, use int64, digest string) alertKey {
	return alertKey{
		name: name, last: id, rank: rank, use: use, incident: id, digest: digest, updateOrder: id, updateTime: use, threadPrefix: threadPrefix(id),
	}
}

// onConflictName and onKnownName continue an INSERT of rows that may exist, which they update or
// leave as they are.
const (
	onConflictName = ` ON CONFLICT (name) DO UPDATE SET `
	onKnownName    = ` ON CONFLICT (name) DO NOTHING`
)
