package store

import (
	"context"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/incident"
)

// Lease takes or extends the lease of the changes.
func (s *Store) Lease(ctx context.Context, holder string, now, until time.Time) (after int64, leased bool, err error) {
	err = s.db.WriteSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		last, err := database.Select(ctx, t, scanInt, `UPDATE feeds SET holder = ?, lease_time = ?
			WHERE id = 1 AND (holder = ? OR lease_time <= ?) RETURNING last_change`, holder, micros(until), holder, micros(now))
		if leased = len(last) > 0; leased {
			after = last[0]
		}
		return err
	})
	return after, leased, err
}

// Release ends the lease of a holder.
func (s *Store) Release(ctx context.Context, holder string) error {
	return s.db.WriteSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, `UPDATE feeds SET holder = '', lease_time = 0 WHERE id = 1 AND holder = ?`, holder)
		return err
	})
}

// Apply applies changes, and the position after them, in one transaction.
func (s *Store) Apply(ctx context.Context, holder string, changes []incident.Change) error {
	if len(changes) == 0 {
		return nil
	}
	return s.write(ctx, func(ctx context.Context, t *database.Tx) error {
		held, err := t.Exec(ctx, `UPDATE feeds SET last_change = ? WHERE id = 1 AND holder = ?`, lastChange(changes), holder)
		if err != nil {
			return err
		}
		if held == 0 {
			return incident.ErrLeaseLost
		}
		known, err := affectedIncidents(ctx, t, changes)
		if err != nil {
			return err
		}
		w := &modifications{}
		for _, c := range changes {
			for _, m := range known.apply(c) {
				w.add(m)
			}
		}
		return w.write(ctx, t)
	})
}

// lastChange returns the highest id of changes.
func lastChange(changes []incident.Change) (last int64) {
	for _, c := range changes {
		last = max(last, c.ID)
	}
	return last
}

// knownIncidents are the incidents that changes affect, as they are stored or were changed since.
type knownIncidents struct {
	byID      map[int64]incident.Incident
	openByKey map[string][]int64
}

// affectedIncidents returns the incidents of changes, and the open ones of the keys for which they
// open incidents. They are locked.
func affectedIncidents(ctx context.Context, t *database.Tx, changes []incident.Change) (knownIncidents, error) {
	known := knownIncidents{byID: map[int64]incident.Incident{}, openByKey: map[string][]int64{}}
	var ids []int64
	var keys []string
	for _, c := range changes {
		ids = append(ids, c.Incident)
		if c.Kind == incident.ChangeOpened {
			keys = append(keys, storable(c.Alert.Key))
		}
	}
	for some := range database.ChunkLists(t, keys, maxStatementRows) {
		condition, args := database.In(t, some)
		open, err := database.Select(ctx, t, scanInt, `SELECT id FROM incidents WHERE state <> 3 AND alert_key `+condition, args...)
		if err != nil {
			return known, err
		}
		ids = append(ids, open...)
	}
	for some := range database.ChunkLists(t, ids, maxStatementRows) {
		condition, args := database.In(t, some)
		found, err := lockIncidents(ctx, t, `id `+condition, args...)
		if err != nil {
			return known, err
		}
		for _, i := range found {
			known.set(i)
		}
	}
	return known, nil
}

// set notes the state of an incident.
func (k knownIncidents) set(i incident.Incident) {
	k.byID[i.ID] = i
	if i.Open() && !slices.Contains(k.openByKey[i.Key], i.ID) {
		k.openByKey[i.Key] = append(k.openByKey[i.Key], i.ID)
	}
}

// apply applies a change, and returns the modifications of its incident and of older ones of its key.
func (k knownIncidents) apply(c incident.Change) []incident.Modification {
	m := incident.ApplyChange(k.byID[c.Incident], c)
	if m.Incident == nil {
		return nil
	}
	all := []incident.Modification{m}
	if c.Kind == incident.ChangeOpened {
		for _, id := range k.openByKey[m.Incident.Key] {
			if older := k.byID[id]; id != c.Incident && older.Open() {
				all = append(all, incident.Supersede(older, c.Alert))
			}
		}
		delete(k.openByKey, m.Incident.Key)
	}
	for _, m := range all {
		k.set(*m.Incident)
	}
	return all
}
