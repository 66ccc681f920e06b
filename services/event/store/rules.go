package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	ent "github.com/bongsu-project/bongsu/gen/ent/event"
	entrule "github.com/bongsu-project/bongsu/gen/ent/event/eventrule"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/event"
)

// AddRule stores a rule.
func (s *Store) AddRule(ctx context.Context, r event.Rule) (revision int64, err error) {
	notify, err := json.Marshal(r.Notify)
	if err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if revision, err = nextRevision(ctx, t); err != nil {
			return err
		}
		batch := batchOf(r)
		err := client(t).EventRule.Create().SetID(r.Name).SetType(r.Type).SetCondition(r.Condition).SetTitle(r.Title).
			SetMessage(r.Message).SetLink(r.Link).SetSeverity(r.Severity).SetNotify(string(notify)).
			SetBatchCount(batch.Count).SetBatchWithin(batch.Within.Microseconds()).SetBatchMessage(batch.Message).
			SetAlertKey(r.Key).SetStatus(r.Status).SetEscalation(r.Escalation).SetRepeatFields(encodeFields(r.RepeatFields)).
			SetDisabled(r.Disabled).SetTTL(r.TTL.Microseconds()).SetRevision(revision).SetUpdateTime(r.UpdateTime.UnixMicro()).Exec(ctx)
		if database.IsUniqueViolation(err) {
			return fault.WithResource(fault.Existsf("event rule %q already exists", r.Name), "event rule", r.Name)
		}
		return invalidValue(err)
	})
	return revision, err
}

// SetRule replaces a rule. The revision of the store is increased first: its row is the lock of
// all changes of rules.
func (s *Store) SetRule(ctx context.Context, r event.Rule) (revision int64, err error) {
	notify, err := json.Marshal(r.Notify)
	if err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if revision, err = nextRevision(ctx, t); err != nil {
			return err
		}
		row, err := client(t).EventRule.Get(ctx, r.Name)
		if ent.IsNotFound(err) {
			return errNoRule(r.Name)
		}
		if err != nil {
			return err
		}
		if r.Revision != 0 && row.Revision != r.Revision {
			return fault.WithResource(fault.Conflictf("event rule %q was changed: it has revision %d, not %d; get it and apply the change again",
				r.Name, row.Revision, r.Revision), "event rule", r.Name)
		}
		batch := batchOf(r)
		return invalidValue(row.Update().SetType(r.Type).SetCondition(r.Condition).SetTitle(r.Title).
			SetMessage(r.Message).SetLink(r.Link).SetSeverity(r.Severity).SetNotify(string(notify)).
			SetBatchCount(batch.Count).SetBatchWithin(batch.Within.Microseconds()).SetBatchMessage(batch.Message).
			SetAlertKey(r.Key).SetStatus(r.Status).SetEscalation(r.Escalation).SetRepeatFields(encodeFields(r.RepeatFields)).
			SetDisabled(r.Disabled).SetTTL(r.TTL.Microseconds()).SetRevision(revision).SetUpdateTime(r.UpdateTime.UnixMicro()).Exec(ctx))
	})
	return revision, err
}

// DeleteRule deletes a rule.
func (s *Store) DeleteRule(ctx context.Context, name string) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if _, err := nextRevision(ctx, t); err != nil {
			return err
		}
		n, err := t.Exec(ctx, `DELETE FROM event_rules WHERE id = ?`, name)
		if err == nil && n == 0 {
			return errNoRule(name)
		}
		return err
	})
}

// Rule returns one rule.
func (s *Store) Rule(ctx context.Context, name string) (r event.Rule, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		row, err := client(t).EventRule.Get(ctx, name)
		if ent.IsNotFound(err) {
			return errNoRule(name)
		}
		if err != nil {
			return err
		}
		r, err = toRule(row)
		return err
	})
	return r, err
}

