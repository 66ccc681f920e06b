package store

import (
	"context"
	"fmt"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/monitor"
)

// setDependencies stores the dependencies of a monitor. The revision must be locked, so that no other
// dependency changes.
func setDependencies(ctx context.Context, t *database.Tx, m monitor.Monitor) error {
	if _, err := t.Exec(ctx, `DELETE FROM monitor_dependencies WHERE monitor = ?`, m.ID); err != nil {
		return err
	}
	for i, name := range m.Settings.DependsOn { // few
		field := fmt.Sprintf("depends_on[%d]", i)
		found, err := database.Select(ctx, t, scanInt, `SELECT id FROM monitors WHERE name = ?`, storable(name))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fault.InvalidField(field, "monitor %s not found", name)
		}
		depends, err := dependsOn(ctx, t, found[0], m.ID)
		if err != nil {
			return err
		}
		if depends {
			return fault.InvalidField(field, "monitor %s depends on %s", name, m.Settings.Name)
		}
		if _, err := t.Exec(ctx, `INSERT INTO monitor_dependencies (monitor, depends_on) VALUES (?, ?) ON CONFLICT (monitor, depends_on) DO NOTHING`,
			m.ID, found[0]); err != nil {
			return err
		}
	}
	return nil
}

// dependsOn reports whether a monitor is another one, or depends on it, directly or not.
func dependsOn(ctx context.Context, t *database.Tx, id, other int64) (bool, error) {
	seen := map[int64]bool{id: true}
	for next := []int64{id}; len(next) > 0; {
		if seen[other] {
			return true, nil
		}
		var found []int64
		for some := range database.ChunkLists(t, next, maxStatementRows) {
			condition, args := database.In(t, some)
			ids, err := database.Select(ctx, t, scanInt, `SELECT depends_on FROM monitor_dependencies WHERE monitor `+condition, args...)
			if err != nil {
				return false, err
			}
			found = append(found, ids...)
		}
		next = nil
		for _, id := range found {
			if !seen[id] {
				seen[id], next = true, append(next, id)
			}
		}
	}
	return seen[other], nil
}

// checkNoDependents returns fault.ErrPrecondition if another monitor depends on one.
func checkNoDependents(ctx context.Context, t *database.Tx, m monitor.Monitor) error {
	names, err := database.Select(ctx, t, scanText,
		`SELECT name FROM monitor_dependencies JOIN monitors ON monitors.id = monitor_dependencies.monitor WHERE depends_on = ? ORDER BY name LIMIT 1`, m.ID)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fault.WithReason(fault.Preconditionf("monitor %s depends on %s: change it first", names[0], m.Settings.Name), "MONITOR_IN_USE")
	}
	return nil
}
