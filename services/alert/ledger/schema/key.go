package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Key is an idempotency key, under which an alert was recorded.
type Key struct{ ent.Schema }

// Annotations of Key.
func (Key) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("keys")}
}

// Fields of Key.
func (Key) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("name").Comment("the idempotency key"),
		field.Bytes("request").Comment("a digest of the request"),
		field.Int64("alert_id").Comment("the alert that was recorded under it"),
		field.Int64("expire_time").Comment("when it can be used again"),
	}
}

// Indexes of Key.
func (Key) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("expire_time"),
	}
}