// Rules returns rules by name.
func (s *Store) Rules(ctx context.Context, after string, limit int) (rules []event.Rule, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, err := client(t).EventRule.Query().Where(entrule.IDGT(after)).Order(entrule.ByID()).Limit(limit).All(ctx)
		if err != nil {
			return err
		}
		rules, err = toRules(rows)
		return err
	})
	return rules, err
}

// AllRules returns all rules by name, and the revision that they are of.
func (s *Store) AllRules(ctx context.Context) (rules []event.Rule, revision int64, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, err := client(t).EventRule.Query().Order(entrule.ByID()).All(ctx)
		if err != nil {
			return err
		}
		if rules, err = toRules(rows); err != nil {
			return err
		}
		revisions, err := database.Select(ctx, t, scanInt, `SELECT revision FROM rule_revisions WHERE id = 1`)
		if len(revisions) > 0 {
			revision = revisions[0]
		}
		return err
	})
	return rules, revision, err
}

// RuleRevision returns the revision of the store.
func (s *Store) RuleRevision(ctx context.Context) (int64, error) {
	revision, _, err := s.db.QueryInt(ctx, `SELECT revision FROM rule_revisions WHERE id = 1`)
	return revision, err
}

// nextRevision increases the revision of the store, and returns it. It waits for other changes.
func nextRevision(ctx context.Context, t *database.Tx) (int64, error) {
	revisions, err := database.Select(ctx, t, scanInt, `INSERT INTO rule_revisions (id, revision) VALUES (1, 1)
		ON CONFLICT (id) DO UPDATE SET revision = rule_revisions.revision + 1 RETURNING revision`)
	if err != nil {
		return 0, err
	}
	return revisions[0], nil
}

func scanInt(rows *sql.Rows, n *int64) error { return rows.Scan(n) }

// batchOf returns the batch of a rule; its zero value for none.
func batchOf(r event.Rule) event.BatchSpec {
	if r.Batch == nil {
		return event.BatchSpec{}
	}
	return *r.Batch
}

func toRules(rows []*ent.EventRule) ([]event.Rule, error) {
	rules := make([]event.Rule, len(rows))
	for i, row := range rows {
		var err error
		if rules[i], err = toRule(row); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

func toRule(row *ent.EventRule) (event.Rule, error) {
	r := event.Rule{
		Name: row.ID, Type: row.Type, Condition: row.Condition, Title: row.Title, Message: row.Message, Link: row.Link,
		Severity: row.Severity, Disabled: row.Disabled, TTL: time.Duration(row.TTL) * time.Microsecond,
		Key: row.AlertKey, Status: row.Status, Escalation: row.Escalation,
		Revision: row.Revision, UpdateTime: moment(row.UpdateTime),
	}
	if row.BatchCount > 0 {
		r.Batch = &event.BatchSpec{Count: row.BatchCount, Within: time.Duration(row.BatchWithin) * time.Microsecond, Message: row.BatchMessage}
	}
	if err := json.Unmarshal([]byte(row.Notify), &r.Notify); err != nil {
		return event.Rule{}, fmt.Errorf("stored rule %s: notify: %w", row.ID, err)
	}
	var err error
	if r.RepeatFields, err = decodeFields(row.RepeatFields); err != nil {
		return event.Rule{}, fmt.Errorf("stored rule %s: repeat fields: %w", row.ID, err)
	}
	return r, nil
}

func errNoRule(name string) error {
	return fault.WithResource(fault.NotFoundf("event rule %q not found", name), "event rule", name)
}

// encodeFields returns the names of fields as JSON; empty for none.
func encodeFields(names []string) string {
	if len(names) == 0 {
		return ""
	}
	text, _ := json.Marshal(names) // strings are always encoded
	return string(text)
}

func decodeFields(text string) (names []string, err error) {
	if text == "" {
		return nil, nil
	}
	err = json.Unmarshal([]byte(text), &names)
	return names, err
}
