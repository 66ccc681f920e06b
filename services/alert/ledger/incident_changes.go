package ledger

import (
	"context"
	"database/sql"

	ent "github.com/bongsu-project/bongsu/gen/ent/ledger"
	entalert "github.com/bongsu-project/bongsu/gen/ent/ledger/alert"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// incidentChangesLock is the key of the advisory lock that orders incident changes in PostgreSQL.
const incidentChangesLock = "7308895158"

// insertIncidentChanges records the incident changes of alerts. It must be the last statement
// of the transaction: in PostgreSQL it locks the changes until the commit, so that they become
// visible in the order of their ids, and a follower misses none.
func insertIncidentChanges(ctx context.Context, t *database.Tx, adds []*pendingAdd) error {
	var changed []*pendingAdd
	for _, a := range adds {
		if a.alert.AlertKey != "" && a.alert.Incident != 0 {
			changed = append(changed, a)
		}
	}
	// A row that ChunkLists repeats is inserted once.
	for some := range database.ChunkLists(t, changed, maxStatementRows) {
		args := make([]any, 0, 3*len(some))
		for i, a := range some {
			if i > 0 && a == some[i-1] {
				args = append(args, 0, 0, 0)
				continue
			}
			args = append(args, a.alert.ID, a.alert.Incident, int(a.change))
		}
		rows, args := t.ValueRows([]string{"bigint", "bigint", "bigint"}, args)
		// In PostgreSQL the join needs the row of the lock before it returns the first row to insert.
		with, from := ``, `FROM v WHERE alert_id <> 0`
		if t.Postgres() {
			with, from = `, locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(`+incidentChangesLock+`))`, `FROM locked CROSS JOIN v`
		}
		if _, err := t.Exec(ctx, `WITH v (alert_id, incident, kind) AS (`+rows+`)`+with+`
			INSERT`+orRollback(t)+` INTO incident_changes (alert_id, incident, kind) SELECT v.* `+from, args...); err != nil {
			return err
		}
	}
	return nil
}

// IncidentChanges returns the changes of incidents after an id, with their alerts.
func (s *Store) IncidentChanges(ctx context.Context, after int64, limit int) (changes []alert.IncidentChange, err error) {
	if limit < 1 {
		return nil, fault.Invalidf("limit must be at least 1")
	}
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		changes, err = database.Select(ctx, t, func(rows *sql.Rows, c *alert.IncidentChange) error {
			return rows.Scan(&c.ID, &c.Alert.ID, &c.Incident, &c.Kind)
		}, `SELECT incident_changes.id, alert_id, incident, kind FROM incident_changes JOIN alerts ON alerts.id = alert_id
			WHERE incident_changes.id > ? ORDER BY incident_changes.id LIMIT ?`, after, limit)
		if err != nil || len(changes) == 0 {
			return err
		}
		return readChangedAlerts(ctx, t, changes)
	})
	return changes, err
}

// readChangedAlerts sets the alerts of changes.
func readChangedAlerts(ctx context.Context, t *database.Tx, changes []alert.IncidentChange) error {
	ids := make([]int64, len(changes))
	for i, c := range changes {
		ids[i] = c.Alert.ID
	}
	client := ent.NewClient(ent.Driver(t.Driver()))
	found := make(map[int64]alert.Alert, len(ids))
	for some := range database.ChunkRows(t, ids, maxStatementRows) {
		rows, err := client.Alert.Query().Where(entalert.IDIn(some...)).All(ctx)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if found[row.ID], err = toAlert(row); err != nil {
				return err
			}
		}
	}
	for i := range changes {
		changes[i].Alert = found[changes[i].Alert.ID]
	}
	return nil
}

// DeleteIncidentChanges deletes the changes of incidents up to an id.
func (s *Store) DeleteIncidentChanges(ctx context.Context, until int64) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, `DELETE FROM incident_changes WHERE id <= ?`, until)
		return err
	})
}
