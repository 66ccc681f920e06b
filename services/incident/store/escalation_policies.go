package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/incident"
)

func errNoPolicy(name string) error {
	return fault.WithResource(fault.NotFoundf("escalation policy %s not found", name), "escalation policy", name)
}

func scanPolicy(rows *sql.Rows, p *incident.Policy) error {
	var steps string
	var updated int64
	if err := rows.Scan(&p.Name, &steps, &p.RepeatCount, &updated); err != nil {
		return err
	}
	p.UpdateTime = moment(updated)
	var err error
	p.Steps, err = decodeSteps(steps)
	return err
}

func scanText(rows *sql.Rows, text *string) error { return rows.Scan(text) }

func scanPair(rows *sql.Rows, p *[2]string) error { return rows.Scan(&p[0], &p[1]) }

// selectPolicies is the query for policies, without their groups.
const selectPolicies = `SELECT name, steps, repeat_count, update_time FROM escalation_policies`

// findPolicy returns a policy without its groups, and whether it exists.
func findPolicy(ctx context.Context, t *database.Tx, name string) (incident.Policy, bool, error) {
	found, err := database.Select(ctx, t, scanPolicy, selectPolicies+` WHERE name = ?`, storable(name))
	if err != nil || len(found) == 0 {
		return incident.Policy{}, false, err
	}
	return found[0], true, nil
}

// ListPolicies returns all policies, by name.
func (s *Store) ListPolicies(ctx context.Context) (all []incident.Policy, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err = database.Select(ctx, t, scanPolicy, selectPolicies+` ORDER BY name`)
		if err != nil {
			return err
		}
		groups, err := database.Select(ctx, t, scanPair, `SELECT group_name, policy FROM escalation_groups ORDER BY group_name`)
		for i := range all {
			for _, g := range groups {
				if g[1] == all[i].Name {
					all[i].Groups = append(all[i].Groups, g[0])
				}
			}
		}
		return err
	})
	return all, err
}

// Policy returns a policy.
func (s *Store) Policy(ctx context.Context, name string) (incident.Policy, error) {
	var p incident.Policy
	err := s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		found, ok, err := findPolicy(ctx, t, name)
		if err != nil {
			return err
		}
		if !ok {
			return errNoPolicy(name)
		}
		found.Groups, err = database.Select(ctx, t, scanText, `SELECT group_name FROM escalation_groups WHERE policy = ? ORDER BY group_name`, storable(name))
		p = found
		return err
	})
	return p, err
}

// SetPolicy creates or replaces a policy and its groups.
func (s *Store) SetPolicy(ctx context.Context, p incident.Policy) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if _, err := t.Exec(ctx, `INSERT INTO escalation_policies (name, steps, repeat_count, update_time) VALUES (?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET steps = excluded.steps, repeat_count = excluded.repeat_count, update_time = excluded.update_time`,
			p.Name, encodeSteps(p.Steps), p.RepeatCount, micros(p.UpdateTime)); err != nil {
			return err
		}
		if _, err := t.Exec(ctx, `DELETE FROM escalation_groups WHERE policy = ?`, p.Name); err != nil {
			return err
		}
		for i, group := range p.Groups { // at most 100
			added, err := t.Exec(ctx, `INSERT INTO escalation_groups (group_name, policy) VALUES (?, ?) ON CONFLICT (group_name) DO NOTHING`, storable(group), p.Name)
			if err != nil {
				return err
			}
			if added == 0 {
				return fault.InvalidField(fmt.Sprintf("groups[%d]", i), "another escalation policy is attached to group %s", group)
			}
		}
		return nil
	})
}

// DeletePolicy deletes a policy and detaches it from its groups.
func (s *Store) DeletePolicy(ctx context.Context, name string) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		deleted, err := t.Exec(ctx, `DELETE FROM escalation_policies WHERE name = ?`, storable(name))
		if err != nil {
			return err
		}
		if deleted == 0 {
			return errNoPolicy(name)
		}
		_, err = t.Exec(ctx, `DELETE FROM escalation_groups WHERE policy = ?`, storable(name))
		return err
	})
}
