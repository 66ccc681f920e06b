package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/incident"
)

// encodeSteps returns steps in JSON.
func encodeSteps(steps []incident.Step) string {
	text, _ := json.Marshal(steps) // strings and numbers are always encoded
	return string(text)
}

func decodeSteps(text string) (steps []incident.Step, err error) {
	if err := json.Unmarshal([]byte(text), &steps); err != nil {
		return nil, fmt.Errorf("decode escalation steps: %w", err)
	}
	return steps, nil
}

// escalationColumns are the columns that scanEscalation reads.
const escalationColumns = `id, steps, repeat_count, step, round, due_time`

func scanEscalation(rows *sql.Rows, e *incident.Escalation) error {
	var steps string
	var due int64
	if err := rows.Scan(&e.Incident, &steps, &e.RepeatCount, &e.Step, &e.Round, &due); err != nil {
		return err
	}
	e.DueTime = moment(due)
	var err error
	e.Steps, err = decodeSteps(steps)
	return err
}

// TakeEscalations takes due steps, the oldest first. While none is due it only reads. It locks the
// incidents before their escalations, as the other transactions do.
func (s *Store) TakeEscalations(ctx context.Context, now time.Time, limit int) (taken int, next time.Time, err error) {
	first, ok, err := s.db.QueryInt(ctx, `SELECT due_time FROM escalations ORDER BY due_time LIMIT 1`)
	if err != nil || !ok || first > micros(now) {
		return 0, moment(first), err
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		taken, next = 0, time.Time{}
		ids, err := database.Select(ctx, t, scanInt, `SELECT id FROM escalations WHERE due_time <= ? ORDER BY due_time, id LIMIT ?`, micros(now), limit)
		if err != nil {
			return err
		}
		for some := range database.ChunkLists(t, ids, maxStatementRows) {
			n, err := takeSteps(ctx, t, some, now)
			if err != nil {
				return err
			}
			taken += n
		}
		due, err := database.Select(ctx, t, scanInt, `SELECT due_time FROM escalations ORDER BY due_time LIMIT 1`)
		if len(due) > 0 {
			next = moment(due[0])
		}
		return err
	})
	return taken, next, err
}

// takeSteps takes the due steps of incidents and returns their number. Another process may have
// taken some of them.
func takeSteps(ctx context.Context, t *database.Tx, ids []int64, now time.Time) (taken int, err error) {
	condition, args := database.In(t, ids)
	locked, err := lockIncidents(ctx, t, `id `+condition, args...)
	if err != nil {
		return 0, err
	}
	incidents := make(map[int64]incident.Incident, len(locked))
	for _, i := range locked {
		incidents[i.ID] = i
	}
	due, err := database.Select(ctx, t, scanEscalation, `SELECT `+escalationColumns+` FROM escalations
		WHERE due_time <= ? AND id `+condition+` ORDER BY due_time, id`, append([]any{micros(now)}, args...)...)
	if err != nil {
		return 0, err
	}
	w := &modifications{}
	for _, e := range due {
		m, next := incident.Escalate(incidents[e.Incident], e, now)
		w.add(m)
		if err := setEscalation(ctx, t, e.Incident, next); err != nil {
			return 0, err
		}
	}
	return len(due), w.write(ctx, t)
}

// setEscalation stores the escalation of an incident; nil deletes it.
func setEscalation(ctx context.Context, t *database.Tx, id int64, e *incident.Escalation) error {
	if e == nil {
		_, err := t.Exec(ctx, `DELETE FROM escalations WHERE id = ?`, id)
		return err
	}
	_, err := t.Exec(ctx, `INSERT INTO escalations (`+escalationColumns+`) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET steps = excluded.steps, repeat_count = excluded.repeat_count, step = excluded.step,
			round = excluded.round, due_time = excluded.due_time`,
		id, encodeSteps(e.Steps), e.RepeatCount, e.Step, e.Round, micros(e.DueTime))
	return err
}

// writeEscalations begins the escalations of incidents that a modification escalates, and ends those
// of incidents that are not firing. It sets their next steps.
func (w *modifications) writeEscalations(ctx context.Context, t *database.Tx) error {
	var over []int64
	for _, id := range w.order {
		i := w.incidents[id]
		switch at, escalates := w.escalate[id]; {
		case i.State != incident.Firing:
			i.NextEscalation = time.Time{}
			over = append(over, id)
		case escalates:
			if err := w.begin(ctx, t, &i, at); err != nil {
				return err
			}
		}
		w.incidents[id] = i
	}
	for some := range database.ChunkLists(t, over, maxStatementRows) {
		condition, args := database.In(t, some)
		if _, err := t.Exec(ctx, `DELETE FROM escalations WHERE id `+condition, args...); err != nil {
			return err
		}
	}
	return nil
}

// begin begins the escalation of an incident by the policy that it names or, if it names none, by
// that of the first of its groups that has one.
func (w *modifications) begin(ctx context.Context, t *database.Tx, i *incident.Incident, at time.Time) error {
	policy, ok, err := policyOf(ctx, t, *i)
	if err != nil {
		return err
	}
	if !ok {
		i.NextEscalation = time.Time{}
		if i.Escalation != "" {
			w.addUnknownPolicy(i, at)
		}
		return setEscalation(ctx, t, i.ID, nil)
	}
	e := incident.StartEscalation(i.ID, policy, at)
	i.Escalation, i.NextEscalation = policy.Name, e.DueTime
	return setEscalation(ctx, t, i.ID, &e)
}

// addUnknownPolicy adds an entry for an incident that names an unknown policy.
func (w *modifications) addUnknownPolicy(i *incident.Incident, at time.Time) {
	if i.EntryCount >= incident.MaxEntries {
		return
	}
	i.EntryCount++
	w.entries = append(w.entries, newEntry{i.ID, incident.Entry{
		Number: i.EntryCount, Kind: incident.EntryEscalated, Time: at, Text: "unknown escalation policy " + i.Escalation + ": nobody is notified",
	}})
}

// policyOf returns the policy of an incident, and whether it has one.
func policyOf(ctx context.Context, t *database.Tx, i incident.Incident) (incident.Policy, bool, error) {
	if i.Escalation != "" {
		return findPolicy(ctx, t, i.Escalation)
	}
	names := incident.GroupNames(i.Targets)
	if len(names) == 0 {
		return incident.Policy{}, false, nil
	}
	byGroup := map[string]string{}
	for some := range database.ChunkLists(t, names, maxStatementRows) {
		condition, args := database.In(t, some)
		found, err := database.Select(ctx, t, scanPair, `SELECT group_name, policy FROM escalation_groups WHERE group_name `+condition, args...)
		if err != nil {
			return incident.Policy{}, false, err
		}
		for _, p := range found {
			byGroup[p[0]] = p[1]
		}
	}
	for _, name := range names {
		if policy, ok := byGroup[name]; ok {
			return findPolicy(ctx, t, policy)
		}
	}
	return incident.Policy{}, false, nil
}
