package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// DeadLetter is an event that could not be handled.
type DeadLetter struct{ ent.Schema }

// Annotations of DeadLetter.
func (DeadLetter) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("dead_letters")}
}

// Fields of DeadLetter.
func (DeadLetter) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id").Comment("orders the dead letters"),
		field.String("key").Unique().Comment("the hash of the event and the rule"),
		field.Bytes("event").Comment("the event, as JSON of CloudEvents or as it was received"),
		field.Text("rule").Comment("the rule that failed; empty if the event could not be read"),
		field.Text("reason").Comment("why, for people"),
		field.Int64("create_time").Comment("when it became a dead letter"),
	}
}

// Indexes of DeadLetter.
func (DeadLetter) Indexes() []ent.Index {
	return []ent.Index{index.Fields("rule", "id")}
}
