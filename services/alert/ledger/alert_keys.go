package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
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
	resolved bool  // of the last alert
	use      int64 // when it was last used
}

// addAlert sets the order of an alert under the key, and its rank.
func (k *alertKey) addAlert(a *pendingAdd) {
	first := k.last == 0
	k.last = max(k.last+1, a.alert.ID) // in the order of ids, as far as concurrent processes assign them in order
	a.order = k.last
	switch {
	case first || !a.alert.Resolved && k.resolved:
		k.rank = a.rank
	case a.alert.Resolved:
		a.rank = k.rank
	default:
		k.rank = min(k.rank, a.rank)
	}
	k.resolved = a.alert.Resolved
}

// A threadPlace is the position of a delivery in its thread.
type threadPlace struct {
	thread    string
	blocked   bool
	notNeeded bool // it is canceled at once, as not needed
}

// enterThreads sets the order of alerts with keys, in the order of the calls, the ranks of
// resolved ones, and the places of their deliveries in their threads. It returns the threads
// that must be settled after the deliveries are inserted. Without alert keys it runs no query.
func enterThreads(ctx context.Context, t *database.Tx, adds []*pendingAdd) (unsettled []string, err error) {
	var keyed []*pendingAdd
	for _, a := range adds {
		if a.alert.AlertKey != "" {
			a.rank, a.order, a.places = a.alert.Rank(), 0, make([]threadPlace, len(a.deliveries))
			keyed = append(keyed, a)
		}
	}
	if len(keyed) == 0 {
		return nil, nil
	}
	if err := enterKeys(ctx, t, keyed); err != nil {
		return nil, err
	}
	threads, err := upsertThreads(ctx, t, keyed)
	if err != nil {
		return nil, err
	}
	busy, err := selectBusyThreads(ctx, t, slices.Sorted(maps.Keys(threads)))
	if err != nil {
		return nil, err
	}
	for _, a := range keyed {
		for i := range a.places {
			p := &a.places[i]
			switch {
			case p.thread == "" || a.deliveries[i].State.IsFinal():
			case busy[p.thread]:
				p.blocked = true
				unsettled = append(unsettled, p.thread)
			case a.alert.Resolved && !threads[p.thread].notified:
				p.notNeeded = true
			default:
				busy[p.thread] = true
			}
		}
	}
	return unsettled, nil
}

// enterKeys enters alerts under their keys, whose rows stay locked until the commit. All
// processes lock them in the same order.
func enterKeys(ctx context.Context, t *database.Tx, keyed []*pendingAdd) error {
	keys := map[string]*alertKey{}
	for _, a := range keyed {
		k, ok := keys[a.alert.AlertKey]
		if !ok {
			k = &alertKey{name: a.alert.AlertKey}
			keys[k.name] = k
		}
		k.use = max(k.use, micros(a.alert.CreateTime))
	}
	rows := slices.SortedFunc(maps.Values(keys), func(a, b *alertKey) int { return cmp.Compare(a.name, b.name) })
	stored, err := upsertAlertKeys(ctx, t, rows, `use_time = excluded.use_time`)
	if err != nil {
		return err
	}
	for _, k := range stored {
		*keys[k.name] = k
	}
	for _, a := range keyed {
		keys[a.alert.AlertKey].addAlert(a)
	}
	_, err = upsertAlertKeys(ctx, t, rows, `last_order = excluded.last_order, rank = excluded.rank, resolved = excluded.resolved`)
	return err
}

// upsertAlertKeys inserts rows, applies set to existing ones, and returns their values
// afterwards.
func upsertAlertKeys(ctx context.Context, t *database.Tx, keys []*alertKey, set string) (all []alertKey, err error) {
	for some := range database.ChunkRows(t, keys, maxStatementRows) {
		args := make([]any, 0, 5*len(some))
		for _, k := range some {
			args = append(args, k.name, k.last, int(k.rank), k.resolved, k.use)
		}
		rows, args := t.ValueRows([]string{"text", "bigint", "bigint", "boolean", "bigint"}, args)
		stored, err := database.Select(ctx, t, func(rows *sql.Rows, k *alertKey) error {
			return rows.Scan(&k.name, &k.last, &k.rank, &k.resolved, &k.use)
		}, `INSERT INTO alert_keys (name, last_order, rank, resolved, use_time) `+rows+onConflictName+set+`
			RETURNING name, last_order, rank, resolved, use_time`, args...)
		if err != nil {
			return nil, err
		}
		all = append(all, stored...)
	}
	return all, nil
}

// onConflictName continues an INSERT of rows that may exist.
const onConflictName = ` ON CONFLICT (name) DO UPDATE SET `

// upsertThreads inserts or updates the threads of alerts, whose rows stay locked until the
// commit, and returns them.
func upsertThreads(ctx context.Context, t *database.Tx, keyed []*pendingAdd) (map[string]thread, error) {
	type entry struct{ resolved, last, use int64 }
	entries := map[string]entry{}
	for _, a := range keyed {
		for i := range a.deliveries {
			d := &a.deliveries[i]
			if d.State.IsFinal() && d.Reason != alert.Silenced { // a silenced one may be replayed
				continue
			}
			name := threadOf(a.alert.AlertKey, d)
			a.places[i].thread = name
			e := entries[name]
			e.last, e.use = a.order, max(e.use, micros(a.alert.CreateTime))
			if a.alert.Resolved {
				e.resolved = a.order
			}
			entries[name] = e
		}
	}
	threads := make(map[string]thread, len(entries))
	for some := range database.ChunkRows(t, slices.Sorted(maps.Keys(entries)), maxStatementRows) {
		args := make([]any, 0, 5*len(some))
		for _, name := range some {
			e := entries[name]
			args = append(args, name, false, e.resolved, e.last, e.use)
		}
		rows, args := t.ValueRows([]string{"text", "boolean", "bigint", "bigint", "bigint"}, args)
		stored, err := database.Select(ctx, t, func(rows *sql.Rows, th *thread) error {
			return rows.Scan(&th.name, &th.notified, &th.resolved)
		}, `INSERT INTO threads (name, notified, resolved_order, last_order, use_time) `+rows+onConflictName+`
			resolved_order = CASE WHEN excluded.resolved_order > 0 THEN excluded.resolved_order ELSE threads.resolved_order END,
			last_order = excluded.last_order, use_time = excluded.use_time
			RETURNING name, notified, resolved_order`, args...)
		if err != nil {
			return nil, err
		}
		for _, th := range stored {
			threads[th.name] = th
		}
	}
	return threads, nil
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

// apply sets the state of the delivery that its place in the thread requires.
func (p threadPlace) apply(a *alert.Alert, d *alert.Delivery) {
	switch {
	case p.notNeeded:
		d.State, d.Reason, d.EndTime = alert.Canceled, alert.NotNeeded, a.CreateTime
	case p.blocked:
		d.State = alert.Held
	}
}
