package ledger

import (
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// isStorableFilter reports whether alerts that a filter selects can be stored.
func isStorableFilter(f alert.AlertFilter) bool { return isStorable(f.Key, f.Source, f.Group) }

// alertFilterCondition returns the condition for deliveries whose alerts a filter selects, empty
// for a filter without conditions. It reads the alert of each delivery that the other conditions
// select.
func alertFilterCondition(t *database.Tx, f alert.AlertFilter) (condition string, args []any) {
	and := func(text string, arg ...any) {
		condition += " AND " + text
		args = append(args, arg...)
	}
	if f.Key != "" {
		and(extraField(t, "key")+` IN (?, ?)`, f.Key, job.SourceKey(f.Key))
	}
	if f.Source != "" {
		and(extraField(t, "source")+` = ?`, f.Source)
	}
	if f.Group != "" {
		and(hasTarget(t), "@@"+f.Group)
	}
	if !f.From.IsZero() {
		and(`alerts.create_time >= ?`, micros(f.From))
	}
	if !f.CreateBefore.IsZero() {
		and(`alerts.create_time < ?`, micros(f.CreateBefore))
	}
	if condition == "" {
		return "", nil
	}
	return ` AND EXISTS (SELECT 1 FROM alerts WHERE alerts.id = deliveries.alert_id` + condition + `)`, args
}

// extraField returns the expression for a field of alertExtras, NULL if it is not set.
func extraField(t *database.Tx, name string) string {
	if t.Postgres() {
		return `(NULLIF(alerts.more, '')::jsonb ->> '` + name + `')`
	}
	return `json_extract(NULLIF(alerts.more, ''), '$.` + name + `')`
}

// hasTarget returns the condition that an alert has a target, which is a parameter.
func hasTarget(t *database.Tx) string {
	if t.Postgres() {
		return `alerts.targets @> jsonb_build_array(CAST(? AS text))`
	}
	return `EXISTS (SELECT 1 FROM json_each(alerts.targets) WHERE json_each.value = ?)`
}
