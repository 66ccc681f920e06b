package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// AlertKey is what alerts are about that were recorded under one key.
type AlertKey struct{ ent.Schema }

// Annotations of AlertKey.
func (AlertKey) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("alert_keys")}
}

// Fields of AlertKey.
func (AlertKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("name"),
		field.Int64("last_order").Comment("the place of the last alert that was recorded"),
		field.Int8("rank").Comment("of the most urgent firing alert since the last resolved one, or before that"),
		field.Bool("resolved").Comment("the last alert was a resolved one"),
		field.Int64("use_time").Comment("when the last alert was recorded"),
	}
}

// Indexes of AlertKey.
func (AlertKey) Indexes() []ent.Index { return []ent.Index{index.Fields("use_time")} }
