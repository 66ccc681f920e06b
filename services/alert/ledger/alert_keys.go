package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

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

// addAlert sets the order of an alert under the key, its rank, and what it does to the incident.
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

// A threadPlace is the position of a delivery in its thread.
type threadPlace struct {
	thread   string
	blocked  bool
	canceled string // the reason for which it is canceled at once; empty if it is not

	reference threadReference // of the thread
}

// isFree reports whether a delivery can be claimed at once.
func (p threadPlace) isFree() bool { return !p.blocked && p.canceled == "" }

// enterThreads sets the order of alerts with keys, in the order of the calls, the ranks of
// resolved ones, what they do to their incidents, and the places of their deliveries in their
// threads. It returns the threads that must be settled after the deliveries are inserted. Without
// alert keys it runs no query.
func enterThreads(ctx context.Context, t *database.Tx, adds []*pendingAdd) (unsettled []string, err error) {
	var keyed []*pendingAdd
	for _, a := range adds {
		if a.alert.AlertKey != "" {
			a.places = make([]threadPlace, len(a.deliveries))
			keyed = append(keyed, a)
		}
	}
	if len(keyed) == 0 {
		return nil, nil
	}
	if err := enterKeys(ctx, t, keyed); err != nil {
		return nil, err
	}
	threads, err := enterRows(ctx, t, keyed)
	if err != nil {
		return nil, err
	}
	var known []string
	for name, th := range threads {
		if !th.isNew() {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	busy, err := selectBusyThreads(ctx, t, known)
	if err != nil {
		return nil, err
	}
	for _, a := range keyed {
		a.cancelRepeats(threads)
		for i := range a.places {
			p := &a.places[i]
			p.reference = threads[p.thread].reference
			switch {
			case p.thread == "" || p.canceled != "" || a.deliveries[i].State.IsFinal():
			case a.idle:
				p.canceled = alert.NotNeeded
			case busy[p.thread]:
				p.blocked = true
				unsettled = append(unsettled, p.thread)
			case a.isForNotified() && !threads[p.thread].notified:
				p.canceled = alert.NotNeeded
			default:
				busy[p.thread] = true
			}
		}
	}
	return unsettled, nil
}

// isForNotified reports whether an alert goes only to threads that were notified.
func (a *pendingAdd) isForNotified() bool { return a.alert.Resolved || a.alert.Acknowledged }

// cancelRepeats cancels the deliveries of a repeat to addresses that were notified of the state
// that it repeats, with the others of their chains.
func (a *pendingAdd) cancelRepeats(threads map[string]thread) {
	if !a.alert.Repeat || a.alert.Silence != 0 {
		return
	}
	chains := map[int64]bool{}
	for i := range a.places {
		p := &a.places[i]
		if th := threads[p.thread]; p.thread != "" && th.isNotifiedOf(a.update) {
			p.canceled = alert.Repeated
			chains[a.deliveries[i].Chain] = true
		}
	}
	delete(chains, 0)
	for i := range a.places {
		if p := &a.places[i]; p.thread != "" && chains[a.deliveries[i].Chain] {
			p.canceled = alert.Repeated
		}
	}
}

// threadKind returns the kind of the deliveries of an alert in their threads.
func (a *pendingAdd) threadKind() threadKind {
	switch {
	case a.alert.Repeat:
		return repeatKind
	case a.alert.Acknowledged:
		return acknowledgmentKind
	}
	return updateKind
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
const setKey = `use_time = excluded.use_time, last_order = excluded.last_order, rank = excluded.rank, resolved = excluded.resolved, incident = excluded.incident,
	digest = excluded.digest, update_order = excluded.update_order, update_time = excluded.update_time,
	resolve_time = excluded.resolve_time, reopen_count = excluded.reopen_count`

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
			INSERT INTO alert_keys (`+keyColumns+`) SELECT name, id, rank, false, use_time, id, digest, id, use_time, 0, 0, printf('%016x', id)
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
	for some := range database.ChunkRows(t, keys, maxStatementRows) {
		rows, args := keyRows(t, some)
		if _, err := t.Exec(ctx, `INSERT INTO alert_keys (`+keyColumns+`) `+rows+onConflictName+setKey, args...); err != nil {
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

// A threadEntry holds the values that alerts set in the row of a thread.
type threadEntry struct{ resolved, last, use, update int64 }

// enterRows inserts or updates the threads of alerts, whose rows stay locked until the commit, and
// returns them.
func enterRows(ctx context.Context, t *database.Tx, keyed []*pendingAdd) (map[string]thread, error) {
	entries := map[string]threadEntry{}
	var fresh, rest []string // those of new keys, and the others
	for _, a := range keyed {
		for i := range a.deliveries {
			d := &a.deliveries[i]
			if d.State.IsFinal() && d.Reason != alert.Silenced { // a silenced one may be replayed
				continue
			}
			name := threadOf(a.threadPrefix, a.alert.AlertKey, d)
			a.places[i].thread = name
			e, found := entries[name]
			switch {
			case found:
			case a.newKey:
				fresh = append(fresh, name)
			default:
				rest = append(rest, name)
			}
			e.last, e.update, e.use = a.order, a.update, max(e.use, micros(a.alert.CreateTime))
			if a.alert.Resolved {
				e.resolved = a.order
			}
			entries[name] = e
		}
	}
	threads := make(map[string]thread, len(entries))
	for _, name := range fresh {
		e := entries[name]
		threads[name] = thread{name: name, resolved: e.resolved, sent: newThread, update: e.update}
	}
	slices.Sort(rest)
	if err := insertThreads(ctx, t, fresh, entries); err != nil {
		return nil, err
	}
	return threads, upsertThreads(ctx, t, rest, entries, threads)
}

// threadRows returns the query for rows of threads, and its parameters.
func threadRows(t *database.Tx, names []string, entries map[string]threadEntry) (query string, args []any) {
	args = make([]any, 0, 5*len(names))
	for _, name := range names {
		e := entries[name]
		args = append(args, name, e.resolved, e.last, e.use, e.update)
	}
	rows, args := t.ValueRows([]string{"text", "bigint", "bigint", "bigint", "bigint"}, args)
	return `WITH v (name, resolved_order, last_order, use_time, update_order) AS (` + rows + `)
		INSERT INTO threads (name, resolved_order, last_order, use_time, update_order, notified, sent_order)
		SELECT v.*, false, ` + sqlNewThread + ` FROM v`, args
}

// insertThreads inserts the threads of new keys, which do not exist.
func insertThreads(ctx context.Context, t *database.Tx, names []string, entries map[string]threadEntry) error {
	var opened, rest []string
	for _, name := range names {
		if e := entries[name]; e.resolved == 0 && e.update == e.last {
			opened = append(opened, name)
		} else {
			rest = append(rest, name)
		}
	}
	for some := range database.ChunkLists(t, opened, maxStatementRows) {
		args := make([]any, 0, 3*len(some))
		for _, name := range some {
			args = append(args, name, entries[name].last, entries[name].use)
		}
		rows, args := t.ValueRows([]string{"text", "bigint", "bigint"}, args)
		if _, err := t.Exec(ctx, `WITH v (name, last_order, use_time) AS (`+rows+`)
			INSERT INTO threads (name, resolved_order, last_order, use_time, update_order, notified, sent_order)
			SELECT name, 0, last_order, use_time, last_order, false, `+sqlNewThread+` FROM v WHERE true`+onKnownName, args...); err != nil {
			return err
		}
	}
	for some := range database.ChunkRows(t, rest, maxStatementRows) {
		insert, args := threadRows(t, some, entries)
		if _, err := t.Exec(ctx, insert, args...); err != nil {
			return err
		}
	}
	return nil
}

// upsertThreads inserts or updates threads and adds them to threads.
func upsertThreads(ctx context.Context, t *database.Tx, names []string, entries map[string]threadEntry, threads map[string]thread) error {
	for some := range database.ChunkRows(t, names, maxStatementRows) {
		insert, args := threadRows(t, some, entries)
		stored, err := database.Select(ctx, t, func(rows *sql.Rows, th *thread) error { return th.scan(rows) },
			insert+` WHERE true`+onConflictName+`
			resolved_order = CASE WHEN excluded.resolved_order > 0 THEN excluded.resolved_order ELSE threads.resolved_order END,
			last_order = excluded.last_order, use_time = excluded.use_time, update_order = excluded.update_order,
			sent_order = CASE WHEN threads.sent_order < 0 THEN 0 ELSE threads.sent_order END
			RETURNING `+threadColumns, args...)
		if err != nil {
			return err
		}
		for _, th := range stored {
			threads[th.name] = th
		}
	}
	return nil
}

// selectBusyThreads returns which of the threads have deliveries that are not completed. The
// condition repeats that of the partial index on threads.
func selectBusyThreads(ctx context.Context, t *database.Tx, names []string) (map[string]bool, error) {
	busy := map[string]bool{}
	for some := range database.ChunkRows(t, names, maxStatementRows) {
		in, args := database.In(t, some)
		found, err := selectThreads(ctx, t, `thread `+in+` AND `+isOpen, args...)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			busy[name] = true
		}
	}
	return busy, nil
}

// apply sets the state of the delivery that its place in the thread requires, and its previous
// message.
func (p threadPlace) apply(a *alert.Alert, d *alert.Delivery) {
	switch {
	case p.canceled != "":
		d.State, d.Reason, d.EndTime = alert.Canceled, p.canceled, a.CreateTime
		d.Hold, d.NextTime = alert.HoldNone, time.Time{}
	case p.blocked:
		d.State = alert.Held
	}
	d.Previous = p.reference.previous(a.Incident, d.Destination)
}
