package store

import (
	"context"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/incident"
)

// Modify changes an incident by a rule.
func (s *Store) Modify(ctx context.Context, id int64, rule incident.Rule) (i incident.Incident, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		found, err := lockIncidents(ctx, t, `id = ?`, id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return errNoIncident(id)
		}
		i = found[0]
		m, err := rule(i)
		if err != nil {
			return err
		}
		w := &modifications{}
		w.add(m)
		if err := w.write(ctx, t); err != nil {
			return err
		}
		if m.Incident != nil {
			i = stored(w.incidents[i.ID])
		}
		return nil
	})
	return i, err
}

// lockIncidents returns the incidents that a condition selects, and locks them until the end of
// the transaction, in the order of their ids.
func lockIncidents(ctx context.Context, t *database.Tx, condition string, args ...any) ([]incident.Incident, error) {
	lock := ""
	if t.Postgres() {
		lock = ` FOR UPDATE`
	}
	return database.Select(ctx, t, scanIncident, `SELECT `+incidentColumns+` FROM incidents WHERE `+condition+` ORDER BY id`+lock, args...)
}

// modifications collects the changes of a transaction. Of an incident that changes several times,
// the last state is written.
type modifications struct {
	incidents map[int64]incident.Incident
	order     []int64
	entries   []newEntry
	notices   []incident.Notice
}

// A newEntry is an entry to be inserted.
type newEntry struct {
	incident int64
	incident.Entry
}

// add adds a modification.
func (w *modifications) add(m incident.Modification) {
	if m.Incident == nil {
		return
	}
	if w.incidents == nil {
		w.incidents = map[int64]incident.Incident{}
	}
	id := m.Incident.ID
	if _, ok := w.incidents[id]; !ok {
		w.order = append(w.order, id)
	}
	w.incidents[id] = *m.Incident
	for _, e := range m.Entries {
		w.entries = append(w.entries, newEntry{id, e})
	}
	w.notices = append(w.notices, m.Notices...)
}

// write writes all.
func (w *modifications) write(ctx context.Context, t *database.Tx) error {
	if len(w.order) == 0 {
		return nil
	}
	if err := w.writeEntries(ctx, t); err != nil {
		return err
	}
	if err := w.writeNotices(ctx, t); err != nil {
		return err
	}
	if err := w.assignRevisions(ctx, t); err != nil {
		return err
	}
	return w.writeIncidents(ctx, t)
}

// assignRevisions assigns a revision to each incident. It locks the last revision until the end
// of the transaction, so that a greater one is not visible before a smaller one.
func (w *modifications) assignRevisions(ctx context.Context, t *database.Tx) error {
	last, err := database.Select(ctx, t, scanInt, `UPDATE revisions SET last = last + ? WHERE id = 1 RETURNING last`, len(w.order))
	if err != nil {
		return err
	}
	for n, id := range w.order {
		i := w.incidents[id]
		i.Revision = last[0] - int64(len(w.order)-n-1)
		w.incidents[id] = i
	}
	return nil
}

// writeIncidents inserts or replaces the incidents.
func (w *modifications) writeIncidents(ctx context.Context, t *database.Tx) error {
	for some := range database.ChunkRows(t, w.order, maxStatementRows) {
		all := make([]any, 0, len(incidentTypes)*len(some))
		for _, id := range some {
			all = append(all, incidentRow(w.incidents[id])...)
		}
		rows, args := t.ValueRows(incidentTypes, all)
		if _, err := t.Exec(ctx, `INSERT INTO incidents (`+incidentColumns+`) `+rows+` ON CONFLICT (id) DO UPDATE SET
			state = excluded.state, severity = excluded.severity, title = excluded.title, message = excluded.message, link = excluded.link,
			targets = excluded.targets, messengers = excluded.messengers, escalation = excluded.escalation,
			alert_count = excluded.alert_count, reopen_count = excluded.reopen_count, update_time = excluded.update_time,
			resolve_time = excluded.resolve_time, ack_time = excluded.ack_time, ack_by = excluded.ack_by,
			entry_count = excluded.entry_count, last_change = excluded.last_change, revision = excluded.revision`, args...); err != nil {
			return err
		}
	}
	return nil
}

// entryTypes are the types of the columns of an entry in PostgreSQL.
var entryTypes = []string{"bigint", "bigint", "bigint", "bigint", "text", "text", "bigint"}

// writeEntries inserts the entries.
func (w *modifications) writeEntries(ctx context.Context, t *database.Tx) error {
	for some := range database.ChunkRows(t, w.entries, maxStatementRows) {
		all := make([]any, 0, len(entryTypes)*len(some))
		for _, e := range some {
			all = append(all, e.incident, int64(e.Number), int64(e.Kind), micros(e.Time), storable(e.By), storable(e.Text), e.AlertID)
		}
		rows, args := t.ValueRows(entryTypes, all)
		if _, err := t.Exec(ctx, `INSERT INTO incident_entries (incident, number, kind, time, author, text, alert_id) `+rows, args...); err != nil {
			return err
		}
	}
	return nil
}

// noticeTypes are the types of the columns of a notice in PostgreSQL.
var noticeTypes = []string{"bigint", "bigint", "text", "bigint", "bigint", "bigint"}

// writeNotices inserts the notices, in their order.
func (w *modifications) writeNotices(ctx context.Context, t *database.Tx) error {
	for some := range database.ChunkRows(t, w.notices, maxStatementRows) {
		all := make([]any, 0, len(noticeTypes)*len(some))
		for _, n := range some {
			content, err := encodeNotice(n)
			if err != nil {
				return err
			}
			all = append(all, n.Incident, int64(n.Entry), content, int64(0), micros(n.CreateTime), micros(n.DueTime))
		}
		rows, args := t.ValueRows(noticeTypes, all)
		if _, err := t.Exec(ctx, `INSERT INTO notices (incident, entry, content, attempt, create_time, due_time) `+rows, args...); err != nil {
			return err
		}
	}
	return nil
}
