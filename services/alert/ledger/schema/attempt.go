package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Attempt is one call to a provider for a delivery, with its outcome.
type Attempt struct{ ent.Schema }

// Annotations of Attempt.
func (Attempt) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("attempts")}
}

// Fields of Attempt.
func (Attempt) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("delivery_id"),
		field.Int("number"),
		field.Int64("fence"),
		field.Int64("start_time"),
		field.Int64("end_time"),
		field.Int8("kind").Comment("1 sent, 2 retry, 3 paused, 4 failed, 5 unknown"),
		field.Int8("scope").Comment("0 none, 1 message, 2 destination, 3 credential"),
		field.Int("status"),
		field.Text("code"),
		field.Text("message_id"),
		field.Text("excerpt"),
		field.Bool("possible_duplicate"),
		field.Bool("cut").Default(false).Comment("the text was truncated"),
		field.Text("moved").Default("").Comment("the new destination that the provider reported; empty for none"),
	}
}

// Indexes of Attempt.
func (Attempt) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("delivery_id", "number").Unique(),
	}
}
