package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Thread is the state of the deliveries of one alert key to one address. Its row is locked for
// every change of them.
type Thread struct{ ent.Schema }

// Annotations of Thread.
func (Thread) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("threads")}
}

// Fields of Thread.
func (Thread) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("name").Comment("a digest of the key and the address"),
		field.Bool("notified").Comment("a firing alert was, or may have been, sent since the last resolved one"),
		field.Int64("resolved_order").Comment("the order of the last recorded resolved alert; 0 for none"),
		field.Int64("last_order").Comment("the order of the last recorded alert"),
		field.Int64("use_time").Comment("when the last alert was recorded"),
		field.Int64("sent_order").Default(0).Comment("the order of the last firing alert that was, or may have been, sent; 0 for none, -1 for none in a thread with one alert"),
		field.Int64("update_order").Default(0).Comment("the order of the last update of the key when the last alert was recorded; 0 for none"),
		field.Int64("incident").Default(0).Comment("the incident of the message that reference names"),
		field.Text("reference").Default("").Comment("the messenger's reference of the incident's message; empty for none"),
		field.Text("reference_destination").Default("").Comment("the destination that the message was sent to"),
	}
}
