// Package schema defines the tables of the ledger.
//
// Times are microseconds since 1970 in UTC, 0 for none: both dialects store, compare and index
// them alike. There are no foreign keys, because the check would cost time for every row of the
// hot path: an alert and its deliveries are inserted in one transaction, attempts under the lock
// of their delivery, and an alert is deleted with all of them, or leaves a tombstone.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// id returns a primary key that the store assigns, not the database.
func id() ent.Field {
	return field.Int64("id").Annotations(entsql.Annotation{Incremental: new(bool)})
}

// Alert is a recorded alert.
type Alert struct{ ent.Schema }

// Annotations of Alert.
func (Alert) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("alerts")}
}

// Fields of Alert.
func (Alert) Fields() []ent.Field {
	return []ent.Field{
		id(),
		field.Strings("targets").Comment("targets of the request"),
		field.Strings("unknown").Comment("unknown targets of the request"),
		field.Text("severity").Comment("the caller's word"),
		field.Text("message").Comment("the caller's text"),
		field.Int64("create_time").Comment("when the alert was recorded"),
		field.Int64("expire_time").Default(0).Comment("when its deliveries expire"),
		field.Text("more").Default("").Comment("title, link, details, texts by messenger, alert key, by, callback, source and silence, as JSON; empty without them"),
		field.Text("trace").Default("").Comment("the span of the request as a W3C traceparent, or only its trace id; empty if unknown"),
	}
}
