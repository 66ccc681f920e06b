package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// AlertKey is the state of an alert key under which alerts were recorded.
type AlertKey struct{ ent.Schema }

// Annotations of AlertKey.
func (AlertKey) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("alert_keys")}
}

// Fields of AlertKey.
func (AlertKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("name").Comment("the alert key"),
		field.Int64("last_order").Comment("the order of the last recorded alert"),
		field.Int8("rank").Comment("the highest rank of firing alerts since the last resolved one, or before it"),
		field.Bool("resolved").Comment("the last alert was resolved"),
		field.Int64("use_time").Comment("when the last alert was recorded"),
		field.Int64("incident").Default(0).Comment("the id of the alert that opened the last incident"),
		field.Text("digest").Default("").Comment("the rank of the last update, a digit, and the digest of its compared fields; empty for none"),
		field.Int64("update_order").Default(0).Comment("the order of the last update; 0 for none"),
		field.Int64("update_time").Default(0).Comment("when the last update was recorded, that is a firing alert that is no repeat"),
		field.Int64("resolve_time").Default(0).Comment("when the last resolved alert was recorded; 0 for none"),
		field.Text("thread_prefix").Default("").Comment("what the names of its threads begin with; empty if they are digests of the key, as in rows of earlier versions"),
		field.Int("reopen_count").Default(0).Comment("how often the incident was reopened within the flap window"),
	}
}
