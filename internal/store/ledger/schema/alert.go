// Package schema is how the ledger lies in its database.
//
// Times are microseconds since 1970 in UTC, 0 where there is none: both dialects
// store, compare and index them alike. There are no foreign keys: an alert and
// its deliveries are written in one transaction, attempts under the lock of
// their delivery, and an alert is deleted with all of that, or leaves a remnant; the
// check would be paid for every row of the hot path.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// id is a key that the store gives, not the database.
func id() ent.Field {
	return field.Int64("id").Annotations(entsql.Annotation{Incremental: new(bool)})
}

// Alert is what happened, said once.
type Alert struct{ ent.Schema }

// Annotations of Alert.
func (Alert) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("alerts")}
}

// Fields of Alert.
func (Alert) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Strings("targets"),
		field.Strings("unknown"),
		field.Text("severity"),
		field.Text("message"),
		field.Int64("create_time"),
		field.Int64("expire_time").Default(0),
		field.Text("more").Default("").Comment("title, link, details and texts by messenger, as JSON; empty where there are none"),
	}
}
